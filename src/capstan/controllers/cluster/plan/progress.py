"""What a Cluster takes over from its infra cluster and its control plane, and what it still waits for (1.2)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import CLUSTER
from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.cluster.network import ControlPlaneEndpoint
from capstan.api.rules.conditions import find_condition, is_true
from capstan.api.rules.contract import (
    External,
    InvalidConditionError,
    conditions_of,
    control_plane_endpoint,
    is_control_plane_initialized,
    is_provisioned,
)
from capstan.api.rules.owners import adopted_object, owner_reference
from capstan.controllers.cluster.snapshot import ClusterSnapshot
from capstan.runtime.plan import Update, Waiting


def plan_ownership(snapshot: ClusterSnapshot) -> Iterator[Update]:
    """The infra cluster and the control plane carry the Cluster's label and reference. The Cluster is their
    controller only when it makes them itself, from a topology."""
    cluster = snapshot.cluster
    owner = owner_reference(
        CLUSTER.resource().api_version, "Cluster", cluster.metadata, controller=cluster.spec.topology is not None
    )
    labels = {CLUSTER_NAME_LABEL: cluster.metadata.name}
    for found in (snapshot.infrastructure, snapshot.control_plane):
        if found is None or found.object is None or found.resource is None:
            continue
        after = adopted_object(found.object, owner, labels)
        if after is not found.object:
            reason = f"{found.kind} {found.name} belongs to Cluster {cluster.metadata.name}"
            yield Update(resource=found.resource, before=found.object, after=after, reason=reason)


def has_endpoint(cluster: Cluster) -> bool:
    return bool(cluster.spec.control_plane_endpoint.host and cluster.spec.control_plane_endpoint.port)


def is_infrastructure_provisioned(snapshot: ClusterSnapshot) -> bool:
    """Provisioned once is provisioned; a Cluster without infrastructure has nothing to wait for."""
    if snapshot.cluster.status.initialization.infrastructure_provisioned or snapshot.infrastructure is None:
        return snapshot.cluster.spec.topology is None or snapshot.infrastructure is not None
    return is_provisioned(snapshot.infrastructure) and not snapshot.infrastructure.deleting


def is_initialized(snapshot: ClusterSnapshot) -> bool:
    """The control plane's word, once given; without a control plane object, the first node of its Machines."""
    if snapshot.cluster.status.initialization.control_plane_initialized:
        return True
    if snapshot.control_plane is not None:
        return is_control_plane_initialized(snapshot.control_plane) and not snapshot.control_plane.deleting
    return any(m.status.node_ref is not None for m in snapshot.control_plane_machines)


def with_endpoint(snapshot: ClusterSnapshot) -> Cluster:
    """The Cluster with the endpoint of its infra cluster, else of its control plane; its own stays."""
    cluster = snapshot.cluster
    if has_endpoint(cluster):
        return cluster
    for found in (snapshot.infrastructure, snapshot.control_plane):
        if found is None or found.deleting:
            continue
        if found is snapshot.infrastructure and not is_infrastructure_provisioned(snapshot):
            continue
        if found is snapshot.control_plane and not is_initialized(snapshot):
            continue
        endpoint = control_plane_endpoint(found)
        if endpoint is not None:
            host, port = endpoint
            spec = msgspec.structs.replace(
                cluster.spec, control_plane_endpoint=ControlPlaneEndpoint(host=host, port=port)
            )
            return msgspec.structs.replace(cluster, spec=spec)
    return cluster


def phase_of(snapshot: ClusterSnapshot) -> str:
    """Later rules override earlier ones."""
    cluster = snapshot.cluster
    if snapshot.deleting:
        return "Deleting"
    was_provisioned = cluster.status.initialization.infrastructure_provisioned is True
    if (was_provisioned or is_infrastructure_provisioned(snapshot)) and has_endpoint(with_endpoint(snapshot)):
        return "Provisioned"
    has_providers = cluster.spec.infrastructure_ref is not None or cluster.spec.control_plane_ref is not None
    return "Provisioning" if has_providers else "Pending"


def waiting_on(snapshot: ClusterSnapshot) -> tuple[Waiting, ...]:
    """Everything that has to come from somebody else before the Cluster is there."""
    return tuple(_waiting_on(snapshot))


def _waiting_on(snapshot: ClusterSnapshot) -> Iterator[Waiting]:
    cluster = snapshot.cluster
    if cluster.spec.topology is not None and snapshot.infrastructure is None:
        text = "Cluster waits for its topology to be reconciled, which is not carried out yet"
        yield Waiting("TopologyReconciled", "ReconcileFailed", text)
    if snapshot.infrastructure is not None and not is_infrastructure_provisioned(snapshot):
        yield _wait_for("InfrastructureReady", snapshot.infrastructure, "to be provisioned")
    if snapshot.control_plane is not None and not is_initialized(snapshot):
        yield _wait_for("ControlPlaneInitialized", snapshot.control_plane, "to be initialized")
    if snapshot.control_plane is None and not is_initialized(snapshot):
        text = "Cluster waits for the first control plane Machine to have status.nodeRef set"
        yield Waiting("ControlPlaneInitialized", "NotInitialized", text)
    if is_infrastructure_provisioned(snapshot) and not has_endpoint(with_endpoint(snapshot)):
        text = "Cluster waits for spec.controlPlaneEndpoint: neither it nor its providers' objects name one"
        yield Waiting("ControlPlaneInitialized", "WaitingForControlPlaneEndpoint", text)
    yield from _waiting_on_descendants(snapshot)
    if snapshot.probed and snapshot.probe_problem:
        yield Waiting("RemoteConnectionProbe", "ProbeFailed", f"Cluster waits: {snapshot.probe_problem}")


def _waiting_on_descendants(snapshot: ClusterSnapshot) -> Iterator[Waiting]:
    """What is there and not available yet says itself what it waits for."""
    for deployment in snapshot.deployments:
        if not is_true(deployment.status.conditions, "Available"):
            text = f"Cluster waits for MachineDeployment {deployment.metadata.name} to be available"
            yield Waiting("WorkersAvailable", "NotAvailable", text)
    found = snapshot.control_plane
    if found is None or found.object is None or not is_initialized(snapshot):
        return
    try:
        available = find_condition(conditions_of(found.object), "Available")
    except InvalidConditionError as error:
        yield Waiting("ControlPlaneAvailable", "InvalidConditionReported", f"{found.kind} {found.name}: {error}")
        return
    if available is not None and available.status != "True":
        text = f"Cluster waits for {found.kind} {found.name} to be available: {available.message or available.reason}"
        yield Waiting("ControlPlaneAvailable", "NotAvailable", text)


def _wait_for(condition: str, found: External, what: str) -> Waiting:
    if found.problem:
        return Waiting(condition, found.problem_reason or "InternalError", f"Cluster waits: {found.problem}")
    missing = ", which does not exist," if found.object is None else ""
    return Waiting(condition, f"WaitingFor{found.kind}", f"Cluster waits for {found.kind} {found.name}{missing} {what}")
