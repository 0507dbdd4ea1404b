"""Machine, what is, or becomes, a node, as v1beta1 has it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from capstan.api.cluster.address import MachineAddress
from capstan.api.cluster.deletion import MachineDeletionProgress
from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.taint import MachineTaint
from capstan.api.cluster.v1beta1.conditions import ConditionsV1Beta2Status
from capstan.api.core.node import NodeSystemInfo
from capstan.api.core.reference import ObjectReference
from capstan.api.facts import Int64, Required, Text63, Text256, Text512, Text10240, items, keyed_by, length, one_of
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class MachineBootstrap(Struct, frozen=True, kw_only=True):
    """Where the machine's first instructions come from: a provider's object, or a Secret.

    config_ref: the provider's object that makes the instructions.
    data_secret_name: the Secret that holds the instructions.
    """

    config_ref: ObjectReference | None = None
    data_secret_name: Annotated[str, length(0, 253)] | None = None


class MachineSpec(Struct, frozen=True, kw_only=True):
    """What the machine is to be.

    bootstrap: where the machine's first instructions come from.
    cluster_name: the Cluster that it belongs to.
    failure_domain: the failure domain that Machines are made in.
    infrastructure_ref: the provider's object that makes this machine.
    node_deletion_timeout: how long deleting the node object is tried; 0s means for ever.
    node_drain_timeout: how long draining the node may take; 0s means for ever.
    node_volume_detach_timeout: how long detaching its volumes may take; 0s means for ever.
    provider_id: the machine's identity at its provider, as its node has it.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    taints: taints that the nodes get.
    version: the Kubernetes version, such as v1.33.1.
    """

    bootstrap: Required[MachineBootstrap] = MachineBootstrap()
    cluster_name: Required[Text63] = ""
    failure_domain: Text256 = ""
    infrastructure_ref: Required[ObjectReference] = ObjectReference()
    node_deletion_timeout: str = ""
    node_drain_timeout: str = ""
    node_volume_detach_timeout: str = ""
    provider_id: Text512 = msgspec.field(default="", name="providerID")
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(None, 32), keyed_by("conditionType")] = ()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    version: Text256 = ""


class MachineStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the machine.

    addresses: the machine's addresses.
    bootstrap_ready: true when the bootstrap data is there.
    certificates_expiry_date: when the first of the machine's certificates ends.
    conditions: how things stand, one by one.
    deletion: how Machines are deleted.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    infrastructure_ready: true when the infrastructure is made.
    last_updated: when the phase last changed.
    node_info: what the node says of its machine and its software.
    node_ref: the node.
    observed_generation: the metadata.generation that this status is about.
    phase: where in its life it is, in one word.
    v1beta2: what clients of v1beta2 see.
    """

    addresses: tuple[MachineAddress, ...] = ()
    bootstrap_ready: bool | None = None
    certificates_expiry_date: datetime | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    deletion: MachineDeletionProgress = MachineDeletionProgress()
    failure_message: Text10240 = ""
    failure_reason: str = ""
    infrastructure_ready: bool | None = None
    last_updated: datetime | None = None
    node_info: NodeSystemInfo | None = None
    node_ref: ObjectReference | None = None
    observed_generation: Int64 | None = None
    phase: Annotated[
        str, one_of("Pending", "Provisioning", "Provisioned", "Running", "Deleting", "Deleted", "Failed", "Unknown")
    ] = ""
    v1beta2: ConditionsV1Beta2Status = ConditionsV1Beta2Status()


class Machine(TypedObject, frozen=True, kw_only=True):
    """A machine that is, or becomes, a Kubernetes node. It is replaced rather than changed.

    spec: what is wanted.
    status: what is observed.
    """

    spec: MachineSpec = MachineSpec()
    status: MachineStatus = MachineStatus()
