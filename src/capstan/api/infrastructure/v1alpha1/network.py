"""TODO infrastructure/v1alpha1/network"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import ATOMIC_MAP, Facts, Int32, Required, between, cel, default, items, keyed_by, length, one_of
from capstan.api.struct import Struct


class IPv4PoolReference(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.network.additionalDevices[].ipv4PoolRef']"""

    schema_facts: ClassVar[Facts] = (
        ATOMIC_MAP,
        cel("self.apiGroup == 'ipam.cluster.x-k8s.io'", "ipv4PoolRef allows only IPAM apiGroup ipam.cluster.x-k8s.io"),
        cel(
            "self.kind == 'InClusterIPPool' || self.kind == 'GlobalInClusterIPPool'",
            "ipv4PoolRef allows either InClusterIPPool or GlobalInClusterIPPool",
        ),
    )

    api_group: str = ""
    kind: Required[str] = msgspec.field(default_factory=str)
    name: Required[str] = msgspec.field(default_factory=str)


class IPv6PoolReference(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.network.additionalDevices[].ipv6PoolRef']"""

    schema_facts: ClassVar[Facts] = (
        ATOMIC_MAP,
        cel("self.apiGroup == 'ipam.cluster.x-k8s.io'", "ipv6PoolRef allows only IPAM apiGroup ipam.cluster.x-k8s.io"),
        cel(
            "self.kind == 'InClusterIPPool' || self.kind == 'GlobalInClusterIPPool'",
            "ipv6PoolRef allows either InClusterIPPool or GlobalInClusterIPPool",
        ),
    )

    api_group: str = ""
    kind: Required[str] = msgspec.field(default_factory=str)
    name: Required[str] = msgspec.field(default_factory=str)


class Route(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.network.additionalDevices[].routes[]']"""

    metric: Int32 | None = None
    table: Int32 | None = None
    to: str = ""
    via: str = ""


class RoutingPolicy(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.network.additionalDevices[].routingPolicy[]']"""

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
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.network.additionalDevices[]']"""

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
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.network.default']"""

    bridge: Required[Annotated[str, length(1)]] = ""
    dns_servers: Annotated[tuple[str, ...], items(1)] = ()
    ipv4_pool_ref: IPv4PoolReference | None = None
    ipv6_pool_ref: IPv6PoolReference | None = None
    model: Annotated[str, one_of("e1000", "virtio", "rtl8139", "vmxnet3"), default("virtio")] = ""
    mtu: Annotated[int, cel("self == 1 || ( self >= 576 && self <= 65520)", "invalid MTU value")] | None = None
    vlan: Annotated[int, between(1, 4094)] | None = None


class VirtualRouting(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.network.vrfs[]']"""

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
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.network']"""

    additional_devices: Annotated[tuple[AdditionalNetworkDevice, ...], keyed_by("name")] = ()
    default: DefaultNetworkDevice | None = None
    vrfs: Annotated[tuple[VirtualRouting, ...], keyed_by("name")] = ()
