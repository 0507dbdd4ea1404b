"""What both kinds of in-cluster pools have, as v1alpha1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import between
from capstan.api.struct import Struct


class IPPoolSpec(Struct, frozen=True, kw_only=True):
    """Which addresses the pool gives out.

    addresses: single addresses, ranges (first-last) or CIDRs.
    end: the last.
    gateway: the router.
    prefix: the length of the network's prefix.
    start: the first.
    subnet: the network, as a CIDR.
    """

    addresses: tuple[str, ...] = ()
    end: str = ""
    gateway: str = ""
    prefix: Annotated[int, between(None, 128)] | None = None
    start: str = ""
    subnet: str = ""
