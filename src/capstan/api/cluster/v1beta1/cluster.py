"""TODO cluster/v1beta1/cluster"""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.v1beta1.conditions import ClusterV1Beta2Status
from capstan.api.cluster.v1beta1.network import ClusterNetwork, ControlPlaneEndpoint
from capstan.api.cluster.v1beta1.topology import Topology
from capstan.api.core.reference import ObjectReference
from capstan.api.facts import Int64, Text10240, items, keyed_by, one_of
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ClusterSpec(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec']"""

    availability_gates: Annotated[tuple[ConditionGate, ...], items(None, 32), keyed_by("conditionType")] = ()
    cluster_network: ClusterNetwork = ClusterNetwork()
    control_plane_endpoint: ControlPlaneEndpoint = ControlPlaneEndpoint()
    control_plane_ref: ObjectReference | None = None
    infrastructure_ref: ObjectReference | None = None
    paused: bool | None = None
    topology: Topology | None = None


class FailureDomain(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.status.failureDomains{}']"""

    attributes: dict[str, str] = {}
    control_plane: bool | None = None


class ClusterStatus(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.status']"""

    conditions: tuple[LegacyCondition, ...] = ()
    control_plane_ready: bool | None = None
    failure_domains: dict[str, FailureDomain] = {}
    failure_message: Text10240 = ""
    failure_reason: str = ""
    infrastructure_ready: bool | None = None
    observed_generation: Int64 | None = None
    phase: Annotated[str, one_of("Pending", "Provisioning", "Provisioned", "Deleting", "Failed", "Unknown")] = ""
    v1beta2: ClusterV1Beta2Status = ClusterV1Beta2Status()


class Cluster(TypedObject, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1']"""

    spec: ClusterSpec = ClusterSpec()
    status: ClusterStatus = ClusterStatus()
