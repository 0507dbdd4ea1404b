"""All kinds of in-cluster pool as one: how they are named in indexes, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from capstan.api.ipam.globalinclusterippool import GlobalInClusterIPPool
from capstan.api.ipam.globalinclusterprefixpool import GlobalInClusterPrefixPool
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.inclusterprefixpool import InClusterPrefixPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.ipam.names import GROUP

IPPool: TypeAlias = InClusterIPPool | GlobalInClusterIPPool | InClusterPrefixPool | GlobalInClusterPrefixPool

POOL_KINDS: Final[dict[str, type[IPPool]]] = {
    "InClusterIPPool": InClusterIPPool,
    "GlobalInClusterIPPool": GlobalInClusterIPPool,
    "InClusterPrefixPool": InClusterPrefixPool,
    "GlobalInClusterPrefixPool": GlobalInClusterPrefixPool,
}

#: Index of IPAddresses by pool, and by pool and address.
BY_POOL: Final = "ipam-pool"
BY_POOL_ADDRESS: Final = "ipam-pool-address"


def is_ours(obj: IPAddress | IPAddressClaim) -> bool:
    """Whether a claim or an address belongs to this provider."""
    ref = obj.spec.pool_ref
    return ref.api_group == GROUP and ref.kind in POOL_KINDS


def pool_namespace(kind: str, namespace: str) -> str:
    """Where the pool of a claim is. A global pool has no namespace, wherever its claims are."""
    return "" if kind.startswith("Global") else namespace


def is_prefix_pool(kind: str) -> bool:
    """Whether pools of this kind give out networks instead of addresses."""
    return kind.endswith("PrefixPool")


def pool_value(kind: str, namespace: str, name: str) -> str:
    """A pool as an index names it."""
    return f"{kind}/{pool_namespace(kind, namespace)}/{name}"


def pool_of(obj: IPAddress | IPAddressClaim) -> str:
    """The pool of a claim or an address, as an index names it."""
    ref = obj.spec.pool_ref
    return pool_value(ref.kind, obj.metadata.namespace, ref.name)


def by_pool(address: IPAddress) -> Iterable[str]:
    return (pool_of(address),) if is_ours(address) else ()


def by_pool_address(address: IPAddress) -> Iterable[str]:
    return (pool_address_value(pool_of(address), address.spec.address),) if is_ours(address) else ()


def pool_address_value(pool: str, address: str) -> str:
    return f"{pool}/{address}"
