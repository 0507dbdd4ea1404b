"""Where the API is reached, and which addresses nodes get, as v1alpha1 has it."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import Facts, Int32, Required, between, cel, default, length
from capstan.api.struct import Struct


class ProxmoxEndpoint(Struct, frozen=True, kw_only=True):
    """Where the cluster's API is reached. Nothing creates this address: it is a virtual IP or a load balancer.

    host: a name or an address.
    port: the port.
    """

    schema_facts: ClassVar[Facts] = (cel("self.port > 0 && self.port < 65536", "port must be within 1-65535"),)

    host: Annotated[str, length(None, 512)] = ""
    port: Int32 | None = None


class NodeAddresses(Struct, frozen=True, kw_only=True):
    """Addresses of one IP version that nodes get.

    addresses: single addresses, ranges (first-last) or CIDRs.
    gateway: the router.
    metric: the metric of the default route.
    prefix: the length of the network's prefix.
    """

    addresses: Required[tuple[str, ...]] = ()
    gateway: str = ""
    metric: Required[Annotated[Int32, default(100)]] = msgspec.field(default_factory=int)
    prefix: Required[Annotated[int, between(None, 128)]] = msgspec.field(default_factory=int)


class IPv4Config(NodeAddresses, frozen=True, kw_only=True):
    """The IPv4 addresses that nodes get."""

    schema_facts: ClassVar[Facts] = (cel("self.addresses.size() > 0", "IPv4Config addresses must be provided"),)


class IPv6Config(NodeAddresses, frozen=True, kw_only=True):
    """The IPv6 addresses that nodes get."""

    schema_facts: ClassVar[Facts] = (cel("self.addresses.size() > 0", "IPv6Config addresses must be provided"),)
