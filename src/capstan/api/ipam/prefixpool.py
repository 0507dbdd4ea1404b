"""What both kinds of in-cluster prefix pools have."""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import Required, between, default
from capstan.api.struct import Struct


class PrefixPoolSpec(Struct, frozen=True, kw_only=True):
    """Which IPv6 networks the pool gives out.

    allocation_prefix_length: the prefix length of each network that is given out; never changes.
    excluded_prefixes: networks, addresses or ranges (first-last) that are not given out.
    gateway: the router, told to whoever gets a network.
    prefixes: the networks that are cut up, as CIDRs.
    """

    allocation_prefix_length: Annotated[int, between(1, 128), default(64)] | None = None
    excluded_prefixes: tuple[str, ...] = ()
    gateway: str = ""
    prefixes: Required[tuple[str, ...]] = ()
