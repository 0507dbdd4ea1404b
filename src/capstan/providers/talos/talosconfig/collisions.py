"""Says who else has the addresses that a TalosConfig gives its machine: machines, endpoints, pools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, TypeAlias, TypeVar

from capstan.api.bootstrap.staticaddresses import ANY, BY_STATIC_ADDRESS, StaticAddresses, static_addresses
from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.cluster.names import GROUP as CLUSTER_GROUP
from capstan.api.ipam.addresses import AddressSet, parse_address, pool_addresses
from capstan.api.ipam.globalinclusterippool import GlobalInClusterIPPool
from capstan.api.ipam.globalinclusterprefixpool import GlobalInClusterPrefixPool
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.inclusterprefixpool import InClusterPrefixPool
from capstan.api.ipam.pool import IPPoolSpec
from capstan.api.ipam.prefixpool import PrefixPoolSpec
from capstan.api.meta import TypedObject
from capstan.api.objects import Key
from capstan.api.rules.owners import owner_of_kind
from capstan.runtime.reader import Reader

T = TypeVar("T", bound=TypedObject)

#: Indexes of Machines by the addresses that they have, and of Clusters by the address of their endpoint.
BY_ADDRESS: Final = "machine-address"
BY_ENDPOINT_ADDRESS: Final = "endpoint-address"

Pool: TypeAlias = InClusterIPPool | GlobalInClusterIPPool | InClusterPrefixPool | GlobalInClusterPrefixPool
POOLS: Final[tuple[type[Pool], ...]] = (
    InClusterIPPool,
    GlobalInClusterIPPool,
    InClusterPrefixPool,
    GlobalInClusterPrefixPool,
)


def machine_addresses(machine: Machine) -> tuple[str, ...]:
    """Index: the addresses that a Machine reports."""
    return tuple({a.address: None for a in machine.status.addresses if a.type in ("InternalIP", "ExternalIP")})


def endpoint_address(cluster: Cluster) -> tuple[str, ...]:
    """Index: where a Cluster's control plane answers."""
    endpoint = cluster.spec.control_plane_endpoint
    return (endpoint.host,) if endpoint is not None and endpoint.host else ()


def find_collisions(reader: Reader, config: TalosConfig, machine: Machine) -> tuple[str, ...]:
    """One text for each other object that has one of the static addresses. Two networks that do not know each other
    may use the same addresses, so this is only ever a warning."""
    found = static_addresses(config)
    if not found.all:
        return ()
    cluster = Key(machine.metadata.namespace, machine.spec.cluster_name)
    texts = (
        *_with_configs(reader, config, cluster, found),
        *_with_machines(reader, machine, cluster, found),
        *_with_endpoints(reader, cluster, found),
        *_with_pools(reader, found),
    )
    return tuple(dict.fromkeys(texts))


def _with_configs(reader: Reader, own: TalosConfig, cluster: Key, found: StaticAddresses) -> Iterator[str]:
    """A virtual address may be that of all control planes of one cluster."""
    for address in found.all:
        for other in _ordered(reader.list_indexed(TalosConfig, BY_STATIC_ADDRESS, address)):
            theirs = static_addresses(other)
            virtual = address in found.shared and address in theirs.shared
            is_live = other.metadata.deletion_timestamp is None and _machine_of(other)
            if other.metadata.uid == own.metadata.uid or not is_live or (virtual and _cluster_of(other) == cluster):
                continue
            yield f"{address} is given to a machine by {_text(other)} too"


def _with_machines(reader: Reader, own: Machine, cluster: Key, found: StaticAddresses) -> Iterator[str]:
    """A Machine whose TalosConfig gives it the address is told of by that."""
    for address in found.all:
        for other in _ordered(reader.list_indexed(Machine, BY_ADDRESS, address)):
            meta = other.metadata
            same = address in found.shared and Key(meta.namespace, other.spec.cluster_name) == cluster
            if meta.uid != own.metadata.uid and not same and not _gives(reader, other, address):
                yield f"{address} is an address of {_text(other)}"


def _gives(reader: Reader, machine: Machine, address: str) -> bool:
    ref = machine.spec.bootstrap.config_ref
    config = reader.get(TalosConfig, machine.metadata.namespace, ref.name) if ref is not None else None
    return config is not None and address in static_addresses(config).all


def _with_endpoints(reader: Reader, cluster: Key, found: StaticAddresses) -> Iterator[str]:
    for address in found.all:
        for other in _ordered(reader.list_indexed(Cluster, BY_ENDPOINT_ADDRESS, address)):
            if Key(other.metadata.namespace, other.metadata.name) != cluster:
                yield f"{address} is the control plane endpoint of {_text(other)}"


def _with_pools(reader: Reader, found: StaticAddresses) -> Iterator[str]:
    for kind in POOLS:
        for pool in _ordered(reader.list(kind)):
            yield from (f"{address} may be given out by {_text(pool)}" for address in found.all if holds(pool, address))


def holds(pool: Pool, address: str) -> bool:
    """Whether a pool may give out the address, alone or in a network. Of a pool that cannot be read nobody knows."""
    parsed = parse_address(address)
    try:
        return parsed is not None and _reach(pool.spec).contains(*parsed)
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _reach(spec: IPPoolSpec | PrefixPoolSpec) -> AddressSet:
    if isinstance(spec, PrefixPoolSpec):
        return AddressSet.of_entries(spec.prefixes).minus(AddressSet.of_entries(spec.excluded_prefixes))
    return pool_addresses(
        spec.addresses,
        prefix=spec.prefix,
        gateway=spec.gateway,
        excluded=spec.excluded_addresses,
        allocate_reserved=bool(spec.allocate_reserved_ip_addresses),
    )


# --- who is to look again ---------------------------------------------------------------------------------------------


def wake_by_config(reader: Reader, config: TalosConfig) -> Iterable[Key]:
    """The other TalosConfigs that share an address with this one."""
    own = Key(config.metadata.namespace, config.metadata.name)
    return [key for key in _with(reader, static_addresses(config).all) if key != own]


def wake_by_address(reader: Reader, machine: Machine) -> Iterable[Key]:
    """The TalosConfigs that give somebody an address which the Machine reports."""
    return _with(reader, machine_addresses(machine))


def wake_by_endpoint(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    """The TalosConfigs that give a machine the address of the endpoint."""
    return _with(reader, endpoint_address(cluster))


def wake_by_pool(reader: Reader, pool: Pool) -> Iterable[Key]:
    """The TalosConfigs with an address that the pool may give out, or that say so of it."""
    name = _text(pool)
    for config in reader.list_indexed(TalosConfig, BY_STATIC_ADDRESS, ANY):
        told = any(name in condition.message for condition in config.status.conditions)
        if told or any(holds(pool, address) for address in static_addresses(config).all):
            yield Key(config.metadata.namespace, config.metadata.name)


def _with(reader: Reader, addresses: Iterable[str]) -> list[Key]:
    found = (config for address in addresses for config in reader.list_indexed(TalosConfig, BY_STATIC_ADDRESS, address))
    return list(dict.fromkeys(Key(config.metadata.namespace, config.metadata.name) for config in found))


def _ordered(found: Iterable[T]) -> list[T]:
    return sorted(found, key=lambda one: (one.metadata.namespace, one.metadata.name))


def _text(one: TypedObject) -> str:
    """An object as messages name it."""
    place = f"{one.metadata.namespace}/" if one.metadata.namespace else ""
    return f"{type(one).__name__} {place}{one.metadata.name}"


def _machine_of(config: TalosConfig) -> str:
    owner = owner_of_kind(config.metadata, CLUSTER_GROUP, "Machine")
    return owner.name if owner is not None else ""


def _cluster_of(config: TalosConfig) -> Key:
    return Key(config.metadata.namespace, config.metadata.labels.get(CLUSTER_NAME_LABEL, ""))
