"""A machine's network cards, routes and routing devices, as v1alpha1 has it."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import ATOMIC_MAP, Facts, Int32, Required, between, cel, default, items, keyed_by, length, one_of
from capstan.api.struct import Struct


class PoolReference(Struct, frozen=True, kw_only=True):
    """A pool that an address is taken from.

    api_group: the API group.
    kind: the kind.
    name: the name.
    """

    api_group: str = ""
    kind: Required[str] = msgspec.field(default_factory=str)
    name: Required[str] = msgspec.field(default_factory=str)


class IPv4PoolReference(PoolReference, frozen=True, kw_only=True):
    """A pool that an IPv4 address is taken from."""

    schema_facts: ClassVar[Facts] = (
        ATOMIC_MAP,
        cel("self.apiGroup == 'ipam.cluster.x-k8s.io'", "ipv4PoolRef allows only IPAM apiGroup ipam.cluster.x-k8s.io"),
        cel(
            "self.kind == 'InClusterIPPool' || self.kind == 'GlobalInClusterIPPool'",
            "ipv4PoolRef allows either InClusterIPPool or GlobalInClusterIPPool",
        ),
    )


class IPv6PoolReference(PoolReference, frozen=True, kw_only=True):
    """A pool that an IPv6 address is taken from."""

    schema_facts: ClassVar[Facts] = (
        ATOMIC_MAP,
        cel("self.apiGroup == 'ipam.cluster.x-k8s.io'", "ipv6PoolRef allows only IPAM apiGroup ipam.cluster.x-k8s.io"),
        cel(
            "self.kind == 'InClusterIPPool' || self.kind == 'GlobalInClusterIPPool'",
            "ipv6PoolRef allows either InClusterIPPool or GlobalInClusterIPPool",
        ),
    )


class Route(Struct, frozen=True, kw_only=True):
    """One route in the machine.

    metric: the metric of the default route.
    table: the routing table.
    to: the destination.
    via: the router.
    """

    metric: Int32 | None = None
    table: Int32 | None = None
    to: str = ""
    via: str = ""


class RoutingPolicy(Struct, frozen=True, kw_only=True):
    """One routing rule in the machine.

    from_: the source.
    priority: the lowest goes first.
    table: the routing table.
    to: the destination.
    """

    from_: str = ""
    priority: (
        Annotated[
            Int32,
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


class AdditionalNetworkDevice(Struct, frozen=True, kw_only=True):
    """One more network card of the machine.

    bridge: the bridge that the card is plugged into.
    dns_servers: the DNS servers of the machines.
    ipv4_pool_ref: the pool that the IPv4 address is taken from.
    ipv6_pool_ref: the pool that the IPv6 address is taken from.
    link_mtu: the MTU inside the machine.
    model: the card's model.
    mtu: the card's MTU; 1 takes the bridge's.
    name: the name.
    routes: routes.
    routing_policy: routing rules.
    vlan: the VLAN tag.
    """

    schema_facts: ClassVar[Facts] = (
        cel(
            "self.ipv4PoolRef != null || self.ipv6PoolRef != null",
            "at least one pool reference must be set, either ipv4PoolRef or ipv6PoolRef",
        ),
    )

    bridge: Required[Annotated[str, length(1)]] = ""
    dns_servers: Annotated[tuple[str, ...], items(1)] = ()
    ipv4_pool_ref: IPv4PoolReference | None = None
    ipv6_pool_ref: IPv6PoolReference | None = None
    link_mtu: Annotated[int, cel("self == 1 || ( self >= 576 && self <= 65520)", "invalid MTU value")] | None = None
    model: Annotated[str, one_of("e1000", "virtio", "rtl8139", "vmxnet3"), default("virtio")] = ""
    mtu: Annotated[int, cel("self == 1 || ( self >= 576 && self <= 65520)", "invalid MTU value")] | None = None
    name: Required[
        Annotated[str, length(1), cel("self != 'net0'", "additional network devices doesn't allow net0")]
    ] = ""
    routes: Annotated[tuple[Route, ...], items(1)] = ()
    routing_policy: Annotated[tuple[RoutingPolicy, ...], items(1)] = ()
    vlan: Annotated[int, between(1, 4094)] | None = None


class DefaultNetworkDevice(Struct, frozen=True, kw_only=True):
    """The machine's first network card, net0.

    bridge: the bridge that the card is plugged into.
    dns_servers: the DNS servers of the machines.
    ipv4_pool_ref: the pool that the IPv4 address is taken from.
    ipv6_pool_ref: the pool that the IPv6 address is taken from.
    model: the card's model.
    mtu: the card's MTU; 1 takes the bridge's.
    vlan: the VLAN tag.
    """

    bridge: Required[Annotated[str, length(1)]] = ""
    dns_servers: Annotated[tuple[str, ...], items(1)] = ()
    ipv4_pool_ref: IPv4PoolReference | None = None
    ipv6_pool_ref: IPv6PoolReference | None = None
    model: Annotated[str, one_of("e1000", "virtio", "rtl8139", "vmxnet3"), default("virtio")] = ""
    mtu: Annotated[int, cel("self == 1 || ( self >= 576 && self <= 65520)", "invalid MTU value")] | None = None
    vlan: Annotated[int, between(1, 4094)] | None = None


class VirtualRouting(Struct, frozen=True, kw_only=True):
    """One virtual routing device (VRF) in the machine.

    interfaces: the cards that belong to it.
    name: the name.
    routes: routes.
    routing_policy: routing rules.
    table: the routing table.
    """

    interfaces: tuple[str, ...] = ()
    name: Required[Annotated[str, length(3)]] = ""
    routes: Annotated[tuple[Route, ...], items(1)] = ()
    routing_policy: Annotated[tuple[RoutingPolicy, ...], items(1)] = ()
    table: Required[
        Annotated[
            Int32,
            between(None, 4294967295),
            cel(
                "(self > 0 && self < 254) || (self > 255)",
                "Cowardly refusing to insert l3mdev rules into kernel tables",
            ),
        ]
    ] = msgspec.field(default_factory=int)


class NetworkSpec(Struct, frozen=True, kw_only=True):
    """The machine's network.

    additional_devices: more network cards.
    default: the first network card.
    vrfs: virtual routing devices.
    """

    additional_devices: Annotated[tuple[AdditionalNetworkDevice, ...], keyed_by("name")] = ()
    default: DefaultNetworkDevice | None = None
    vrfs: Annotated[tuple[VirtualRouting, ...], keyed_by("name")] = ()
