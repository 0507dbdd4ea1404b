"""IPAddressClaim, which asks a pool for an address, as v1alpha1 has it."""

from __future__ import annotations

from capstan.api.core.reference import LocalReference
from capstan.api.facts import Required
from capstan.api.ipam.v1beta1.reference import PoolTypedReference
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class IPAddressClaimSpec(Struct, frozen=True, kw_only=True):
    """What is asked for.

    pool_ref: the pool.
    """

    pool_ref: Required[PoolTypedReference] = PoolTypedReference()


class IPAddressClaimStatus(Struct, frozen=True, kw_only=True):
    """What the claim has got.

    address_ref: the address that the claim has got.
    conditions: how things stand, one by one.
    """

    address_ref: LocalReference | None = None
    conditions: tuple[LegacyCondition, ...] = ()


class IPAddressClaim(TypedObject, frozen=True, kw_only=True):
    """Asks a pool for an address.

    spec: what is wanted.
    status: what is observed.
    """

    spec: IPAddressClaimSpec = IPAddressClaimSpec()
    status: IPAddressClaimStatus = IPAddressClaimStatus()
