"""TODO ipam/pool"""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.facts import NonNegative32, Required, between
from capstan.api.struct import Struct


class IPPoolSpec(Struct, frozen=True, kw_only=True):
    """TODO ['InClusterIPPool/v1alpha2.spec']"""

    address_reuse_grace_period_seconds: NonNegative32 | None = None
    addresses: Required[tuple[str, ...]] = ()
    allocate_reserved_ip_addresses: bool | None = msgspec.field(default=None, name="allocateReservedIPAddresses")
    excluded_addresses: tuple[str, ...] = ()
    gateway: str = ""
    prefix: Required[Annotated[int, between(0, 128)]] = msgspec.field(default_factory=int)


class IPPoolCounts(Struct, frozen=True, kw_only=True):
    """TODO ['InClusterIPPool/v1alpha2.status.ipAddresses']"""

    free: Required[int] = msgspec.field(default_factory=int)
    out_of_range: Required[int] = msgspec.field(default_factory=int)
    total: Required[int] = msgspec.field(default_factory=int)
    used: Required[int] = msgspec.field(default_factory=int)


class IPPoolStatus(Struct, frozen=True, kw_only=True):
    """TODO ['InClusterIPPool/v1alpha2.status']"""

    ip_addresses: IPPoolCounts | None = None
