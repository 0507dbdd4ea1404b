"""Tells of what a Cluster reaches, once, as Events: its phases, its infrastructure, its control plane (17.4)."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.controllers.cluster.plan.progress import is_infrastructure_provisioned, is_initialized, phase_of
from capstan.controllers.cluster.snapshot import ClusterSnapshot
from capstan.runtime.plan import Emit


def plan_milestones(snapshot: ClusterSnapshot) -> Iterator[Emit]:
    """What the status does not hold yet, and will after this reconcile."""
    cluster = snapshot.cluster
    name, reached = cluster.metadata.name, cluster.status.initialization
    if not snapshot.deleting:
        if not reached.infrastructure_provisioned and is_infrastructure_provisioned(snapshot):
            yield Emit(name="InfrastructureReady", reason=f"Cluster {name} InfrastructureProvisioned is now True")
        if not reached.control_plane_initialized and is_initialized(snapshot):
            text = f"Cluster {name} ControlPlaneInitialized is now True"
            yield Emit(name="ControlPlaneInitialized", reason=text)
    phase = phase_of(snapshot)
    if phase != cluster.status.phase:
        yield Emit(name=phase, reason=f"Cluster {name} is {phase}")
