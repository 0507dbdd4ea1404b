"""TODO cluster/machine"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

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
    """TODO ['Machine/v1beta2.spec.bootstrap']"""

    config_ref: ContractReference | None = None
    data_secret_name: Annotated[str, length(0, 253)] | None = None


class MachineSpec(Struct, frozen=True, kw_only=True):
    """TODO ['Machine/v1beta2.spec']"""

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


class MachineInitialization(Struct, frozen=True, kw_only=True):
    """TODO ['Machine/v1beta2.status.initialization']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    bootstrap_data_secret_created: bool | None = None
    infrastructure_provisioned: bool | None = None


class MachineStatus(Struct, frozen=True, kw_only=True):
    """TODO ['Machine/v1beta2.status']"""

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
    """TODO ['Machine/v1beta2']"""

    spec: Required[MachineSpec] = MachineSpec()
    status: MachineStatus = MachineStatus()
