"""IPAddressClaim, which asks a pool for an address."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.reference import ContractReference
from capstan.api.core.reference import NameReference
from capstan.api.facts import Facts, Required, Text63, entries, items, keyed_by
from capstan.api.meta import Condition, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class IPAddressClaimSpec(Struct, frozen=True, kw_only=True):
    """What is asked for.

    cluster_name: the Cluster that it belongs to.
    pool_ref: the pool.
    """

    cluster_name: Text63 = ""
    pool_ref: Required[ContractReference] = ContractReference()


class IPAddressClaimV1Beta1Status(Struct, frozen=True, kw_only=True):
    """What clients of v1beta1 see.

    conditions: how things stand, one by one.
    """

    conditions: tuple[LegacyCondition, ...] = ()


class IPAddressClaimDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta1: what clients of v1beta1 see.
    """

    v1beta1: IPAddressClaimV1Beta1Status = IPAddressClaimV1Beta1Status()


class IPAddressClaimStatus(Struct, frozen=True, kw_only=True):
    """What the claim has got.

    address_ref: the address that the claim has got.
    conditions: how things stand, one by one.
    deprecated: what only older contracts ask for.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    address_ref: NameReference | None = None
    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    deprecated: IPAddressClaimDeprecatedStatus = IPAddressClaimDeprecatedStatus()


class IPAddressClaim(TypedObject, frozen=True, kw_only=True):
    """Asks a pool for an address.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[IPAddressClaimSpec] = IPAddressClaimSpec()
    status: IPAddressClaimStatus = IPAddressClaimStatus()
