"""A machine's network cards, routes and routing devices."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import (
    ATOMIC_LIST,
    ATOMIC_MAP,
    SET_LIST,
    Facts,
    Int32,
    Int64,
    NonNegative32,
    Required,
    between,
    cel,
    default,
    items,
    keyed_by,
    length,
    one_of,
    pattern,
)
from capstan.api.struct import Struct


class PoolReference(Struct, frozen=True, kw_only=True):
    """A pool that an address is taken from.

    api_group: the API group.
    kind: the kind.
    name: the name.
    """

    schema_facts: ClassVar[Facts] = (
        ATOMIC_MAP,
        cel("self.apiGroup == 'ipam.cluster.x-k8s.io'", "ipPoolRef allows only IPAM apiGroup ipam.cluster.x-k8s.io"),
        cel(
            "self.kind == 'InClusterIPPool' || self.kind == 'GlobalInClusterIPPool'",
            "ipPoolRef allows either InClusterIPPool or GlobalInClusterIPPool",
        ),
    )

    api_group: str = ""
    kind: Required[str] = msgspec.field(default_factory=str)
    name: Required[str] = msgspec.field(default_factory=str)


class Route(Struct, frozen=True, kw_only=True):
    """One route in the machine.

    is6: true for IPv6.
    metric: the metric of the default route.
    table: the routing table.
    to: the destination.
    via: the router.
    """

    is6: bool | None = None
    metric: NonNegative32 | None = None
    table: Int32 | None = None
    to: str = ""
    via: str = ""


class RoutingPolicy(Struct, frozen=True, kw_only=True):
    """One routing rule in the machine.

    from_: the source.
    is6: true for IPv6.
    priority: the lowest goes first.
    table: the routing table.
    to: the destination.
    """

    from_: str = ""
    is6: bool | None = None
    priority: (
        Annotated[
            Int64,
            between(None, 4294967295),
            cel(
                "(self > 0 && self < 32765) || (self > 32766)",
                "Cowardly refusing to insert FIB rule matching kernel rules",
            ),
        ]
        | None
    ) = None
    table: Int32 | None = None
    to: str = ""


class NetworkDevice(Struct, frozen=True, kw_only=True):
    """One network card of the machine.

    bridge: the bridge that the card is plugged into.
    default_ipv4: takes an IPv4 address from the cluster's pool, and the default route.
    default_ipv6: takes an IPv6 address from the cluster's pool, and the default route.
    dns_servers: the DNS servers of the machines.
    ip_pool_ref: pools that more addresses are taken from.
    link_mtu: the MTU inside the machine.
    model: the card's model.
    mtu: the card's MTU; 1 takes the bridge's.
    name: the name.
    queues: the number of packet queues.
    routes: routes.
    routing_policy: routing rules.
    vlan: the VLAN tag.
    """

    bridge: Annotated[str, length(1)] = ""
    default_ipv4: bool | None = msgspec.field(default=None, name="defaultIPv4")
    default_ipv6: bool | None = msgspec.field(default=None, name="defaultIPv6")
    dns_servers: Annotated[tuple[str, ...], items(1), SET_LIST] = ()
    ip_pool_ref: Annotated[tuple[PoolReference, ...], ATOMIC_LIST] = ()
    link_mtu: Annotated[Int32, cel("self == 1 || (self >= 576 && self <= 65520)", "invalid MTU value")] | None = None
    model: Annotated[str, one_of("e1000", "virtio", "rtl8139", "vmxnet3"), default("virtio")] = ""
    mtu: Annotated[Int32, cel("self == 1 || (self >= 576 && self <= 65520)", "invalid MTU value")] | None = None
    name: Annotated[str, length(4), pattern("^net[0-9]+$"), default("net0")] = ""
    queues: Annotated[Int32, between(1, 65535)] | None = None
    routes: Annotated[tuple[Route, ...], items(1), ATOMIC_LIST] = ()
    routing_policy: Annotated[tuple[RoutingPolicy, ...], items(1), ATOMIC_LIST] = ()
    vlan: Annotated[Int32, between(1, 4094)] | None = None


class VirtualRouting(Struct, frozen=True, kw_only=True):
    """One virtual routing device (VRF) in the machine.

    interfaces: the cards that belong to it.
    name: the name.
    routes: routes.
    routing_policy: routing rules.
    table: the routing table.
    """

    interfaces: Annotated[tuple[Annotated[str, length(4), pattern("^net[0-9]+$")], ...], ATOMIC_LIST] = ()
    name: Required[Annotated[str, length(3)]] = ""
    routes: Annotated[tuple[Route, ...], items(1), ATOMIC_LIST] = ()
    routing_policy: Annotated[tuple[RoutingPolicy, ...], items(1), ATOMIC_LIST] = ()
    table: Required[
        Annotated[
            Int32,
            between(1, 4294967295),
            cel(
                "(self > 0 && self < 254) || (self > 255)",
                "Cowardly refusing to insert l3mdev rules into kernel tables",
            ),
        ]
    ] = msgspec.field(default_factory=int)


class NetworkSpec(Struct, frozen=True, kw_only=True):
    """The machine's network.

    network_devices: the network cards.
    vrfs: virtual routing devices.
    zone: the zone.
    """

    network_devices: Required[Annotated[tuple[NetworkDevice, ...], keyed_by("name")]] = ()
    vrfs: Annotated[tuple[VirtualRouting, ...], keyed_by("name")] = ()
    zone: Annotated[str, pattern("^[a-z0-9A-Z](?:[a-z0-9A-Z-_.]{0,61}[a-z0-9A-Z])?$")] = ""
