"""What both kinds of in-cluster pools have."""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.facts import NonNegative32, Required, between
from capstan.api.struct import Struct


class IPPoolSpec(Struct, frozen=True, kw_only=True):
    """Which addresses the pool gives out.

    address_reuse_grace_period_seconds: how long a released address rests before it is given out again.
    addresses: single addresses, ranges (first-last) or CIDRs.
    allocate_reserved_ip_addresses: gives out network and broadcast addresses as well.
    excluded_addresses: addresses that are not given out.
    gateway: the router.
    prefix: the length of the network's prefix.
    """

    address_reuse_grace_period_seconds: NonNegative32 | None = None
    addresses: Required[tuple[str, ...]] = ()
    allocate_reserved_ip_addresses: bool | None = msgspec.field(default=None, name="allocateReservedIPAddresses")
    excluded_addresses: tuple[str, ...] = ()
    gateway: str = ""
    prefix: Required[Annotated[int, between(0, 128)]] = msgspec.field(default_factory=int)


class IPPoolCounts(Struct, frozen=True, kw_only=True):
    """How many addresses there are.

    free: how many can still be given out.
    out_of_range: how many are given out that the pool no longer has.
    total: how many the pool has.
    used: how many are given out.
    """

    free: Required[int] = msgspec.field(default_factory=int)
    out_of_range: Required[int] = msgspec.field(default_factory=int)
    total: Required[int] = msgspec.field(default_factory=int)
    used: Required[int] = msgspec.field(default_factory=int)


class IPPoolStatus(Struct, frozen=True, kw_only=True):
    """How full the pool is.

    ip_addresses: how many addresses there are.
    """

    ip_addresses: IPPoolCounts | None = None
