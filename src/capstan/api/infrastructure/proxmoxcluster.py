"""TODO infrastructure/proxmoxcluster"""

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
    """TODO ['ProxmoxCluster/v1alpha2.spec']"""

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
    """TODO ['ProxmoxCluster/v1alpha2.status']"""

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    in_cluster_ip_pool_ref: Annotated[tuple[LocalReference, ...], ATOMIC_LIST] = msgspec.field(
        default=(), name="inClusterIPPoolRef"
    )
    in_cluster_zone_ref: Annotated[tuple[ZonePools, ...], keyed_by("zone")] = ()
    initialization: InfrastructureInitialization = InfrastructureInitialization()
    node_locations: NodeLocations | None = None


class ProxmoxCluster(TypedObject, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha2']"""

    spec: Required[ProxmoxClusterSpec] = ProxmoxClusterSpec()
    status: ProxmoxClusterStatus = ProxmoxClusterStatus()
