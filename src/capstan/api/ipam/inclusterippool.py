"""InClusterIPPool, a pool of one namespace."""

from __future__ import annotations

from capstan.api.ipam.pool import IPPoolSpec, IPPoolStatus
from capstan.api.meta import TypedObject


class InClusterIPPool(TypedObject, frozen=True, kw_only=True):
    """Addresses that are given out inside one namespace.

    spec: what is wanted.
    status: what is observed.
    """

    spec: IPPoolSpec = IPPoolSpec()
    status: IPPoolStatus = IPPoolStatus()
