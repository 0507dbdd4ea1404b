"""Machine, what is, or becomes, a node."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Final

import msgspec

from capstan.api.cluster.address import MachineAddress
from capstan.api.cluster.deletion import MachineDeletion, MachineDeletionProgress
from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.legacy import DeprecatedStatus
from capstan.api.cluster.reference import ContractReference
from capstan.api.cluster.taint import MachineTaint
from capstan.api.core.node import NodeSystemInfo
from capstan.api.core.reference import NameReference
from capstan.api.facts import (
    ATOMIC_LIST,
    Facts,
    Int64,
    NonNegative32,
    Required,
    Text63,
    Text256,
    Text512,
    between,
    entries,
    items,
    keyed_by,
    length,
    one_of,
)
from capstan.api.meta import Condition, TypedObject
from capstan.api.struct import Struct


class MachineBootstrap(Struct, frozen=True, kw_only=True):
    """Where the machine's first instructions come from: a provider's object, or a Secret.

    config_ref: the provider's object that makes the instructions.
    data_secret_name: the Secret that holds the instructions.
    """

    config_ref: ContractReference | None = None
    data_secret_name: Annotated[str, length(0, 253)] | None = None


class MachineSpec(Struct, frozen=True, kw_only=True):
    """What the machine is to be.

    bootstrap: where the machine's first instructions come from.
    cluster_name: the Cluster that it belongs to.
    deletion: how Machines are deleted.
    failure_domain: the failure domain that Machines are made in.
    infrastructure_ref: the provider's object that makes this machine.
    min_ready_seconds: how long a Machine must be Ready before it is Available.
    provider_id: the machine's identity at its provider, as its node has it.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    taints: taints that the nodes get.
    version: the Kubernetes version, such as v1.33.1.
    """

    bootstrap: Required[MachineBootstrap] = MachineBootstrap()
    cluster_name: Required[Text63] = ""
    deletion: MachineDeletion = MachineDeletion()
    failure_domain: Text256 = ""
    infrastructure_ref: Required[ContractReference] = ContractReference()
    min_ready_seconds: NonNegative32 | None = None
    provider_id: Text512 = msgspec.field(default="", name="providerID")
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(1, 32), keyed_by("conditionType")] = ()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    version: Text256 = ""


#: What of a Machine's spec changes while it runs, as its template does; as the wire names it.
IN_PLACE_FIELDS: Final = ("deletion", "minReadySeconds", "readinessGates", "taints")


class MachineInitialization(Struct, frozen=True, kw_only=True):
    """Steps that happen once in the machine's life.

    bootstrap_data_secret_created: true once the bootstrap data has been there.
    infrastructure_provisioned: true once the infrastructure has been made.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    bootstrap_data_secret_created: bool | None = None
    infrastructure_provisioned: bool | None = None


class MachineStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the machine.

    addresses: the machine's addresses.
    certificates_expiry_date: when the first of the machine's certificates ends.
    conditions: how things stand, one by one.
    deletion: how Machines are deleted.
    deprecated: what only older contracts ask for.
    failure_domain: the failure domain that Machines are made in.
    initialization: steps that happen once.
    last_updated: when the phase last changed.
    node_info: what the node says of its machine and its software.
    node_ref: the node.
    observed_generation: the metadata.generation that this status is about.
    phase: where in its life it is, in one word.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    addresses: Annotated[tuple[MachineAddress, ...], items(None, 256), ATOMIC_LIST] = ()
    certificates_expiry_date: datetime | None = None
    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    deletion: MachineDeletionProgress = MachineDeletionProgress()
    deprecated: DeprecatedStatus = DeprecatedStatus()
    failure_domain: Text256 = ""
    initialization: MachineInitialization = MachineInitialization()
    last_updated: datetime | None = None
    node_info: NodeSystemInfo | None = None
    node_ref: NameReference | None = None
    observed_generation: Annotated[Int64, between(1)] | None = None
    phase: Annotated[
        str,
        one_of(
            "Pending", "Provisioning", "Provisioned", "Running", "Updating", "Deleting", "Deleted", "Failed", "Unknown"
        ),
    ] = ""


class Machine(TypedObject, frozen=True, kw_only=True):
    """A machine that is, or becomes, a Kubernetes node. It is replaced rather than changed.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[MachineSpec] = MachineSpec()
    status: MachineStatus = MachineStatus()
