"""The conditions of a MachineDeployment (4.9)."""

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
from capstan.api.cluster.machinedeployment import MachineDeploymentStatus
from capstan.api.meta import Condition
from capstan.api.rules.conditions import FALSE, TRUE, UNKNOWN, find_condition
from capstan.api.rules.contract import missing_templates_text
from capstan.controllers.machinedeployment.plan.limits import is_rolling_update, max_unavailable
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.runtime.plan import Outcomes


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
        _scaling_down(snapshot, status),
        remediating(snapshot.machines, awaiting_owner(snapshot.machines), by="MachineDeployment/MachineSet"),
        deleting(snapshot, outcomes),
    ]


def available(snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus) -> Condition:
    if snapshot.deployment.spec.replicas is None:
        return replicas_unset("Available")
    if status.available_replicas is None:
        text = "Waiting for status.availableReplicas set"
        return Condition(type="Available", status=UNKNOWN, reason="WaitingForAvailableReplicasSet", message=text)
    replicas = snapshot.deployment.spec.replicas
    have, needed = status.available_replicas, replicas - max_unavailable(snapshot.deployment)
    if have >= needed:
        return Condition(type="Available", status=TRUE, reason="Available")
    if snapshot.deleting:
        return Condition(type="Available", status=FALSE, reason="NotAvailable", message="Deletion in progress")
    message = f"{have} available replicas, at least {needed} required"
    if is_rolling_update(snapshot.deployment):
        stated = snapshot.deployment.spec.rollout.strategy.rolling_update.max_unavailable
        limit = stated if stated is not None else 0
        message += f" (spec.strategy.rollout.maxUnavailable is {limit}, spec.replicas is {replicas})"
    return Condition(type="Available", status=FALSE, reason="NotAvailable", message=message)


def rolling_out(snapshot: MachineDeploymentSnapshot) -> Condition:
    """Machines that say of themselves that they are not as wanted, and why, each reason once."""
    told = [find_condition(m.status.conditions, "UpToDate") for m in snapshot.machines]
    outdated = [condition for condition in told if condition is not None and condition.status == FALSE]
    if not outdated:
        return Condition(type="RollingOut", status=FALSE, reason="NotRollingOut")
    lines = {line for condition in outdated for line in condition.message.splitlines() if line}
    ordered = sorted(lines, key=lambda line: (not line.startswith("* Version"), line))
    message = "\n".join([f"Rolling out {len(outdated)} not up-to-date replicas", *ordered])
    return Condition(type="RollingOut", status=TRUE, reason="RollingOut", message=message)


def scaling_up(snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus, outcomes: Outcomes) -> Condition:
    if snapshot.deployment.spec.replicas is None and not snapshot.deleting:
        return replicas_unset("ScalingUp")
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
    return "; ".join(text for text in (*problems, missing_templates_text(snapshot.templates)) if text)


def _scaling_down(snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus) -> Condition:
    if snapshot.deployment.spec.replicas is None and not snapshot.deleting:
        return replicas_unset("ScalingDown")
    return scaling_down(status.replicas or 0, snapshot.desired, snapshot.machines, snapshot.now)


def deleting(snapshot: MachineDeploymentSnapshot, outcomes: Outcomes) -> Condition:
    if not snapshot.deleting:
        return not_deleting()
    machines, sets = len(snapshot.machines), len(snapshot.machine_sets)
    # Upstream counts in the plural, whatever the number of sets.
    count, nouns = (machines, None) if machines else (sets, "MachineSets")
    return deletion(count, "Machine", snapshot.machines, snapshot.now, outcomes.error, nouns=nouns)
