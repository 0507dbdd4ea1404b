"""TODO infrastructure/proxmoxmachine"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

from capstan.api.cluster.address import MachineAddress
from capstan.api.facts import (
    ATOMIC_LIST,
    SET_LIST,
    Facts,
    Int32,
    Int64,
    Positive32,
    Required,
    between,
    cel,
    default,
    items,
    keyed_by,
    length,
    multiple_of,
    one_of,
    pattern,
)
from capstan.api.infrastructure.disks import Disks
from capstan.api.infrastructure.initialization import InfrastructureInitialization
from capstan.api.infrastructure.machineparts import MetadataSettings, ProvisioningChecks
from capstan.api.infrastructure.network import NetworkSpec
from capstan.api.infrastructure.placement import TemplateSelector, VMIDRange
from capstan.api.meta import Condition, TypedObject
from capstan.api.struct import Struct


class ProxmoxMachineSpec(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.spec']"""

    schema_facts: ClassVar[Facts] = (
        cel(
            "[has(self.sourceNode), has(self.templateSelector)].exists_one(c, c)",
            "must define either a SourceNode with a TemplateID or a TemplateSelector",
        ),
        cel(
            "[has(self.templateID), has(self.templateSelector)].exists_one(c, c)",
            "must define either a SourceNode with a TemplateID or a TemplateSelector",
        ),
        cel("self.full || !has(self.format)", "Must set full=true when specifying format"),
        cel("self.full || !has(self.storage)", "Must set full=true when specifying storage"),
        cel(
            "has(self.templateSelector) || (has(self.templateID) && has(self.sourceNode))",
            "Must specify either templateID or templateSelector",
        ),
    )

    allowed_nodes: Annotated[tuple[str, ...], SET_LIST] = ()
    checks: ProvisioningChecks = ProvisioningChecks()
    description: str = ""
    disks: Disks = Disks()
    format: Annotated[str, one_of("raw", "qcow2", "vmdk")] = ""
    full: Annotated[bool, default(True)] | None = None
    memory_mib: Annotated[Int32, between(0), multiple_of(8)] | None = msgspec.field(default=None, name="memoryMiB")
    metadata_settings: MetadataSettings = MetadataSettings()
    network: Required[NetworkSpec] = NetworkSpec()
    num_cores: Positive32 | None = None
    num_sockets: Positive32 | None = None
    pool: str = ""
    provider_id: Annotated[
        str,
        length(46, 46),
        pattern("^proxmox://[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}$"),
    ] = msgspec.field(default="", name="providerID")
    snap_name: str = ""
    source_node: Annotated[str, length(1)] = ""
    storage: str = ""
    tags: Annotated[tuple[Annotated[str, pattern(r"^(?i)[a-z0-9_][a-z0-9_\-\+\.]*$")], ...], items(1), SET_LIST] = ()
    template_id: Int32 | None = msgspec.field(default=None, name="templateID")
    template_selector: TemplateSelector | None = None
    virtual_machine_id: Int64 | None = msgspec.field(default=None, name="virtualMachineID")
    vm_id_range: VMIDRange | None = msgspec.field(default=None, name="vmIDRange")


class DeviceAddresses(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.status.ipAddresses[]']"""

    ipv4: Annotated[tuple[str, ...], SET_LIST] = ()
    ipv6: Annotated[tuple[str, ...], SET_LIST] = ()
    net: Required[Annotated[str, length(4), pattern("^(net[0-9]+|default)$")]] = ""


class NetworkStatus(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.status.network[]']"""

    connected: Required[bool] = msgspec.field(default_factory=bool)
    ip_addrs: Annotated[tuple[str, ...], SET_LIST] = ()
    mac_addr: Required[Annotated[str, length(17, 17), pattern("^([0-9A-Fa-f]{2}[:]){5}([0-9A-Fa-f]{2})$")]] = ""
    network_name: Annotated[str, length(4), pattern("^net[0-9]+$")] = ""


class ProxmoxMachineStatus(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.status']"""

    addresses: Annotated[tuple[MachineAddress, ...], ATOMIC_LIST] = ()
    bootstrap_data_provided: bool | None = None
    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    initialization: InfrastructureInitialization = InfrastructureInitialization()
    ip_addresses: Annotated[tuple[DeviceAddresses, ...], keyed_by("net")] = ()
    network: Annotated[tuple[NetworkStatus, ...], ATOMIC_LIST] = ()
    proxmox_node: str = ""
    retry_after: datetime | None = None
    task_ref: str = ""
    vm_status: str = ""


class ProxmoxMachine(TypedObject, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2']"""

    spec: Required[ProxmoxMachineSpec] = ProxmoxMachineSpec()
    status: ProxmoxMachineStatus = ProxmoxMachineStatus()
