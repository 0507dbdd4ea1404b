"""Tells of references that lead nowhere: an Event once it has lasted, for manifests may come in any order."""

from __future__ import annotations

from capstan.api.rules.conditions import find_condition
from capstan.api.rules.lasting import patience_left
from capstan.controllers.cluster.snapshot import ClusterSnapshot
from capstan.runtime.plan import Emit


def plan_missing(snapshot: ClusterSnapshot) -> tuple[tuple[Emit, ...], float | None]:
    """The Events that are due, and when to look again for those that are not yet."""
    events: list[Emit] = []
    pauses: list[float] = []
    for type_, found in (
        ("InfrastructureReady", snapshot.infrastructure),
        ("ControlPlaneAvailable", snapshot.control_plane),
    ):
        if found is None or (found.object is not None and not found.problem):
            continue
        told = find_condition(snapshot.cluster.status.conditions, type_)
        if told is None or told.status == "True":
            continue
        left = patience_left(told.last_transition_time, snapshot.now)
        if left > 0:
            pauses.append(left)
        else:
            events.append(Emit(name=told.reason, type="Warning", reason=told.message))
    return tuple(events), min(pauses, default=None)
