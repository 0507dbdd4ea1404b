"""What the decision about one pool needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from capstan.api.ipam.globalinclusterippool import GlobalInClusterIPPool
from capstan.api.ipam.globalinclusterprefixpool import GlobalInClusterPrefixPool
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.inclusterprefixpool import InClusterPrefixPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.objects import Resource

P = TypeVar("P", InClusterIPPool, GlobalInClusterIPPool, InClusterPrefixPool, GlobalInClusterPrefixPool)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSnapshot(Generic[P]):
    """`addresses` are all IPAddresses of the pool; `orphans` those of them that are being deleted and whose claim
    is gone, so that nobody else will let them go. `collisions` says, one a text, what else has addresses that the
    pool may give out."""

    resource: Resource
    pool: P
    addresses: tuple[IPAddress, ...] = ()
    orphans: tuple[IPAddress, ...] = ()
    collisions: tuple[str, ...] = ()
