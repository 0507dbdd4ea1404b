"""Cluster, the root of everything that belongs to a Kubernetes cluster."""

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
    """What the cluster is to be.

    availability_gates: conditions that must hold as well before the cluster is Available.
    cluster_network: the addresses inside the cluster.
    control_plane_endpoint: where the cluster's API is reached; filled by the infrastructure provider where empty.
    control_plane_ref: the provider's object that makes the control plane.
    infrastructure_ref: the provider's object that makes the machines' surroundings.
    paused: true while nothing is to be done.
    topology: the cluster described by a ClusterClass and variables.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    availability_gates: Annotated[tuple[ConditionGate, ...], items(1, 32), keyed_by("conditionType")] = ()
    cluster_network: ClusterNetwork = ClusterNetwork()
    control_plane_endpoint: ControlPlaneEndpoint = ControlPlaneEndpoint()
    control_plane_ref: ContractReference | None = None
    infrastructure_ref: ContractReference | None = None
    paused: bool | None = None
    topology: Topology | None = None


class FailureDomain(Struct, frozen=True, kw_only=True):
    """A part of the infrastructure that fails as one.

    attributes: more about it.
    control_plane: whether control plane machines may be here.
    name: the name.
    """

    attributes: dict[str, str] = {}
    control_plane: bool | None = None
    name: Required[Text256] = ""


class ClusterInitialization(Struct, frozen=True, kw_only=True):
    """Steps that happen once in the cluster's life.

    control_plane_initialized: true once the control plane has taken requests.
    infrastructure_provisioned: true once the infrastructure has been made.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    control_plane_initialized: bool | None = None
    infrastructure_provisioned: bool | None = None


class ClusterStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the cluster.

    conditions: how things stand, one by one.
    control_plane: the control plane.
    deprecated: what only older contracts ask for.
    failure_domains: the failure domains.
    initialization: steps that happen once.
    observed_generation: the metadata.generation that this status is about.
    phase: where in its life it is, in one word.
    workers: the workers.
    """

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
    """A Kubernetes cluster: its network, its control plane and the infrastructure that it stands on.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[ClusterSpec] = ClusterSpec()
    status: ClusterStatus = ClusterStatus()
