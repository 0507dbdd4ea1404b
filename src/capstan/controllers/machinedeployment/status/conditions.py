"""The conditions of a MachineDeployment (4.9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeploymentStatus
from capstan.api.meta import Condition
from capstan.api.rules.bullets import names
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
from capstan.controllers.machinedeployment.plan.limits import is_rolling_update, max_unavailable
from capstan.controllers.machinedeployment.plan.rollout import REASON, rollout_message
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.runtime.plan import Outcomes

_STALE = timedelta(minutes=15)


def deployment_conditions(
    snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus, outcomes: Outcomes
) -> list[Condition]:
    """All but Paused."""
    return [
        available(snapshot, status),
        machines_ready(snapshot.machines),
        machines_up_to_date(snapshot.machines, snapshot.now),
        rolling_out(snapshot),
        scaling_up(snapshot, status, outcomes),
        scaling_down(snapshot, status),
        remediating(snapshot.machines),
        deleting(snapshot, outcomes),
    ]


def available(snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus) -> Condition:
    if snapshot.deployment.spec.replicas is None:
        message = "Waiting for spec.replicas set"
        return Condition(type="Available", status=UNKNOWN, reason="WaitingForReplicasSet", message=message)
    unavailable = max_unavailable(snapshot.deployment)
    replicas = snapshot.deployment.spec.replicas
    have, needed = status.available_replicas or 0, replicas - unavailable
    if snapshot.deleting:
        return Condition(type="Available", status=FALSE, reason="NotAvailable", message="Deletion in progress")
    if have >= needed:
        return Condition(type="Available", status=TRUE, reason="Available")
    message = f"{have} available replicas, at least {needed} required"
    if is_rolling_update(snapshot.deployment):
        stated = snapshot.deployment.spec.rollout.strategy.rolling_update.max_unavailable
        limit = stated if stated is not None else 0
        message += f" (spec.strategy.rollout.maxUnavailable is {limit}, spec.replicas is {replicas})"
    return Condition(type="Available", status=FALSE, reason="NotAvailable", message=message)


def _sources(machines: Sequence[Machine]) -> list[Source]:
    return [Source("Machine", m.metadata.name, m.status.conditions) for m in machines]


def machines_ready(machines: Sequence[Machine]) -> Condition:
    if not machines:
        return Condition(type="MachinesReady", status=TRUE, reason="NoReplicas")
    reasons = Reasons("NotReady", "ReadyUnknown", "Ready")
    return aggregate(_sources(machines), "Ready", target="MachinesReady", reasons=reasons)


def machines_up_to_date(machines: Sequence[Machine], now: datetime) -> Condition:
    """Machines too young to have been compared do not count yet."""
    counted = [m for m in machines if is_compared(m.metadata, m.status.conditions, now)]
    if not counted:
        return Condition(type="MachinesUpToDate", status=TRUE, reason="NoReplicas")
    reasons = Reasons("NotUpToDate", "UpToDateUnknown", "UpToDate")
    return aggregate(_sources(counted), "UpToDate", target="MachinesUpToDate", reasons=reasons)


def rolling_out(snapshot: MachineDeploymentSnapshot) -> Condition:
    """A change that needs new machines is named, and that nothing is done about it."""
    message = "" if snapshot.deleting else rollout_message(snapshot)
    if message:
        return Condition(type="RollingOut", status=TRUE, reason=REASON, message=message)
    return Condition(type="RollingOut", status=FALSE, reason="NotRollingOut")


def scaling_up(snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus, outcomes: Outcomes) -> Condition:
    if snapshot.deployment.spec.replicas is None and not snapshot.deleting:
        message = "Waiting for spec.replicas set"
        return Condition(type="ScalingUp", status=UNKNOWN, reason="WaitingForReplicasSet", message=message)
    have, want = status.replicas or 0, snapshot.desired
    blocked = _blocked(snapshot)
    if have >= want:
        message = f"Scaling up would be blocked because {blocked}" if blocked and not snapshot.deleting else ""
        return Condition(type="ScalingUp", status=FALSE, reason="NotScalingUp", message=message)
    message = f"Scaling up from {have} to {want} replicas"
    why = [text for text in (blocked, str(outcomes.error) if outcomes.error is not None else "") if text]
    if why:
        message += " is blocked because " + "; ".join(why)
    return Condition(type="ScalingUp", status=TRUE, reason="ScalingUp", message=message)


def _blocked(snapshot: MachineDeploymentSnapshot) -> str:
    """Templates that are not there, and kinds that nobody serves."""
    problems = [found.problem for found in snapshot.templates if found.problem]
    kinds = [found.kind for found in snapshot.templates if found.missing]
    if kinds:
        names = [f"{found.kind} {found.name}" for found in snapshot.templates if found.missing]
        what = f"create {' and '.join(names)}, or correct the reference in spec.template.spec"
        problems.append(f"{' and '.join(kinds)} {'does' if len(kinds) == 1 else 'do'} not exist: {what}")
    return "; ".join(problems)


def scaling_down(snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus) -> Condition:
    if snapshot.deployment.spec.replicas is None and not snapshot.deleting:
        message = "Waiting for spec.replicas set"
        return Condition(type="ScalingDown", status=UNKNOWN, reason="WaitingForReplicasSet", message=message)
    have, want = status.replicas or 0, snapshot.desired
    if have <= want:
        return Condition(type="ScalingDown", status=FALSE, reason="NotScalingDown")
    stale = _stale(snapshot)
    message = f"Scaling down from {have} to {want} replicas" + (f"\n* {stale}" if stale else "")
    return Condition(type="ScalingDown", status=TRUE, reason="ScalingDown", message=message)


def _stale(snapshot: MachineDeploymentSnapshot) -> str:
    slow = [
        m.metadata.name
        for m in snapshot.machines
        if m.metadata.deletion_timestamp is not None and snapshot.now - m.metadata.deletion_timestamp > _STALE
    ]
    if not slow:
        return ""
    noun, verb = ("Machine", "is") if len(slow) == 1 else ("Machines", "are")
    return f"{noun} {names(slow)} {verb} in deletion since more than 15m"


def remediating(machines: Sequence[Machine]) -> Condition:
    waiting = [m for m in machines if is_false(m.status.conditions, "OwnerRemediated")]
    if waiting:
        merged = aggregate(_sources(waiting), "OwnerRemediated")
        return Condition(type="Remediating", status=TRUE, reason="Remediating", message=merged.message)
    unhealthy = [m.metadata.name for m in machines if is_false(m.status.conditions, "HealthCheckSucceeded")]
    message = ""
    if unhealthy:
        noun, verb = ("Machine", "is") if len(unhealthy) == 1 else ("Machines", "are")
        message = f"{noun} {names(unhealthy)} {verb} not healthy (not to be remediated by MachineDeployment)"
    return Condition(type="Remediating", status=FALSE, reason="NotRemediating", message=message)


def deleting(snapshot: MachineDeploymentSnapshot, outcomes: Outcomes) -> Condition:
    if not snapshot.deleting:
        return Condition(type="Deleting", status=FALSE, reason="NotDeleting")
    if not snapshot.machine_sets:
        return Condition(type="Deleting", status=TRUE, reason="DeletionCompleted", message="Deletion completed")
    if snapshot.machines:
        count, noun = len(snapshot.machines), "Machine"
    else:
        count, noun = len(snapshot.machine_sets), "MachineSet"
    message = f"Deleting {count} {noun}{'s' if count > 1 else ''}"
    stale = _stale(snapshot)
    if stale:
        message += f" and {stale}"
    if outcomes.error is not None:
        message += f": {outcomes.error}"
    return Condition(type="Deleting", status=TRUE, reason="Deleting", message=message)
