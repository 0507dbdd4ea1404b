"""IPAddress, an address that a claim has got, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.core.reference import LocalReference
from capstan.api.facts import Required, length
from capstan.api.ipam.v1beta1.reference import PoolTypedReference
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class IPAddressSpec(Struct, frozen=True, kw_only=True):
    """The address, and how it is used.

    address: the address.
    claim_ref: the claim that has it.
    gateway: the router.
    pool_ref: the pool.
    prefix: the length of the network's prefix.
    """

    address: Required[Annotated[str, length(1, 39)]] = ""
    claim_ref: Required[LocalReference] = LocalReference()
    gateway: Annotated[str, length(1, 39)] = ""
    pool_ref: Required[PoolTypedReference] = PoolTypedReference()
    prefix: Required[int] = msgspec.field(default_factory=int)


class IPAddress(TypedObject, frozen=True, kw_only=True):
    """An address that a claim has got from a pool.

    spec: what is wanted.
    """

    spec: IPAddressSpec = IPAddressSpec()
