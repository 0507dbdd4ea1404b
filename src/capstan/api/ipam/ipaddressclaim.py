"""TODO ipam/ipaddressclaim"""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.reference import ContractReference
from capstan.api.core.reference import NameReference
from capstan.api.facts import Facts, Required, Text63, entries, items, keyed_by
from capstan.api.meta import Condition, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class IPAddressClaimSpec(Struct, frozen=True, kw_only=True):
    """TODO ['IPAddressClaim/v1beta2.spec']"""

    cluster_name: Text63 = ""
    pool_ref: Required[ContractReference] = ContractReference()


class IPAddressClaimV1Beta1Status(Struct, frozen=True, kw_only=True):
    """TODO ['IPAddressClaim/v1beta2.status.deprecated.v1beta1']"""

    conditions: tuple[LegacyCondition, ...] = ()


class IPAddressClaimDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """TODO ['IPAddressClaim/v1beta2.status.deprecated']"""

    v1beta1: IPAddressClaimV1Beta1Status = IPAddressClaimV1Beta1Status()


class IPAddressClaimStatus(Struct, frozen=True, kw_only=True):
    """TODO ['IPAddressClaim/v1beta2.status']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    address_ref: NameReference | None = None
    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    deprecated: IPAddressClaimDeprecatedStatus = IPAddressClaimDeprecatedStatus()


class IPAddressClaim(TypedObject, frozen=True, kw_only=True):
    """TODO ['IPAddressClaim/v1beta2']"""

    spec: Required[IPAddressClaimSpec] = IPAddressClaimSpec()
    status: IPAddressClaimStatus = IPAddressClaimStatus()
