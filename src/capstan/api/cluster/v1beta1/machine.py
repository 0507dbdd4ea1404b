"""TODO cluster/v1beta1/machine"""

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
    """TODO ['Machine/v1beta1.spec.bootstrap']"""

    config_ref: ObjectReference | None = None
    data_secret_name: Annotated[str, length(0, 253)] | None = None


class MachineSpec(Struct, frozen=True, kw_only=True):
    """TODO ['Machine/v1beta1.spec']"""

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
    """TODO ['Machine/v1beta1.status']"""

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
    """TODO ['Machine/v1beta1']"""

    spec: MachineSpec = MachineSpec()
    status: MachineStatus = MachineStatus()
