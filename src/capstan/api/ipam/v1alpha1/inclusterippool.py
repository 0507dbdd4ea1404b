"""InClusterIPPool, a pool of one namespace, as v1alpha1 has it."""

from __future__ import annotations

from capstan.api.ipam.pool import IPPoolStatus
from capstan.api.ipam.v1alpha1.pool import IPPoolSpec
from capstan.api.meta import TypedObject


class InClusterIPPool(TypedObject, frozen=True, kw_only=True):
    """Addresses that are given out inside one namespace.

    spec: what is wanted.
    status: what is observed.
    """

    spec: IPPoolSpec = IPPoolSpec()
    status: IPPoolStatus = IPPoolStatus()
