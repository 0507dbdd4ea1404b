"""IPAddressClaim, which asks a pool for an address, as v1beta1 has it."""

from __future__ import annotations

from capstan.api.cluster.v1beta1.conditions import ConditionsV1Beta2Status
from capstan.api.core.reference import LocalReference
from capstan.api.facts import Required, Text63
from capstan.api.ipam.v1beta1.reference import PoolTypedReference
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class IPAddressClaimSpec(Struct, frozen=True, kw_only=True):
    """What is asked for.

    cluster_name: the Cluster that it belongs to.
    pool_ref: the pool.
    """

    cluster_name: Text63 = ""
    pool_ref: Required[PoolTypedReference] = PoolTypedReference()


class IPAddressClaimStatus(Struct, frozen=True, kw_only=True):
    """What the claim has got.

    address_ref: the address that the claim has got.
    conditions: how things stand, one by one.
    v1beta2: what clients of v1beta2 see.
    """

    address_ref: LocalReference | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    v1beta2: ConditionsV1Beta2Status = ConditionsV1Beta2Status()


class IPAddressClaim(TypedObject, frozen=True, kw_only=True):
    """Asks a pool for an address.

    spec: what is wanted.
    status: what is observed.
    """

    spec: IPAddressClaimSpec = IPAddressClaimSpec()
    status: IPAddressClaimStatus = IPAddressClaimStatus()
