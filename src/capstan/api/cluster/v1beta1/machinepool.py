"""MachinePool, machines that their provider scales as one, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.cluster.machinepool import PoolPhase
from capstan.api.cluster.replicas import VersionCount
from capstan.api.cluster.v1beta1.conditions import ReplicasV1Beta2Status
from capstan.api.cluster.v1beta1.template import MachineTemplate
from capstan.api.core.reference import ObjectReference
from capstan.api.facts import Int32, Int64, Required, Text63, Text256, Text512, Text10240, items, keyed_by
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class MachinePoolSpec(Struct, frozen=True, kw_only=True):
    """Which machines there are to be, and how many.

    cluster_name: the Cluster that it belongs to.
    failure_domains: where the machines may run.
    min_ready_seconds: how long a machine must be Ready before it is Available.
    provider_id_list: the provider IDs of the machines, as the provider reports them.
    replicas: how many machines.
    template: the form of what is made.
    """

    cluster_name: Required[Text63] = ""
    failure_domains: Annotated[tuple[Text256, ...], items(None, 100)] = ()
    min_ready_seconds: Int32 | None = None
    provider_id_list: Annotated[tuple[Text512, ...], items(None, 10000)] = msgspec.field(
        default=(), name="providerIDList"
    )
    replicas: Int32 | None = None
    template: Required[MachineTemplate] = MachineTemplate()


class MachinePoolStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the pool.

    available_replicas: how many are Available.
    bootstrap_ready: whether the instructions for new machines exist.
    conditions: how things stand, one by one.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    infrastructure_ready: whether the provider has made the pool.
    node_refs: the Nodes of the machines.
    observed_generation: the metadata.generation that this status is about.
    phase: how far it is, in one word.
    ready_replicas: how many are Ready.
    replicas: how many machines.
    unavailable_replicas: how many are missing.
    v1beta2: what clients of v1beta2 see.
    versions: how many have which version.
    """

    available_replicas: Int32 | None = None
    bootstrap_ready: bool | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: Text10240 = ""
    failure_reason: str = ""
    infrastructure_ready: bool | None = None
    node_refs: Annotated[tuple[ObjectReference, ...], items(None, 10000)] = ()
    observed_generation: Int64 | None = None
    phase: PoolPhase = ""
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    unavailable_replicas: Int32 | None = None
    v1beta2: ReplicasV1Beta2Status = ReplicasV1Beta2Status()
    versions: Annotated[tuple[VersionCount, ...], items(1, 100), keyed_by("version")] = ()


class MachinePool(TypedObject, frozen=True, kw_only=True):
    """Machines that the provider makes, scales and replaces as one.

    spec: what is wanted.
    status: what is observed.
    """

    spec: MachinePoolSpec = MachinePoolSpec()
    status: MachinePoolStatus = MachinePoolStatus()
