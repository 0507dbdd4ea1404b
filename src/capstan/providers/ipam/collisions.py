"""Says what else has the addresses that a pool may give out: other pools, the endpoints of clusters, and machines that
are given theirs outside of any pool."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final

from capstan.api.bootstrap.staticaddresses import static_addresses
from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.ipam.addresses import format_address, parse_address, spans_of
from capstan.api.meta import ObjectMeta
from capstan.providers.ipam.pools import IPPool
from capstan.providers.ipam.stock import Stock, stock_of

#: Indexes of pools, Clusters and TalosConfigs by the networks that they touch, so that a pool only looks at its
#: neighbours.
BY_NETWORK: Final = "ipam-network"
BY_ENDPOINT: Final = "ipam-endpoint"
BY_STATIC: Final = "ipam-static"

#: The networks are a /24 of IPv4 and a /64 of IPv6; a pool that touches more than this many is looked at by all.
_MOST_NETWORKS: Final = 64
_ROOM: Final = {4: 8, 6: 64}
WIDE: Final = "wide"


def networks(pool: IPPool) -> tuple[str, ...]:
    """Index: the networks that a pool touches, or WIDE."""
    try:
        reach = stock_of(pool.spec).reach
    except ValueError:
        return ()
    if not reach:
        return ()
    room = _ROOM[reach.family]
    spans = spans_of((first >> room, last >> room) for first, last in reach.spans)
    if sum(last - first + 1 for first, last in spans) > _MOST_NETWORKS:
        return (WIDE,)
    return tuple(f"{reach.family}/{number}" for first, last in spans for number in range(first, last + 1))


def endpoint_networks(cluster: Cluster) -> tuple[str, ...]:
    """Index: the network of a Cluster's endpoint; a name has none."""
    parsed = _endpoint(cluster)
    return (f"{parsed[0]}/{parsed[1] >> _ROOM[parsed[0]]}",) if parsed is not None else ()


def static_networks(config: TalosConfig) -> tuple[str, ...]:
    """Index: the networks of the addresses that a TalosConfig gives its machine by itself."""
    parsed = (parse_address(address) for address in static_addresses(config).all)
    return tuple({f"{one[0]}/{one[1] >> _ROOM[one[0]]}": None for one in parsed if one is not None})


def _endpoint(cluster: Cluster) -> tuple[int, int] | None:
    endpoint = cluster.spec.control_plane_endpoint
    return parse_address(endpoint.host) if endpoint is not None and endpoint.host else None


def compute_collisions(
    pool: IPPool, others: Iterable[IPPool], clusters: Sequence[Cluster], configs: Iterable[TalosConfig] = ()
) -> tuple[str, ...]:
    """One text for each other pool, cluster and TalosConfig, in the order in which they come. Two networks that do
    not know each other may use the same addresses, so this is only ever a warning."""
    try:
        own = stock_of(pool.spec)
    except ValueError:
        return ()
    told = {_endpoint(cluster) for cluster in clusters}
    return (*_with_pools(own, pool, others), *_with_endpoints(own, clusters), *_with_machines(own, configs, told))


def _with_pools(own: Stock, pool: IPPool, others: Iterable[IPPool]) -> Iterator[str]:
    for other in others:
        if other.metadata.uid == pool.metadata.uid:
            continue
        try:
            shared = own.reach.overlap(stock_of(other.spec).reach)
        except ValueError:
            continue
        if shared is not None:
            first, last = (format_address(own.reach.family, number) for number in shared)
            which = first if first == last else f"{first} to {last}"
            yield f"{pool_text(other)} may give out {which} as well"


def _with_endpoints(own: Stock, clusters: Iterable[Cluster]) -> Iterator[str]:
    for cluster in clusters:
        parsed = _endpoint(cluster)
        if parsed is not None and own.reach.contains(*parsed):
            meta = cluster.metadata
            where = f"the control plane endpoint of Cluster {meta.namespace}/{meta.name}"
            yield f"{format_address(*parsed)} is {where}: leave it out of the pool"


def _with_machines(
    own: Stock, configs: Iterable[TalosConfig], told: Container[tuple[int, int] | None]
) -> Iterator[str]:
    """A virtual address that is the endpoint of a Cluster is told of as that."""
    for config in configs:
        found, meta = static_addresses(config), config.metadata
        for address in found.all:
            parsed = parse_address(address)
            if parsed is None or not own.reach.contains(*parsed) or (address in found.shared and parsed in told):
                continue
            yield f"{address} is given to a machine by {config_text(meta)}: leave it out of the pool"


def config_text(meta: ObjectMeta) -> str:
    """A TalosConfig as messages name it."""
    return f"TalosConfig {meta.namespace}/{meta.name}"


def pool_text(pool: IPPool) -> str:
    """A pool as messages name it."""
    place = f"{pool.metadata.namespace}/" if pool.metadata.namespace else ""
    return f"{type(pool).__name__} {place}{pool.metadata.name}"
