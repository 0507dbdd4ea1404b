"""The two kinds of in-cluster pool as one: how they are named in indexes, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias

from capstan.api.ipam.addresses import AddressSet, pool_addresses
from capstan.api.ipam.globalinclusterippool import GlobalInClusterIPPool
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.ipam.names import GROUP
from capstan.api.ipam.pool import IPPoolSpec

IPPool: TypeAlias = InClusterIPPool | GlobalInClusterIPPool

POOL_KINDS: Final[dict[str, type[InClusterIPPool] | type[GlobalInClusterIPPool]]] = {
    "InClusterIPPool": InClusterIPPool,
    "GlobalInClusterIPPool": GlobalInClusterIPPool,
}

#: Index of IPAddresses by pool, and by pool and address.
BY_POOL: Final = "ipam-pool"
BY_POOL_ADDRESS: Final = "ipam-pool-address"


def is_ours(obj: IPAddress | IPAddressClaim) -> bool:
    """Whether a claim or an address belongs to this provider."""
    ref = obj.spec.pool_ref
    return ref.api_group == GROUP and ref.kind in POOL_KINDS


def pool_value(kind: str, namespace: str, name: str) -> str:
    """A pool as an index names it. A global pool has no namespace, wherever its claims are."""
    return f"{kind}/{'' if kind == 'GlobalInClusterIPPool' else namespace}/{name}"


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


@lru_cache(maxsize=1024)
def _members(
    addresses: tuple[str, ...], prefix: int, gateway: str, excluded: tuple[str, ...], allocate_reserved: bool
) -> AddressSet:
    return pool_addresses(
        addresses, prefix=prefix, gateway=gateway, excluded=excluded, allocate_reserved=allocate_reserved
    )


def members(spec: IPPoolSpec) -> AddressSet:
    """What the pool may give out. Raises ValueError for entries that cannot be read (admission refuses them)."""
    return _members(
        spec.addresses,
        spec.prefix,
        spec.gateway,
        spec.excluded_addresses,
        bool(spec.allocate_reserved_ip_addresses),
    )
