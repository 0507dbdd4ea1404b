"""The conditions of a MachineSet: scaling, its Machines merged, deleting (3.7)."""

from __future__ import annotations

from capstan.api.cluster.machineconditions import (
    awaiting_owner,
    deletion,
    machines_ready,
    machines_up_to_date,
    not_deleting,
    remediating,
    replicas_unset,
    scaling_down,
)
from capstan.api.cluster.names import PENDING_MOVE_ANNOTATION
from capstan.api.meta import Condition
from capstan.api.rules.conditions import (
    FALSE,
    TRUE,
)
from capstan.api.rules.contract import missing_templates_text
from capstan.controllers.machineset.plan.scale import blockers
from capstan.controllers.machineset.snapshot import MachineSetSnapshot
from capstan.runtime.plan import Outcomes


def set_conditions(snapshot: MachineSetSnapshot, outcomes: Outcomes) -> list[Condition]:
    """All but Paused."""
    return [
        scaling_up(snapshot, outcomes),
        _scaling_down(snapshot),
        machines_ready(snapshot.machines),
        machines_up_to_date(snapshot.machines, snapshot.now),
        remediating(snapshot.machines, awaiting_owner(snapshot.machines), by="MachineSet"),
        deleting(snapshot, outcomes),
    ]


def scaling_up(snapshot: MachineSetSnapshot, outcomes: Outcomes) -> Condition:
    """What keeps more Machines from being made is in the message, the last error included."""
    if snapshot.machine_set.spec.replicas is None and not snapshot.deleting:
        return replicas_unset("ScalingUp")
    have, want = len(snapshot.machines), snapshot.desired
    if have >= want:
        missing = "" if snapshot.deleting else missing_templates_text(t.found for t in snapshot.templates)
        message = f"Scaling up would be blocked because {missing}" if missing else ""
        return Condition(type="ScalingUp", status=FALSE, reason="NotScalingUp", message=message)
    reasons = blockers(snapshot)
    if outcomes.error is not None:
        reasons = [*reasons, str(outcomes.error)]
    message = f"Scaling up from {have} to {want} replicas"
    if reasons:
        message += " is blocked because:" + "".join(f"\n* {reason}" for reason in reasons)
    return Condition(type="ScalingUp", status=TRUE, reason="ScalingUp", message=message)


def _scaling_down(snapshot: MachineSetSnapshot) -> Condition:
    if snapshot.machine_set.spec.replicas is None and not snapshot.deleting:
        return replicas_unset("ScalingDown")
    counted = [m for m in snapshot.machines if PENDING_MOVE_ANNOTATION not in m.metadata.annotations]
    return scaling_down(len(counted), snapshot.desired, snapshot.machines, snapshot.now)


def deleting(snapshot: MachineSetSnapshot, outcomes: Outcomes) -> Condition:
    if not snapshot.deleting:
        return not_deleting()
    return deletion(len(snapshot.machines), "Machine", snapshot.machines, snapshot.now, outcomes.error)
