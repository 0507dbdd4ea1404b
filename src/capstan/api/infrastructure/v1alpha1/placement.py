"""Which node, which template and which VMID a machine gets, as v1alpha1 has it."""

from __future__ import annotations

import msgspec

from capstan.api.core.reference import LocalReference
from capstan.api.facts import Int64, Required
from capstan.api.struct import Struct


class SchedulerHints(Struct, frozen=True, kw_only=True):
    """How machines are placed on Proxmox nodes.

    memory_adjustment: how many percent of a node's memory may be promised to machines; 0 means no limit.
    """

    memory_adjustment: Int64 | None = None


class NodeLocation(Struct, frozen=True, kw_only=True):
    """The Proxmox node of one machine.

    machine: the machine.
    node: the Proxmox node.
    """

    machine: Required[LocalReference] = LocalReference()
    node: Required[str] = msgspec.field(default_factory=str)


class NodeLocations(Struct, frozen=True, kw_only=True):
    """Which Proxmox node each machine is on.

    control_plane: the control plane.
    workers: the workers.
    """

    control_plane: tuple[NodeLocation, ...] = ()
    workers: tuple[NodeLocation, ...] = ()
