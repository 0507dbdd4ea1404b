"""TODO cluster/cluster"""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.legacy import DeprecatedStatus
from capstan.api.cluster.network import ClusterNetwork, ControlPlaneEndpoint
from capstan.api.cluster.reference import ContractReference
from capstan.api.cluster.replicas import ReplicaCounts
from capstan.api.cluster.topology import Topology
from capstan.api.facts import Facts, Int64, Required, Text256, between, entries, items, keyed_by, one_of
from capstan.api.meta import Condition, TypedObject
from capstan.api.struct import Struct


class ClusterSpec(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    availability_gates: Annotated[tuple[ConditionGate, ...], items(1, 32), keyed_by("conditionType")] = ()
    cluster_network: ClusterNetwork = ClusterNetwork()
    control_plane_endpoint: ControlPlaneEndpoint = ControlPlaneEndpoint()
    control_plane_ref: ContractReference | None = None
    infrastructure_ref: ContractReference | None = None
    paused: bool | None = None
    topology: Topology | None = None


class FailureDomain(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.status.failureDomains[]']"""

    attributes: dict[str, str] = {}
    control_plane: bool | None = None
    name: Required[Text256] = ""


class ClusterInitialization(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.status.initialization']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    control_plane_initialized: bool | None = None
    infrastructure_provisioned: bool | None = None


class ClusterStatus(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.status']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    control_plane: ReplicaCounts = ReplicaCounts()
    deprecated: DeprecatedStatus = DeprecatedStatus()
    failure_domains: Annotated[tuple[FailureDomain, ...], items(1, 100), keyed_by("name")] = ()
    initialization: ClusterInitialization = ClusterInitialization()
    observed_generation: Annotated[Int64, between(1)] | None = None
    phase: Annotated[str, one_of("Pending", "Provisioning", "Provisioned", "Deleting", "Failed", "Unknown")] = ""
    workers: ReplicaCounts = ReplicaCounts()


class Cluster(TypedObject, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2']"""

    spec: Required[ClusterSpec] = ClusterSpec()
    status: ClusterStatus = ClusterStatus()
