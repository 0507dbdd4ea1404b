"""Cluster, the root of everything that belongs to a Kubernetes cluster, as v1beta1 has it."""

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
    """What the cluster is to be.

    availability_gates: conditions that must hold as well before the cluster is Available.
    cluster_network: the addresses inside the cluster.
    control_plane_endpoint: where the cluster's API is reached; filled by the infrastructure provider where empty.
    control_plane_ref: the provider's object that makes the control plane.
    infrastructure_ref: the provider's object that makes the machines' surroundings.
    paused: true while nothing is to be done.
    topology: the cluster described by a ClusterClass and variables.
    """

    availability_gates: Annotated[tuple[ConditionGate, ...], items(None, 32), keyed_by("conditionType")] = ()
    cluster_network: ClusterNetwork = ClusterNetwork()
    control_plane_endpoint: ControlPlaneEndpoint = ControlPlaneEndpoint()
    control_plane_ref: ObjectReference | None = None
    infrastructure_ref: ObjectReference | None = None
    paused: bool | None = None
    topology: Topology | None = None


class FailureDomain(Struct, frozen=True, kw_only=True):
    """A part of the infrastructure that fails as one.

    attributes: more about it.
    control_plane: whether control plane machines may be here.
    """

    attributes: dict[str, str] = {}
    control_plane: bool | None = None


class ClusterStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the cluster.

    conditions: how things stand, one by one.
    control_plane_ready: true when the control plane takes requests.
    failure_domains: the failure domains.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    infrastructure_ready: true when the infrastructure is made.
    observed_generation: the metadata.generation that this status is about.
    phase: where in its life it is, in one word.
    v1beta2: what clients of v1beta2 see.
    """

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
    """A Kubernetes cluster: its network, its control plane and the infrastructure that it stands on.

    spec: what is wanted.
    status: what is observed.
    """

    spec: ClusterSpec = ClusterSpec()
    status: ClusterStatus = ClusterStatus()
