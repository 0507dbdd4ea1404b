"""TODO ipam/v1beta1/ipaddressclaim"""

from __future__ import annotations

from capstan.api.cluster.v1beta1.conditions import ConditionsV1Beta2Status
from capstan.api.core.reference import LocalReference
from capstan.api.facts import Required, Text63
from capstan.api.ipam.v1beta1.reference import PoolTypedReference
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class IPAddressClaimSpec(Struct, frozen=True, kw_only=True):
    """TODO ['IPAddressClaim/v1beta1.spec']"""

    cluster_name: Text63 = ""
    pool_ref: Required[PoolTypedReference] = PoolTypedReference()


class IPAddressClaimStatus(Struct, frozen=True, kw_only=True):
    """TODO ['IPAddressClaim/v1beta1.status']"""

    address_ref: LocalReference | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    v1beta2: ConditionsV1Beta2Status = ConditionsV1Beta2Status()


class IPAddressClaim(TypedObject, frozen=True, kw_only=True):
    """TODO ['IPAddressClaim/v1beta1']"""

    spec: IPAddressClaimSpec = IPAddressClaimSpec()
    status: IPAddressClaimStatus = IPAddressClaimStatus()
