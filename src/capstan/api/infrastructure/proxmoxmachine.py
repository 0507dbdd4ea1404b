"""ProxmoxMachine, a virtual machine that becomes a node."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

from capstan.api.cluster.address import MachineAddress
from capstan.api.facts import (
    ATOMIC_LIST,
    SET_LIST,
    Facts,
    Required,
    cel,
    items,
    keyed_by,
    length,
    pattern,
)
from capstan.api.infrastructure.initialization import InfrastructureInitialization
from capstan.api.infrastructure.proxmoxmachinetemplate import ProxmoxMachineBlueprint
from capstan.api.meta import Condition, TypedObject
from capstan.api.struct import Struct


class ProxmoxMachineSpec(ProxmoxMachineBlueprint, frozen=True, kw_only=True):
    """What the virtual machine is to be."""

    schema_facts: ClassVar[Facts] = (
        cel(
            "[has(self.sourceNode), has(self.templateSelector)].exists_one(c, c)",
            "must define either a SourceNode with a TemplateID or a TemplateSelector",
        ),
        cel(
            "[has(self.templateID), has(self.templateSelector)].exists_one(c, c)",
            "must define either a SourceNode with a TemplateID or a TemplateSelector",
        ),
        *ProxmoxMachineBlueprint.schema_facts,
    )


class DeviceAddresses(Struct, frozen=True, kw_only=True):
    """The addresses of one network card.

    ipv4: IPv4 addresses.
    ipv6: IPv6 addresses.
    net: the network card.
    """

    ipv4: Annotated[tuple[str, ...], SET_LIST] = ()
    ipv6: Annotated[tuple[str, ...], SET_LIST] = ()
    net: Required[Annotated[str, length(4), pattern("^(net[0-9]+|default)$")]] = ""


class NetworkStatus(Struct, frozen=True, kw_only=True):
    """One network card as the machine shows it.

    connected: whether the card has a link.
    ip_addrs: its addresses.
    mac_addr: its hardware address.
    network_name: its name.
    """

    connected: Required[bool] = msgspec.field(default_factory=bool)
    ip_addrs: Annotated[tuple[str, ...], SET_LIST] = ()
    mac_addr: Required[Annotated[str, length(17, 17), pattern("^([0-9A-Fa-f]{2}[:]){5}([0-9A-Fa-f]{2})$")]] = ""
    network_name: Annotated[str, length(4), pattern("^net[0-9]+$")] = ""


class ProxmoxMachineStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the virtual machine.

    addresses: the machine's addresses.
    bootstrap_data_provided: true once the machine has its instructions.
    conditions: how things stand, one by one.
    initialization: steps that happen once.
    ip_addresses: the addresses by network card.
    network: the network cards as the machine shows them.
    proxmox_node: the Proxmox node that the machine is on.
    retry_after: when a failed task is tried again.
    task_ref: the Proxmox task (UPID) that is waited for.
    vm_status: the machine's state.
    """

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
    """A virtual machine on Proxmox VE that becomes a node.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[ProxmoxMachineSpec] = ProxmoxMachineSpec()
    status: ProxmoxMachineStatus = ProxmoxMachineStatus()
