"""GlobalInClusterIPPool, a pool for every namespace."""

from __future__ import annotations

from capstan.api.ipam.pool import IPPoolSpec, IPPoolStatus
from capstan.api.meta import TypedObject


class GlobalInClusterIPPool(TypedObject, frozen=True, kw_only=True):
    """Addresses that are given out in every namespace.

    spec: what is wanted.
    status: what is observed.
    """

    spec: IPPoolSpec = IPPoolSpec()
    status: IPPoolStatus = IPPoolStatus()
