"""The v1beta1 conditions of a Cluster (1.5, last paragraph)."""

from __future__ import annotations

from capstan.api.meta import LegacyCondition
from capstan.api.rules.conditions_v1beta1 import (
    INFO,
    find_legacy,
    legacy_false,
    legacy_true,
    put_legacies,
    summarize_legacy,
)
from capstan.api.rules.contract import is_control_plane_initialized, is_provisioned
from capstan.api.rules.progress import external_legacy
from capstan.controllers.cluster.plan.progress import is_initialized
from capstan.controllers.cluster.snapshot import ClusterSnapshot

_SUMMARIZED = ("ControlPlaneReady", "InfrastructureReady")


def legacy_conditions(snapshot: ClusterSnapshot) -> list[LegacyCondition | None]:
    new: list[LegacyCondition | None] = [_infrastructure(snapshot), _control_plane(snapshot), _initialized(snapshot)]
    so_far = put_legacies(snapshot.cluster.status.deprecated.v1beta1.conditions, new, now=snapshot.now)
    return [*new, summarize_legacy(so_far, _SUMMARIZED)]


def _infrastructure(snapshot: ClusterSnapshot) -> LegacyCondition | None:
    found = snapshot.infrastructure
    if found is None:
        return None if snapshot.deleting else legacy_true("InfrastructureReady")
    return external_legacy(
        "InfrastructureReady",
        found,
        done=is_provisioned(found) and not snapshot.deleting,
        waiting="WaitingForInfrastructure",
        deleting=snapshot.deleting,
    )


def _control_plane(snapshot: ClusterSnapshot) -> LegacyCondition | None:
    found = snapshot.control_plane
    if found is None:
        return None
    return external_legacy(
        "ControlPlaneReady",
        found,
        done=is_control_plane_initialized(found) and not snapshot.deleting,
        waiting="WaitingForControlPlane",
        deleting=snapshot.deleting,
    )


def _initialized(snapshot: ClusterSnapshot) -> LegacyCondition:
    """True once and for ever."""
    name = "ControlPlaneInitialized"
    old = find_legacy(snapshot.cluster.status.deprecated.v1beta1.conditions, name)
    if (old is not None and old.status == "True") or is_initialized(snapshot):
        return legacy_true(name)
    if snapshot.control_plane is not None:
        text = "Waiting for control plane provider to indicate the control plane has been initialized"
        return legacy_false(name, "WaitingForControlPlaneProviderInitialized", INFO, text)
    return legacy_false(
        name, "MissingNodeRef", INFO, "Waiting for the first control plane machine to have its status.nodeRef set"
    )
