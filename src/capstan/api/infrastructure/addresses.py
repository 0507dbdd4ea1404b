"""Where the API is reached, and which addresses nodes get."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.core.reference import LocalReference
from capstan.api.facts import (
    SET_LIST,
    Facts,
    Int32,
    NonNegative32,
    Port,
    Required,
    Text512,
    between,
    cel,
    default,
    entries,
    items,
    length,
    pattern,
)
from capstan.api.struct import Struct


class ProxmoxEndpoint(Struct, frozen=True, kw_only=True):
    """Where the cluster's API is reached. Nothing creates this address: it is a virtual IP or a load balancer.

    host: a name or an address.
    port: the port.
    """

    schema_facts: ClassVar[Facts] = (
        entries(1),
        cel("self.port > 0 && self.port < 65536", "port must be within 1-65535"),
    )

    host: Text512 = ""
    port: Port | None = None


class NodeAddresses(Struct, frozen=True, kw_only=True):
    """Addresses of one IP version that nodes get.

    addresses: single addresses, ranges (first-last) or CIDRs.
    gateway: the router.
    metric: the metric of the default route.
    prefix: the length of the network's prefix.
    """

    addresses: Required[Annotated[tuple[str, ...], SET_LIST]] = ()
    gateway: Required[Annotated[str, length(1)]] = ""
    metric: Annotated[NonNegative32, default(100)] | None = None
    prefix: Required[Annotated[Int32, between(1, 128)]] = msgspec.field(default_factory=int)


class IPv4Config(NodeAddresses, frozen=True, kw_only=True):
    """The IPv4 addresses that nodes get."""

    schema_facts: ClassVar[Facts] = (cel("self.addresses.size() > 0", "IPv4Config addresses must be provided"),)


class IPv6Config(NodeAddresses, frozen=True, kw_only=True):
    """The IPv6 addresses that nodes get."""

    schema_facts: ClassVar[Facts] = (cel("self.addresses.size() > 0", "IPv6Config addresses must be provided"),)


class ZoneConfig(Struct, frozen=True, kw_only=True):
    """Addresses and DNS servers of one zone.

    dns_servers: the DNS servers of the machines.
    ipv4_config: the IPv4 addresses that nodes get.
    ipv6_config: the IPv6 addresses that nodes get.
    zone: the zone.
    """

    dns_servers: Required[Annotated[tuple[str, ...], items(1), SET_LIST]] = ()
    ipv4_config: IPv4Config | None = None
    ipv6_config: IPv6Config | None = None
    zone: Required[Annotated[str, pattern("^[a-z0-9A-Z](?:[a-z0-9A-Z-_.]{0,61}[a-z0-9A-Z])?$")]] = msgspec.field(
        default_factory=str
    )


class ZonePools(Struct, frozen=True, kw_only=True):
    """The address pools of one zone.

    in_cluster_ip_pool_ref_v4: the IPv4 pool.
    in_cluster_ip_pool_ref_v6: the IPv6 pool.
    zone: the zone.
    """

    in_cluster_ip_pool_ref_v4: LocalReference | None = msgspec.field(default=None, name="inClusterIPPoolRefV4")
    in_cluster_ip_pool_ref_v6: LocalReference | None = msgspec.field(default=None, name="inClusterIPPoolRefV6")
    zone: Annotated[str, pattern("^[a-z0-9A-Z](?:[a-z0-9A-Z-_.]{0,61}[a-z0-9A-Z])?$"), default("default")] = ""
