"""Machines that change in place: they move from an old set to the current one instead of being replaced (7.2, 7.3)."""

from __future__ import annotations

from capstan.api.cluster.names import ACKNOWLEDGED_MOVE_ANNOTATION, PENDING_MOVE_ANNOTATION
from capstan.api.cluster.updating import is_updating
from capstan.controllers.machinedeployment.plan.rollout.fleet import (
    Fleet,
    Rollout,
    existing,
    machines_in,
    replicas_of,
)


def acknowledge_moves(fleet: Fleet, rollout: Rollout) -> None:
    """Machines that an old set handed over count among the current set's replicas from now on."""
    known = _names(fleet.current.metadata.annotations.get(ACKNOWLEDGED_MOVE_ANNOTATION, ""))
    moved = [
        m.metadata.name for m in fleet.machines_of(fleet.current) if PENDING_MOVE_ANNOTATION in m.metadata.annotations
    ]
    rollout.acknowledged = tuple(moved)
    fresh = [name for name in moved if name not in known]
    if fresh:
        rollout.taken_over = len(fresh)
        size = replicas_of(fleet.current) + len(fresh)
        rollout.resize(fleet.current, size, f"acknowledge Machines {','.join(moved)} moved from an old MachineSet")


def _names(text: str) -> frozenset[str]:
    return frozenset(name for name in text.split(",") if name)


def prefer_moves(fleet: Fleet, rollout: Rollout) -> None:
    """Old sets whose Machines can change in place shrink by handing them over, and the current set does not make
    new ones for what can be moved."""
    current = fleet.current
    if replicas_of(current) + rollout.taken_over >= fleet.desired:
        return
    giving = [s for s in fleet.old if existing(s) and s.metadata.name in fleet.updatable]
    if not giving:
        return
    for machine_set in giving:
        rollout.move_to[machine_set.metadata.name] = current.metadata.name
        if rollout.size(machine_set) < replicas_of(machine_set):
            rollout.note(machine_set, f"should scale down by moving Machines to MachineSet {current.metadata.name}")
    rollout.receive_from = tuple(s.metadata.name for s in giving)
    _drop_surge(fleet, rollout)


def _drop_surge(fleet: Fleet, rollout: Rollout) -> None:
    """Growth above the wanted number only makes Machines that are deleted again: one is enough, and only where
    nothing else gives the room to begin."""
    current = fleet.current
    have = replicas_of(current) + rollout.taken_over
    growth = rollout.size(current) - have
    exceeding = max(machines_in(fleet, rollout) - fleet.desired, 0)
    surge = min(growth, exceeding)
    if growth <= 0 or surge <= 0:
        return
    left = growth - surge
    if left == 0 and not _is_progressing(fleet, rollout):
        rollout.resize(current, have + 1, "surge 1 allowed to create availability for in-place updates")
    else:
        rollout.resize(current, have + left, f"surge {surge} dropped to prioritize in-place updates")


def _is_progressing(fleet: Fleet, rollout: Rollout) -> bool:
    """Whether the rollout goes on without another Machine."""
    current, status = fleet.current, fleet.current.status
    wanted = replicas_of(current)
    settled = wanted == existing(current) == (status.up_to_date_replicas or 0) == (status.available_replicas or 0)
    shrinking = any(rollout.size(s) < max(existing(s), replicas_of(s)) for s in fleet.old)
    updating = any(is_updating(m) for s in fleet.sets for m in fleet.machines_of(s))
    return not settled or shrinking or updating
