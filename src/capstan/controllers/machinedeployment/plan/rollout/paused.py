"""A deployment that is paused makes no new set, but scaling it still works: each set gets its part (4.8)."""

from __future__ import annotations

from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import DESIRED_REPLICAS_ANNOTATION, MAX_REPLICAS_ANNOTATION
from capstan.controllers.machinedeployment.plan.limits import is_rolling_update
from capstan.controllers.machinedeployment.plan.rollout.fleet import Fleet, Rollout, by_age, replicas_of

_PAUSED = "the rollout is paused"


def plan_paused(fleet: Fleet) -> Rollout:
    """Scale without rolling out."""
    rollout = Rollout(paused=True)
    active = [s for s in fleet.sets if replicas_of(s)]
    if len(active) <= 1:
        only = active[0] if active else fleet.current
        _resize(rollout, only, fleet.desired)
        return rollout
    if _is_saturated(fleet):
        for machine_set in fleet.old:
            _resize(rollout, machine_set, 0)
        return rollout
    if is_rolling_update(fleet.deployment):
        _scale_in_proportion(fleet, rollout, active)
    return rollout


def _is_saturated(fleet: Fleet) -> bool:
    """Whether the current set alone is all that is wanted, and was made that large for it: where the deployment has
    just been scaled to the size that the current set happens to have, each set gets its part."""
    current, wanted = fleet.current, fleet.desired
    noted = current.metadata.annotations.get(DESIRED_REPLICAS_ANNOTATION)
    return noted == str(wanted) and replicas_of(current) == wanted == (current.status.available_replicas or 0)


def _scale_in_proportion(fleet: Fleet, rollout: Rollout, active: list[MachineSet]) -> None:
    """What is to be added or removed is shared out by size; what is left over goes to the largest."""
    allowed = fleet.desired + fleet.surge if fleet.desired else 0
    missing = allowed - sum(replicas_of(s) for s in active)
    if not missing:
        return
    ordered = sorted(active, key=by_age, reverse=missing > 0)
    ordered.sort(key=lambda s: -replicas_of(s))
    shared = 0
    sizes = {}
    for machine_set in ordered:
        part = _part(fleet, machine_set, allowed, missing - shared)
        sizes[machine_set.metadata.name] = replicas_of(machine_set) + part
        shared += part
    first = ordered[0]
    sizes[first.metadata.name] += missing - shared
    for machine_set in ordered:
        _resize(rollout, machine_set, max(sizes[machine_set.metadata.name], 0))


def _part(fleet: Fleet, machine_set: MachineSet, allowed: int, left: int) -> int:
    """How many of the replicas still to share the set gets or gives, by its part of the former whole."""
    noted = machine_set.metadata.annotations.get(MAX_REPLICAS_ANNOTATION, "")
    whole = int(noted) if noted.isdigit() else 0
    whole = whole or fleet.deployment.status.replicas or 0
    size = replicas_of(machine_set)
    if not whole:
        return 0
    wanted = (2 * size * allowed + whole) // (2 * whole) - size
    return max(min(wanted, left), 0) if left > 0 else min(max(wanted, left), 0)


def _resize(rollout: Rollout, machine_set: MachineSet, replicas: int) -> None:
    if replicas != replicas_of(machine_set):
        rollout.resize(machine_set, replicas, _PAUSED)
