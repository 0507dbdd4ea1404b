"""Decides the next step of one MachineHealthCheck: what its Machines are told, and who is to repair them."""

from __future__ import annotations

from collections.abc import Sequence

from capstan.api.cluster.kinds import CLUSTER
from capstan.api.cluster.machinehealthcheck import MachineHealthCheck
from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.rules.conditions import find_condition, is_false
from capstan.api.rules.owners import add_labels, owner_reference, with_metadata, with_owner
from capstan.controllers.machinehealthcheck.plan.allowance import allowance
from capstan.controllers.machinehealthcheck.plan.health import Verdict, judge
from capstan.controllers.machinehealthcheck.plan.remediation import HEALTHY, plan_requests, plan_verdict
from capstan.controllers.machinehealthcheck.snapshot import RESOURCE, HealthCheckSnapshot
from capstan.runtime.plan import Action, Emit, Plan, Update, Waiting

__all__ = ["plan"]


def plan(snapshot: HealthCheckSnapshot) -> Plan:
    """Nothing is said while paused, or while the nodes cannot be seen: silence is no illness."""
    check = snapshot.check
    if check.metadata.deletion_timestamp is not None:
        return Plan(snapshot.subject)
    if snapshot.cluster is None:
        text = f"MachineHealthCheck waits for Cluster {check.spec.cluster_name}, which does not exist"
        waiting = (Waiting("RemediationAllowed", "ClusterNotFound", text),)
        return Plan(snapshot.subject, waiting_on=waiting, requeue_after=30.0)
    if snapshot.paused:
        return Plan(snapshot.subject)
    owned = _owned(snapshot)
    actions: list[Action] = []
    if owned != check:
        reason = f"it belongs to Cluster {check.spec.cluster_name}"
        actions.append(Update(resource=RESOURCE, before=check, after=owned, reason=reason))
    if snapshot.nodes_problem:
        text = f"MachineHealthCheck waits to see the nodes of the cluster: {snapshot.nodes_problem}"
        return Plan(snapshot.subject, tuple(actions), (Waiting("RemediationAllowed", "ConnectionDown", text),))
    verdicts = judge(snapshot)
    allowed = allowance(snapshot, verdicts)
    told: list[Action] = []
    for verdict in verdicts:
        told.extend(plan_verdict(snapshot, verdict, allowed=not allowed.refusal))
    if allowed.refusal and _is_news(check, verdicts, allowed.refusal):
        told.append(Emit(name="RemediationRestricted", type="Warning", reason=allowed.refusal))
    if not allowed.refusal:
        actions.extend(plan_requests(snapshot, verdicts))
    again = min((v.again_in for v in verdicts if v.again_in is not None), default=None)
    return Plan(snapshot.subject, (*told, *actions), requeue_after=again)


def _is_news(check: MachineHealthCheck, verdicts: Sequence[Verdict], refusal: str) -> bool:
    """Once for each Machine that is found unhealthy, and when the numbers change. Machines that only start are none."""
    unhealthy = [v.target.machine for v in verdicts if v.state == "unhealthy"]
    said = find_condition(check.status.conditions, "RemediationAllowed")
    changed = said is None or said.message != refusal
    return any(changed or not is_false(machine.status.conditions, HEALTHY) for machine in unhealthy)


def _owned(snapshot: HealthCheckSnapshot) -> MachineHealthCheck:
    check, cluster = snapshot.check, snapshot.cluster
    assert cluster is not None
    labelled = add_labels(check, {CLUSTER_NAME_LABEL: check.spec.cluster_name})
    owner = owner_reference(CLUSTER.resource().api_version, "Cluster", cluster.metadata)
    refs = with_owner(check.metadata.owner_references, owner)
    return labelled if refs == check.metadata.owner_references else with_metadata(labelled, owner_references=refs)
