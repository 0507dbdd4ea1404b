"""InClusterPrefixPool, IPv6 networks for one namespace."""

from __future__ import annotations

from capstan.api.ipam.pool import IPPoolStatus
from capstan.api.ipam.prefixpool import PrefixPoolSpec
from capstan.api.meta import TypedObject


class InClusterPrefixPool(TypedObject, frozen=True, kw_only=True):
    """IPv6 networks that are given out inside one namespace.

    spec: what is wanted.
    status: what is observed.
    """

    spec: PrefixPoolSpec = PrefixPoolSpec()
    status: IPPoolStatus = IPPoolStatus()
