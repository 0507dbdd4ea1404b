"""TODO infrastructure/placement"""

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
    """TODO ['ProxmoxCluster/v1alpha2.spec.schedulerHints']"""

    memory_adjustment: Annotated[Int64, between(0)] | None = None


class NodeLocation(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha2.status.nodeLocations.controlPlane[]']"""

    machine: Required[LocalReference] = LocalReference()
    node: Required[Annotated[str, length(1)]] = ""
    zone: Annotated[str, pattern("^[a-z0-9A-Z](?:[a-z0-9A-Z-_.]{0,61}[a-z0-9A-Z])?$")] = ""


class NodeLocations(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha2.status.nodeLocations']"""

    control_plane: Annotated[tuple[NodeLocation, ...], ATOMIC_LIST] = ()
    workers: Annotated[tuple[NodeLocation, ...], ATOMIC_LIST] = ()


class TemplateSelector(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.spec.templateSelector']"""

    match_policy: Annotated[str, one_of("exact", "uniqueSubset", "bestSubset"), default("exact")] = ""
    match_tags: Required[
        Annotated[tuple[Annotated[str, pattern(r"^(?i)[a-z0-9_][a-z0-9_\-\+\.]*$")], ...], items(1), SET_LIST]
    ] = ()


class VMIDRange(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.spec.vmIDRange']"""

    schema_facts: ClassVar[Facts] = (cel("self.end >= self.start", "end should be greater than or equal to start"),)

    end: Required[Annotated[Int64, between(100, 999999999)]] = msgspec.field(default_factory=int)
    start: Required[Annotated[Int64, between(100, 999999999)]] = msgspec.field(default_factory=int)
