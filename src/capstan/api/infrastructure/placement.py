"""Which node, which template and which VMID a machine gets."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.core.reference import LocalReference
from capstan.api.facts import (
    ATOMIC_LIST,
    SET_LIST,
    Facts,
    Int64,
    Required,
    between,
    cel,
    default,
    items,
    length,
    one_of,
    pattern,
)
from capstan.api.struct import Struct


class SchedulerHints(Struct, frozen=True, kw_only=True):
    """How machines are placed on Proxmox nodes.

    memory_adjustment: how many percent of a node's memory may be promised to machines; 0 means no limit.
    """

    memory_adjustment: Annotated[Int64, between(0)] | None = None


class NodeLocation(Struct, frozen=True, kw_only=True):
    """The Proxmox node of one machine.

    machine: the machine.
    node: the Proxmox node.
    zone: the zone.
    """

    machine: Required[LocalReference] = LocalReference()
    node: Required[Annotated[str, length(1)]] = ""
    zone: Annotated[str, pattern("^[a-z0-9A-Z](?:[a-z0-9A-Z-_.]{0,61}[a-z0-9A-Z])?$")] = ""


class NodeLocations(Struct, frozen=True, kw_only=True):
    """Which Proxmox node each machine is on.

    control_plane: the control plane.
    workers: the workers.
    """

    control_plane: Annotated[tuple[NodeLocation, ...], ATOMIC_LIST] = ()
    workers: Annotated[tuple[NodeLocation, ...], ATOMIC_LIST] = ()


class TemplateSelector(Struct, frozen=True, kw_only=True):
    """Finds the template by its tags.

    match_policy: exact, uniqueSubset or bestSubset.
    match_tags: the tags that the template has.
    """

    match_policy: Annotated[str, one_of("exact", "uniqueSubset", "bestSubset"), default("exact")] = ""
    match_tags: Required[
        Annotated[tuple[Annotated[str, pattern(r"^(?i)[a-z0-9_][a-z0-9_\-\+\.]*$")], ...], items(1), SET_LIST]
    ] = ()


class VMIDRange(Struct, frozen=True, kw_only=True):
    """The VMIDs that may be used, both ends included.

    end: the last.
    start: the first.
    """

    schema_facts: ClassVar[Facts] = (cel("self.end >= self.start", "end should be greater than or equal to start"),)

    end: Required[Annotated[Int64, between(100, 999999999)]] = msgspec.field(default_factory=int)
    start: Required[Annotated[Int64, between(100, 999999999)]] = msgspec.field(default_factory=int)
