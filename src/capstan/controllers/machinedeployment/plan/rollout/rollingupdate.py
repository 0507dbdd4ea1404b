"""RollingUpdate: the current set grows and the old ones shrink, within maxSurge and maxUnavailable (4.5)."""

from __future__ import annotations

from collections.abc import Callable

from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.updating import is_updating
from capstan.controllers.machinedeployment.plan.rollout.fleet import (
    Fleet,
    Rollout,
    existing,
    machines_in,
    replicas_of,
)
from capstan.controllers.machinedeployment.plan.rollout.inplace import acknowledge_moves, prefer_moves


def plan_rolling_update(fleet: Fleet) -> Rollout:
    """One round. What the sets report decides how far it may go; the next round follows from what they report then."""
    rollout = Rollout()
    acknowledge_moves(fleet, rollout)
    _size_current(fleet, rollout)
    _shrink_old(fleet, rollout)
    prefer_moves(fleet, rollout)
    _break_deadlock(fleet, rollout)
    return rollout


def _size_current(fleet: Fleet, rollout: Rollout) -> None:
    """Up as far as maxSurge allows; down to the wanted size at once."""
    current, desired = fleet.current, fleet.desired
    size = rollout.size(current)
    if size > desired:
        rollout.resize(current, desired, f"{size} replicas > {desired} MachineDeployment spec.replicas")
        return
    total = machines_in(fleet, rollout)
    room = desired + fleet.surge - total
    growth = min(room, desired - size)
    if growth <= 0:
        return
    note = f"{total} current Machines < {desired} MachineDeployment spec.replicas + {fleet.surge} maxSurge"
    rollout.resize(current, size + growth, note)


def _shrink_old(fleet: Fleet, rollout: Rollout) -> None:
    """As many fewer as there are Machines above the least number that has to be available. Those that are not
    available go first: nobody misses them."""
    current = replicas_of(fleet.current) + rollout.taken_over
    asked = current + sum(replicas_of(s) for s in fleet.old)
    going = sum(max(existing(s) - min(replicas_of(s), rollout.size(s)), 0) for s in fleet.sets)
    coming = max(current - (fleet.current.status.available_replicas or 0), 0)
    budget = max(asked - going - fleet.least_available - coming, 0)
    available = fleet.available
    for most in (_unavailable, replicas_of):
        budget, available = _shrink_each(fleet, rollout, most, budget, available)


def _unavailable(machine_set: MachineSet) -> int:
    return max(replicas_of(machine_set) - (machine_set.status.available_replicas or 0), 0)


def _shrink_each(
    fleet: Fleet, rollout: Rollout, most: Callable[[MachineSet], int], budget: int, available: int
) -> tuple[int, int]:
    """One pass over the old sets, oldest first; gives what is left of the budget and of the available Machines."""
    for machine_set in fleet.old:
        size = rollout.size(machine_set)
        fewer = min(most(machine_set), size, budget)
        if fewer <= 0:
            continue
        ready, spare = machine_set.status.available_replicas or 0, max(available - fleet.least_available, 0)
        before = available
        if ready:
            # The worst case is assumed: that the Machines which go are those that are available. Those that go
            # already, by what was asked before, count too.
            if max(existing(machine_set) - (size - fewer), 0) > spare:
                fewer = size - min(max(existing(machine_set) - spare, 0), size)
            available -= min(ready, max(existing(machine_set) - (size - fewer), 0))
        if fewer <= 0:
            continue
        budget -= fewer
        note = f"{before} available replicas > {fleet.least_available} minimum available replicas"
        if most is _unavailable:
            note = f"{_unavailable(machine_set)} of its replicas are not available"
        rollout.resize(machine_set, size - fewer, note)
    return budget, available


def _break_deadlock(fleet: Fleet, rollout: Rollout) -> None:
    """Nothing moves, and the old Machines that hold it up will never become available: give one of them up."""
    if rollout.replicas or any(replicas_of(s) != existing(s) for s in fleet.sets):
        return
    if (fleet.current.status.available_replicas or 0) < existing(fleet.current):
        return
    if any(is_updating(machine) for machine in fleet.machines_of(fleet.current)):
        return
    for machine_set in fleet.old:
        if replicas_of(machine_set) and (machine_set.status.available_replicas or 0) < existing(machine_set):
            size = replicas_of(machine_set) - 1
            rollout.resize(machine_set, size, "nothing else can go on while its unavailable Machines stay")
            return
