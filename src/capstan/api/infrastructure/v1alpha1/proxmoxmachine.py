"""ProxmoxMachine, a virtual machine that becomes a node, as v1alpha1 has it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from capstan.api.cluster.address import MachineAddress
from capstan.api.facts import (
    Facts,
    Required,
    cel,
)
from capstan.api.infrastructure.v1alpha1.proxmoxmachinetemplate import ProxmoxMachineBlueprint
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ProxmoxMachineSpec(ProxmoxMachineBlueprint, frozen=True, kw_only=True):
    """What the virtual machine is to be."""

    schema_facts: ClassVar[Facts] = (
        cel(
            "[has(self.sourceNode), has(self.templateSelector)].exists_one(c, c)",
            "must define either SourceNode with TemplateID, OR TemplateSelector",
        ),
        cel(
            "[has(self.templateID), has(self.templateSelector)].exists_one(c, c)",
            "must define either SourceNode with TemplateID, OR TemplateSelector.",
        ),
        *ProxmoxMachineBlueprint.schema_facts,
    )


class AddressPair(Struct, frozen=True, kw_only=True):
    """The addresses of one network card.

    ipv4: IPv4 addresses.
    ipv6: IPv6 addresses.
    """

    ipv4: str = ""
    ipv6: str = ""


class NetworkStatus(Struct, frozen=True, kw_only=True):
    """One network card as the machine shows it.

    connected: whether the card has a link.
    ip_addrs: its addresses.
    mac_addr: its hardware address.
    network_name: its name.
    """

    connected: bool | None = None
    ip_addrs: tuple[str, ...] = ()
    mac_addr: Required[str] = msgspec.field(default_factory=str)
    network_name: str = ""


class ProxmoxMachineStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the virtual machine.

    addresses: the machine's addresses.
    bootstrap_data_provided: true once the machine has its instructions.
    conditions: how things stand, one by one.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    ip_addresses: the addresses by network card.
    network: the network cards as the machine shows them.
    proxmox_node: the Proxmox node that the machine is on.
    ready: true when it can be used.
    retry_after: when a failed task is tried again.
    task_ref: the Proxmox task (UPID) that is waited for.
    vm_status: the machine's state.
    """

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
    """A virtual machine on Proxmox VE that becomes a node.

    spec: what is wanted.
    status: what is observed.
    """

    spec: ProxmoxMachineSpec = ProxmoxMachineSpec()
    status: ProxmoxMachineStatus = ProxmoxMachineStatus()
