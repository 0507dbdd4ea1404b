"""The conditions of a Cluster that come from its providers and its connection, and the summary Available (1.5)."""

from __future__ import annotations

from capstan.api.meta import Condition
from capstan.api.rules.conditions import (
    FALSE,
    TRUE,
    UNKNOWN,
    Priority,
    Reasons,
    find_condition,
    ranking,
    summarize,
)
from capstan.api.rules.contract import External, missing_text
from capstan.api.rules.progress import Mirrored, external_condition
from capstan.controllers.cluster.plan.deletion import Stage
from capstan.controllers.cluster.plan.progress import is_infrastructure_provisioned, is_initialized
from capstan.controllers.cluster.snapshot import ClusterSnapshot
from capstan.runtime.plan import Outcomes, Update

_INFRASTRUCTURE = Mirrored(
    "InfrastructureReady", "Ready", "Ready", "NotReady", "status.initialization.provisioned", "cluster"
)
_CONTROL_PLANE = Mirrored(
    "ControlPlaneAvailable",
    "Available",
    "Available",
    "NotAvailable",
    "status.initialization.controlPlaneInitialized",
    "cluster",
)
_SUMMARIZED = (
    "Deleting",
    "RemoteConnectionProbe",
    "InfrastructureReady",
    "ControlPlaneAvailable",
    "WorkersAvailable",
    "TopologyReconciled",
)
_TOPOLOGY_TEXT = "Waiting for cluster topology to be reconciled"


def provider_conditions(snapshot: ClusterSnapshot, outcomes: Outcomes) -> list[Condition]:
    """InfrastructureReady, ControlPlaneAvailable, ControlPlaneInitialized, RemoteConnectionProbe."""
    conditions = [
        _with_error(infrastructure_ready(snapshot), snapshot.infrastructure, outcomes),
        _with_error(control_plane_available(snapshot), snapshot.control_plane, outcomes),
        control_plane_initialized(snapshot),
    ]
    probe = remote_connection_probe(snapshot)
    if probe is not None:
        conditions.append(probe)
    if snapshot.cluster.spec.topology is not None and snapshot.infrastructure is None:
        text = "Managed topologies are not carried out yet: nothing is made from the ClusterClass"
        conditions.append(Condition(type="TopologyReconciled", status=FALSE, reason="ReconcileFailed", message=text))
    return conditions


def _with_error(condition: Condition, found: External | None, outcomes: Outcomes) -> Condition:
    """A refused write of the provider's object shows where the object shows."""
    failed = next((o for o in outcomes.items if o.error is not None), None)
    if failed is None or found is None or not isinstance(failed.action, Update):
        return condition
    if failed.action.resource != found.resource:
        return condition
    text = f"{found.kind} {found.name} cannot be taken over: {failed.error}"
    return Condition(type=condition.type, status=FALSE, reason="InternalError", message=text)


def infrastructure_ready(snapshot: ClusterSnapshot) -> Condition:
    found = snapshot.infrastructure
    if found is not None:
        was_done = snapshot.cluster.status.initialization.infrastructure_provisioned is True
        done = is_infrastructure_provisioned(snapshot)
        return external_condition(_INFRASTRUCTURE, found, done=done, was_done=was_done, deleting=snapshot.deleting)
    if snapshot.cluster.spec.topology is not None:
        return _waits_for_topology("InfrastructureReady", FALSE, snapshot)
    # Upstream reports an internal error here (1.5, quirk); a Cluster without infrastructure simply has none.
    return Condition(type="InfrastructureReady", status=TRUE, reason="Ready")


def control_plane_available(snapshot: ClusterSnapshot) -> Condition:
    found = snapshot.control_plane
    if found is not None:
        was_done = snapshot.cluster.status.initialization.control_plane_initialized is True
        done = is_initialized(snapshot)
        return external_condition(_CONTROL_PLANE, found, done=done, was_done=was_done, deleting=snapshot.deleting)
    if snapshot.cluster.spec.topology is not None:
        return _waits_for_topology("ControlPlaneAvailable", FALSE, snapshot)
    if is_initialized(snapshot):
        return Condition(type="ControlPlaneAvailable", status=TRUE, reason="Available")
    text = "Waiting for the first control plane machine to have status.nodeRef set"
    return Condition(type="ControlPlaneAvailable", status=FALSE, reason="NotAvailable", message=text)


def control_plane_initialized(snapshot: ClusterSnapshot) -> Condition:
    """True once and for ever."""
    name = "ControlPlaneInitialized"
    old = find_condition(snapshot.cluster.status.conditions, name)
    if (old is not None and old.status == TRUE) or is_initialized(snapshot):
        return Condition(type=name, status=TRUE, reason="Initialized")
    found = snapshot.control_plane
    if found is None:
        if snapshot.cluster.spec.topology is not None:
            return _waits_for_topology(name, UNKNOWN, snapshot)
        text = "Waiting for the first control plane machine to have status.nodeRef set"
        return Condition(type=name, status=FALSE, reason="NotInitialized", message=text)
    if found.problem:
        reason = found.problem_reason or "InternalError"
        return Condition(type=name, status=UNKNOWN, reason=reason, message=f"Waiting: {found.problem}")
    if found.object is None:
        return Condition(type=name, status=UNKNOWN, reason="ObjectDoesNotExist", message=missing_text(found))
    text = "Control plane not yet initialized"
    return Condition(type=name, status=FALSE, reason="NotInitialized", message=text)


def _waits_for_topology(type: str, status: str, snapshot: ClusterSnapshot) -> Condition:
    message = "" if snapshot.deleting else _TOPOLOGY_TEXT
    return Condition(type=type, status=status, reason="ObjectDoesNotExist", message=message)


def remote_connection_probe(snapshot: ClusterSnapshot) -> Condition | None:
    """Whether the workload cluster's API answers. While that is not known, what was known stays."""
    name = "RemoteConnectionProbe"
    if snapshot.probed and not snapshot.probe_problem:
        return Condition(type=name, status=TRUE, reason="ProbeSucceeded")
    if snapshot.probed and not snapshot.probe_unsure:
        seen = snapshot.probe_last_seen
        since = f", probe last succeeded at {seen:%Y-%m-%dT%H:%M:%SZ}" if seen is not None else ""
        text = f"Remote connection probe failed{since}"
        return Condition(type=name, status=FALSE, reason="ProbeFailed", message=text)
    if find_condition(snapshot.cluster.status.conditions, name) is not None:
        return None
    text = "Remote connection not established yet"
    return Condition(type=name, status=FALSE, reason="ProbeFailed", message=text)


def deleting_condition(stage: Stage | None, outcomes: Outcomes) -> Condition:
    """Where the deletion stands, and what went wrong with its last step."""
    if stage is None:
        return Condition(type="Deleting", status=FALSE, reason="NotDeleting")
    message = f"{stage.message}: {outcomes.error}" if outcomes.error is not None else stage.message
    return Condition(type="Deleting", status=TRUE, reason=stage.reason, message=message)


def available_condition(snapshot: ClusterSnapshot, conditions: tuple[Condition, ...]) -> Condition:
    """The summary; on the way out, what is rightly gone is no issue."""
    gates = snapshot.cluster.spec.availability_gates
    negative = ["Deleting", *(g.condition_type for g in gates if g.polarity == "Negative")]
    default = ranking(negative)

    def rank(condition: Condition) -> Priority:
        gone = condition.reason in ("ObjectDeleted", "ObjectDoesNotExist")
        if snapshot.deleting and gone and condition.type in ("InfrastructureReady", "ControlPlaneAvailable"):
            return Priority.INFO
        if condition.type == "TopologyReconciled" and condition.status == FALSE:
            serious = condition.reason in ("ReconcileFailed", "ClusterClassNotReconciled")
            return Priority.ISSUE if serious else Priority.INFO
        return default(condition)

    return summarize(
        conditions,
        "Available",
        [*_SUMMARIZED, *(g.condition_type for g in gates)],
        ignore_if_missing=[] if snapshot.cluster.spec.topology is not None else ["TopologyReconciled"],
        reasons=Reasons("NotAvailable", "AvailableUnknown", "Available"),
        rank=rank,
    )
