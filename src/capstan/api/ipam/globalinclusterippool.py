"""TODO ipam/globalinclusterippool"""

from __future__ import annotations

from capstan.api.ipam.pool import IPPoolSpec, IPPoolStatus
from capstan.api.meta import TypedObject


class GlobalInClusterIPPool(TypedObject, frozen=True, kw_only=True):
    """TODO ['GlobalInClusterIPPool/v1alpha2']"""

    spec: IPPoolSpec = IPPoolSpec()
    status: IPPoolStatus = IPPoolStatus()
