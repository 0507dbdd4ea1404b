"""The conditions of a MachineSet: scaling, its Machines merged, deleting (3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import CONTROL_PLANE_LABEL
from capstan.api.meta import Condition
from capstan.api.rules.bullets import names, plural
from capstan.api.rules.conditions import (
    FALSE,
    TRUE,
    UNKNOWN,
    Reasons,
    Source,
    aggregate,
    is_false,
)
from capstan.api.rules.replicas import is_compared
from capstan.controllers.machineset.plan.scale import blockers
from capstan.controllers.machineset.snapshot import MachineSetSnapshot
from capstan.runtime.plan import Outcomes

_STALE = timedelta(minutes=15)


def set_conditions(snapshot: MachineSetSnapshot, outcomes: Outcomes) -> list[Condition]:
    """All but Paused."""
    return [
        scaling_up(snapshot, outcomes),
        scaling_down(snapshot),
        machines_ready(snapshot.machines),
        machines_up_to_date(snapshot.machines, snapshot.now),
        remediating(snapshot.machines),
        deleting(snapshot, outcomes),
    ]


def scaling_up(snapshot: MachineSetSnapshot, outcomes: Outcomes) -> Condition:
    """What keeps more Machines from being made is in the message, the last error included."""
    if snapshot.machine_set.spec.replicas is None and not snapshot.deleting:
        message = "Waiting for spec.replicas set"
        return Condition(type="ScalingUp", status=UNKNOWN, reason="WaitingForReplicasSet", message=message)
    have, want = len(snapshot.machines), snapshot.desired
    if have >= want:
        missing = "" if snapshot.deleting else _missing_templates(snapshot)
        message = f"Scaling up would be blocked because {missing}" if missing else ""
        return Condition(type="ScalingUp", status=FALSE, reason="NotScalingUp", message=message)
    reasons = blockers(snapshot)
    if outcomes.error is not None:
        reasons = [*reasons, str(outcomes.error)]
    message = f"Scaling up from {have} to {want} replicas"
    if reasons:
        message += " is blocked because:" + "".join(f"\n* {reason}" for reason in reasons)
    return Condition(type="ScalingUp", status=TRUE, reason="ScalingUp", message=message)


def _missing_templates(snapshot: MachineSetSnapshot) -> str:
    kinds = [template.found.kind for template in snapshot.templates if template.found.missing]
    return f"{' and '.join(kinds)} {'does' if len(kinds) == 1 else 'do'} not exist" if kinds else ""


def scaling_down(snapshot: MachineSetSnapshot) -> Condition:
    if snapshot.machine_set.spec.replicas is None and not snapshot.deleting:
        message = "Waiting for spec.replicas set"
        return Condition(type="ScalingDown", status=UNKNOWN, reason="WaitingForReplicasSet", message=message)
    have, want = len(snapshot.machines), snapshot.desired
    if have <= want:
        return Condition(type="ScalingDown", status=FALSE, reason="NotScalingDown")
    stale = stale_text(snapshot.machines, snapshot.now)
    message = f"Scaling down from {have} to {want} replicas" + (f"\n* {stale}" if stale else "")
    return Condition(type="ScalingDown", status=TRUE, reason="ScalingDown", message=message)


def stale_text(machines: Sequence[Machine], now: datetime) -> str:
    """Machines whose deletion takes long, and what the deletion of the first waits for."""
    slow = [
        m
        for m in machines
        if m.metadata.deletion_timestamp is not None and now - m.metadata.deletion_timestamp > _STALE
    ]
    if not slow:
        return ""
    noun = "Machine" if len(slow) == 1 else plural("Machine")
    verb = "is" if len(slow) == 1 else "are"
    return f"{noun} {names([m.metadata.name for m in slow])} {verb} in deletion since more than 15m"


def sources(machines: Sequence[Machine]) -> list[Source]:
    return [
        Source("Machine", m.metadata.name, m.status.conditions, CONTROL_PLANE_LABEL in m.metadata.labels)
        for m in machines
    ]


def machines_ready(machines: Sequence[Machine]) -> Condition:
    if not machines:
        return Condition(type="MachinesReady", status=TRUE, reason="NoReplicas")
    reasons = Reasons("NotReady", "ReadyUnknown", "Ready")
    return aggregate(sources(machines), "Ready", target="MachinesReady", reasons=reasons)


def machines_up_to_date(machines: Sequence[Machine], now: datetime) -> Condition:
    """Machines too young to have been compared do not count yet."""
    counted = [m for m in machines if is_compared(m.metadata, m.status.conditions, now)]
    if not counted:
        return Condition(type="MachinesUpToDate", status=TRUE, reason="NoReplicas")
    reasons = Reasons("NotUpToDate", "UpToDateUnknown", "UpToDate")
    return aggregate(sources(counted), "UpToDate", target="MachinesUpToDate", reasons=reasons)


def remediating(machines: Sequence[Machine]) -> Condition:
    """Machines are not remediated yet; those that a health check calls unhealthy are named."""
    waiting = [m for m in machines if is_false(m.status.conditions, "OwnerRemediated")]
    if waiting:
        merged = aggregate(sources(waiting), "OwnerRemediated")
        return Condition(type="Remediating", status=TRUE, reason="Remediating", message=merged.message)
    unhealthy = [m.metadata.name for m in machines if is_false(m.status.conditions, "HealthCheckSucceeded")]
    message = ""
    if unhealthy:
        noun, verb = ("Machine", "is") if len(unhealthy) == 1 else ("Machines", "are")
        message = f"{noun} {names(unhealthy)} {verb} not healthy (not to be remediated by MachineSet)"
    return Condition(type="Remediating", status=FALSE, reason="NotRemediating", message=message)


def deleting(snapshot: MachineSetSnapshot, outcomes: Outcomes) -> Condition:
    if not snapshot.deleting:
        return Condition(type="Deleting", status=FALSE, reason="NotDeleting")
    count = len(snapshot.machines)
    if not count:
        return Condition(type="Deleting", status=TRUE, reason="DeletionCompleted", message="Deletion completed")
    message = f"Deleting {count} Machine{'s' if count > 1 else ''}"
    stale = stale_text(snapshot.machines, snapshot.now)
    if stale:
        message += f" and {stale}"
    if outcomes.error is not None:
        message += f": {outcomes.error}"
    return Condition(type="Deleting", status=TRUE, reason="Deleting", message=message)
