"""ProxmoxCluster, what the machines of a cluster share on Proxmox VE."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.core.reference import LocalReference, SecretReference
from capstan.api.facts import ATOMIC_LIST, SET_LIST, Facts, Required, cel, default, items, keyed_by
from capstan.api.infrastructure.addresses import IPv4Config, IPv6Config, ProxmoxEndpoint, ZoneConfig, ZonePools
from capstan.api.infrastructure.initialization import InfrastructureInitialization
from capstan.api.infrastructure.placement import NodeLocations, SchedulerHints
from capstan.api.meta import Condition, TypedObject
from capstan.api.struct import Struct


class ProxmoxClusterSpec(Struct, frozen=True, kw_only=True):
    """What the cluster's machines share on Proxmox VE.

    allowed_nodes: the Proxmox nodes that machines may be on; all where empty.
    control_plane_endpoint: where the cluster's API is reached; filled by the infrastructure provider where empty.
    credentials_ref: the Secret with url, token and secret of the Proxmox API.
    dns_servers: the DNS servers of the machines.
    external_managed_control_plane: true when the control plane is not made of machines of this cluster.
    ipv4_config: the IPv4 addresses that nodes get.
    ipv6_config: the IPv6 addresses that nodes get.
    scheduler_hints: how machines are placed.
    zone_config: addresses and DNS servers by zone.
    """

    schema_facts: ClassVar[Facts] = (
        cel(
            "self.ipv4Config != null || self.ipv6Config != null",
            "at least one ip config must be set, either ipv4Config or ipv6Config",
        ),
    )

    allowed_nodes: Annotated[tuple[str, ...], SET_LIST] = ()
    control_plane_endpoint: ProxmoxEndpoint = ProxmoxEndpoint()
    credentials_ref: SecretReference | None = None
    dns_servers: Required[Annotated[tuple[str, ...], items(1), SET_LIST]] = ()
    external_managed_control_plane: Annotated[bool, default(False)] | None = None
    ipv4_config: IPv4Config | None = None
    ipv6_config: IPv6Config | None = None
    scheduler_hints: SchedulerHints = SchedulerHints()
    zone_config: Annotated[tuple[ZoneConfig, ...], keyed_by("zone")] = ()


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
