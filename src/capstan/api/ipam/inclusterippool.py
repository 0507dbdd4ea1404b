"""TODO ipam/inclusterippool"""

from __future__ import annotations

from capstan.api.ipam.pool import IPPoolSpec, IPPoolStatus
from capstan.api.meta import TypedObject


class InClusterIPPool(TypedObject, frozen=True, kw_only=True):
    """TODO ['InClusterIPPool/v1alpha2']"""

    spec: IPPoolSpec = IPPoolSpec()
    status: IPPoolStatus = IPPoolStatus()
