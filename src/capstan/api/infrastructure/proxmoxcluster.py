"""ProxmoxCluster, what the machines of a cluster share on Proxmox VE."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.core.reference import LocalReference
from capstan.api.facts import ATOMIC_LIST, Facts, Required, cel, items, keyed_by
from capstan.api.infrastructure.addresses import ZonePools
from capstan.api.infrastructure.initialization import InfrastructureInitialization
from capstan.api.infrastructure.placement import NodeLocations
from capstan.api.infrastructure.proxmoxclustertemplate import ProxmoxClusterBlueprint
from capstan.api.meta import Condition, TypedObject
from capstan.api.struct import Struct


class ProxmoxClusterSpec(ProxmoxClusterBlueprint, frozen=True, kw_only=True):
    """What the cluster's machines share on Proxmox VE."""

    schema_facts: ClassVar[Facts] = (
        cel(
            "self.ipv4Config != null || self.ipv6Config != null",
            "at least one ip config must be set, either ipv4Config or ipv6Config",
        ),
    )


class ProxmoxClusterStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the cluster on Proxmox VE.

    conditions: how things stand, one by one.
    in_cluster_ip_pool_ref: the pools that the addresses come from.
    in_cluster_zone_ref: the pools by zone.
    initialization: steps that happen once.
    node_locations: which Proxmox node each machine is on.
    """

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    in_cluster_ip_pool_ref: Annotated[tuple[LocalReference, ...], ATOMIC_LIST] = msgspec.field(
        default=(), name="inClusterIPPoolRef"
    )
    in_cluster_zone_ref: Annotated[tuple[ZonePools, ...], keyed_by("zone")] = ()
    initialization: InfrastructureInitialization = InfrastructureInitialization()
    node_locations: NodeLocations | None = None


class ProxmoxCluster(TypedObject, frozen=True, kw_only=True):
    """What a cluster shares on Proxmox VE: where its API is reached, its nodes' addresses, its credentials.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[ProxmoxClusterSpec] = ProxmoxClusterSpec()
    status: ProxmoxClusterStatus = ProxmoxClusterStatus()
