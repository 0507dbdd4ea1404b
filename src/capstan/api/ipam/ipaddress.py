"""IPAddress, an address that a claim has got."""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.cluster.reference import ContractReference
from capstan.api.core.reference import NameReference
from capstan.api.facts import Int32, Required, between, length
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
    claim_ref: Required[NameReference] = NameReference()
    gateway: Annotated[str, length(1, 39)] = ""
    pool_ref: Required[ContractReference] = ContractReference()
    prefix: Required[Annotated[Int32, between(0, 128)]] = msgspec.field(default_factory=int)


class IPAddress(TypedObject, frozen=True, kw_only=True):
    """An address that a claim has got from a pool.

    spec: what is wanted.
    """

    spec: Required[IPAddressSpec] = IPAddressSpec()
