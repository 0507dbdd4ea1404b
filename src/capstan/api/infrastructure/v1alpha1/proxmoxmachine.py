"""TODO infrastructure/v1alpha1/proxmoxmachine"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

from capstan.api.cluster.address import MachineAddress
from capstan.api.facts import (
    SET_LIST,
    Facts,
    Int32,
    Int64,
    Positive32,
    Required,
    cel,
    default,
    items,
    length,
    multiple_of,
    one_of,
    pattern,
)
from capstan.api.infrastructure.machineparts import ProvisioningChecks
from capstan.api.infrastructure.placement import TemplateSelector, VMIDRange
from capstan.api.infrastructure.v1alpha1.disks import Disks
from capstan.api.infrastructure.v1alpha1.machineparts import MetadataSettings
from capstan.api.infrastructure.v1alpha1.network import NetworkSpec
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ProxmoxMachineSpec(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha1.spec']"""

    schema_facts: ClassVar[Facts] = (
        cel(
            "[has(self.sourceNode), has(self.templateSelector)].exists_one(c, c)",
            "must define either SourceNode with TemplateID, OR TemplateSelector",
        ),
        cel(
            "[has(self.templateID), has(self.templateSelector)].exists_one(c, c)",
            "must define either SourceNode with TemplateID, OR TemplateSelector.",
        ),
        cel("self.full || !has(self.format)", "Must set full=true when specifying format"),
        cel("self.full || !has(self.storage)", "Must set full=true when specifying storage"),
    )

    allowed_nodes: tuple[str, ...] = ()
    checks: ProvisioningChecks = ProvisioningChecks()
    description: str = ""
    disks: Disks = Disks()
    format: Annotated[str, one_of("raw", "qcow2", "vmdk")] = ""
    full: Annotated[bool, default(True)] | None = None
    memory_mib: Annotated[Int32, multiple_of(8)] | None = msgspec.field(default=None, name="memoryMiB")
    metadata_settings: MetadataSettings = MetadataSettings()
    network: NetworkSpec = NetworkSpec()
    num_cores: Positive32 | None = None
    num_sockets: Positive32 | None = None
    pool: str = ""
    provider_id: str = msgspec.field(default="", name="providerID")
    snap_name: str = ""
    source_node: Annotated[str, length(1)] = ""
    storage: str = ""
    tags: Annotated[tuple[Annotated[str, pattern(r"^(?i)[a-z0-9_][a-z0-9_\-\+\.]*$")], ...], items(1), SET_LIST] = ()
    target: str = ""
    template_id: Int32 | None = msgspec.field(default=None, name="templateID")
    template_selector: TemplateSelector | None = None
    virtual_machine_id: Int64 | None = msgspec.field(default=None, name="virtualMachineID")
    vm_id_range: VMIDRange | None = msgspec.field(default=None, name="vmIDRange")


class AddressPair(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha1.status.ipAddresses{}']"""

    ipv4: str = ""
    ipv6: str = ""


class NetworkStatus(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha1.status.network[]']"""

    connected: bool | None = None
    ip_addrs: tuple[str, ...] = ()
    mac_addr: Required[str] = msgspec.field(default_factory=str)
    network_name: str = ""


class ProxmoxMachineStatus(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha1.status']"""

    addresses: tuple[MachineAddress, ...] = ()
    bootstrap_data_provided: bool | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: str = ""
    failure_reason: str = ""
    ip_addresses: dict[str, AddressPair] = {}
    network: tuple[NetworkStatus, ...] = ()
    proxmox_node: str = ""
    ready: bool | None = None
    retry_after: datetime | None = None
    task_ref: str = ""
    vm_status: str = ""


class ProxmoxMachine(TypedObject, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha1']"""

    spec: ProxmoxMachineSpec = ProxmoxMachineSpec()
    status: ProxmoxMachineStatus = ProxmoxMachineStatus()
