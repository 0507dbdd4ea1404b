"""MachinePool, machines that their provider scales as one."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.cluster.replicas import VersionCount
from capstan.api.cluster.template import MachineTemplate
from capstan.api.core.reference import ObjectReference
from capstan.api.facts import (
    ATOMIC_LIST,
    Facts,
    Int32,
    Int64,
    Required,
    Text63,
    Text256,
    Text512,
    Text10240,
    between,
    entries,
    items,
    keyed_by,
    one_of,
)
from capstan.api.meta import Condition, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class MachinePoolSpec(Struct, frozen=True, kw_only=True):
    """Which machines there are to be, and how many.

    cluster_name: the Cluster that it belongs to.
    failure_domains: where the machines may run.
    provider_id_list: the provider IDs of the machines, as the provider reports them.
    replicas: how many machines.
    template: the form of what is made.
    """

    cluster_name: Required[Text63] = ""
    failure_domains: Annotated[tuple[Text256, ...], items(None, 100), ATOMIC_LIST] = ()
    provider_id_list: Annotated[tuple[Text512, ...], items(None, 10000), ATOMIC_LIST] = msgspec.field(
        default=(), name="providerIDList"
    )
    replicas: Int32 | None = None
    template: Required[MachineTemplate] = MachineTemplate()


class MachinePoolInitialization(Struct, frozen=True, kw_only=True):
    """What has been there once.

    bootstrap_data_secret_created: whether the instructions for new machines exist.
    infrastructure_provisioned: whether the provider has made the pool.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    bootstrap_data_secret_created: bool | None = None
    infrastructure_provisioned: bool | None = None


class MachinePoolV1Beta1Status(Struct, frozen=True, kw_only=True):
    """What clients of v1beta1 see.

    available_replicas: how many are Available.
    conditions: how things stand, one by one.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    ready_replicas: how many are Ready.
    unavailable_replicas: how many are missing.
    """

    available_replicas: Int32 | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: Text10240 = ""
    failure_reason: str = ""
    ready_replicas: Int32 | None = None
    unavailable_replicas: Int32 | None = None


class MachinePoolDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta1: what clients of v1beta1 see.
    """

    v1beta1: MachinePoolV1Beta1Status = MachinePoolV1Beta1Status()


PoolPhase = Annotated[
    str,
    one_of(
        "Pending",
        "Provisioning",
        "Provisioned",
        "Running",
        "ScalingUp",
        "ScalingDown",
        "Scaling",
        "Deleting",
        "Failed",
        "Unknown",
    ),
]


class MachinePoolStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the pool.

    available_replicas: how many are Available.
    conditions: how things stand, one by one.
    deprecated: what only older contracts ask for.
    initialization: what has been there once.
    node_refs: the Nodes of the machines.
    observed_generation: the metadata.generation that this status is about.
    phase: how far it is, in one word.
    ready_replicas: how many are Ready.
    replicas: how many machines.
    up_to_date_replicas: how many are as the template wants them.
    versions: how many have which version.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    available_replicas: Int32 | None = None
    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    deprecated: MachinePoolDeprecatedStatus = MachinePoolDeprecatedStatus()
    initialization: MachinePoolInitialization = MachinePoolInitialization()
    node_refs: Annotated[tuple[ObjectReference, ...], items(None, 10000), ATOMIC_LIST] = ()
    observed_generation: Annotated[Int64, between(1)] | None = None
    phase: PoolPhase = ""
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    up_to_date_replicas: Int32 | None = None
    versions: Annotated[tuple[VersionCount, ...], items(1, 100), keyed_by("version")] = ()


class MachinePool(TypedObject, frozen=True, kw_only=True):
    """Machines that the provider makes, scales and replaces as one.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[MachinePoolSpec] = MachinePoolSpec()
    status: MachinePoolStatus = MachinePoolStatus()
