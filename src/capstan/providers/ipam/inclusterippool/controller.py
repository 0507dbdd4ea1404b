"""Watches pools and their addresses, for all kinds of pool alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, TypeVar

from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.ipam.globalinclusterippool import GlobalInClusterIPPool
from capstan.api.ipam.globalinclusterprefixpool import GlobalInClusterPrefixPool
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.inclusterprefixpool import InClusterPrefixPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.ipam.kinds import (
    GLOBAL_IN_CLUSTER_IP_POOL,
    GLOBAL_IN_CLUSTER_PREFIX_POOL,
    IN_CLUSTER_IP_POOL,
    IN_CLUSTER_PREFIX_POOL,
)
from capstan.api.ipam.names import ADDRESS_FINALIZER, COLLISIONS_ANNOTATION
from capstan.api.meta import TypedObject, controller_of
from capstan.api.objects import Key, Resource
from capstan.providers.ipam.collisions import (
    BY_ENDPOINT,
    BY_NETWORK,
    BY_STATIC,
    WIDE,
    compute_collisions,
    config_text,
    endpoint_networks,
    networks,
    pool_text,
    static_networks,
)
from capstan.providers.ipam.inclusterippool.plan import plan
from capstan.providers.ipam.inclusterippool.snapshot import P, PoolSnapshot
from capstan.providers.ipam.inclusterippool.status import compute_status
from capstan.providers.ipam.pools import (
    BY_POOL,
    POOL_KINDS,
    IPPool,
    by_pool,
    is_ours,
    pool_namespace,
    pool_value,
)
from capstan.runtime.controller import Controller, Watch, Writes
from capstan.runtime.plan import Outcomes, Plan
from capstan.runtime.queue import Pace
from capstan.runtime.reader import Reader
from capstan.runtime.significance import Interest

T = TypeVar("T", bound=TypedObject)


def _wakes_pool(kind: str) -> Callable[[Reader, IPAddress], Iterable[Key]]:
    def wakes(_reader: Reader, address: IPAddress) -> Iterable[Key]:
        ref = address.spec.pool_ref
        if not is_ours(address) or ref.kind != kind:
            return ()
        return (Key(pool_namespace(kind, address.metadata.namespace), ref.name),)

    return wakes


def _is_orphan(reader: Reader, address: IPAddress) -> bool:
    meta = address.metadata
    if meta.deletion_timestamp is None or ADDRESS_FINALIZER not in meta.finalizers:
        return False
    claim = reader.get(IPAddressClaim, meta.namespace, address.spec.claim_ref.name)
    owner = controller_of(meta)
    return claim is None or (owner is not None and owner.uid != claim.metadata.uid)


def _neighbours(reader: Reader, pool: IPPool) -> tuple[IPPool, ...]:
    """The pools that may touch this one, by kind and place."""
    own = networks(pool)
    found: dict[str, IPPool] = {}
    for kind in POOL_KINDS.values():
        near = reader.list(kind) if WIDE in own else _indexed(reader, kind, BY_NETWORK, (*own, WIDE))
        found |= {pool_text(other): other for other in near}
    return tuple(found[text] for text in sorted(found))


def _clusters(reader: Reader, pool: IPPool) -> tuple[Cluster, ...]:
    """The Clusters whose endpoints may lie in the pool."""
    own = networks(pool)
    near = reader.list(Cluster) if WIDE in own else _indexed(reader, Cluster, BY_ENDPOINT, own)
    return tuple(sorted(near, key=lambda cluster: (cluster.metadata.namespace, cluster.metadata.name)))


def _configs(reader: Reader, pool: IPPool) -> tuple[TalosConfig, ...]:
    """The TalosConfigs whose static addresses may lie in the pool."""
    own = networks(pool)
    near = reader.list(TalosConfig) if WIDE in own else _indexed(reader, TalosConfig, BY_STATIC, own)
    found = {config_text(config.metadata): config for config in near if config.metadata.deletion_timestamp is None}
    return tuple(found[text] for text in sorted(found))


def _indexed(reader: Reader, kind: type[T], index: str, values: Iterable[str]) -> Iterator[T]:
    for value in values:
        yield from reader.list_indexed(kind, index, value)


def _wakes_neighbours(kind: type[IPPool]) -> Callable[[Reader, IPPool], Iterable[Key]]:
    """The pools of a kind that collide with this one and do not say so, or the other way round. It is asked for what
    the pool was and for what it is; what counts is how it is now."""

    def wakes(reader: Reader, changed: IPPool) -> Iterable[Key]:
        meta, own, text = changed.metadata, networks(changed), f"{pool_text(changed)} "
        now = reader.get(type(changed), meta.namespace, meta.name)
        present = (now,) if now is not None else ()
        near = reader.list(kind) if WIDE in own else _indexed(reader, kind, BY_NETWORK, (*own, WIDE))
        for pool in near:
            if any(line.startswith(text) for line in _told(pool)) != bool(compute_collisions(pool, present, ())):
                yield Key(pool.metadata.namespace, pool.metadata.name)

    return wakes


def _wakes_around(kind: type[IPPool]) -> Callable[[Reader, Cluster], Iterable[Key]]:
    """The pools of a kind that hold the endpoint of a Cluster and do not say so, or the other way round."""

    def wakes(reader: Reader, cluster: Cluster) -> Iterable[Key]:
        meta, text = cluster.metadata, f"Cluster {cluster.metadata.namespace}/{cluster.metadata.name}:"
        now = reader.get(Cluster, meta.namespace, meta.name)
        present = (now,) if now is not None else ()
        own = endpoint_networks(cluster)
        for pool in _indexed(reader, kind, BY_NETWORK, (*own, WIDE)) if own else ():
            if any(text in line for line in _told(pool)) != bool(compute_collisions(pool, (), present)):
                yield Key(pool.metadata.namespace, pool.metadata.name)

    return wakes


def _wakes_with(kind: type[IPPool]) -> Callable[[Reader, TalosConfig], Iterable[Key]]:
    """The pools of a kind that hold a static address of a TalosConfig and do not say so, or the other way round."""

    def wakes(reader: Reader, config: TalosConfig) -> Iterable[Key]:
        own = static_networks(config)
        if not own:
            return
        meta, text = config.metadata, f"{config_text(config.metadata)}:"
        now = reader.get(TalosConfig, meta.namespace, meta.name)
        present = (now,) if now is not None and now.metadata.deletion_timestamp is None else ()
        for pool in _indexed(reader, kind, BY_NETWORK, (*own, WIDE)):
            held = bool(compute_collisions(pool, (), _clusters(reader, pool), present))
            if any(text in line for line in _told(pool)) != held:
                yield Key(pool.metadata.namespace, pool.metadata.name)

    return wakes


def _told(pool: IPPool) -> list[str]:
    return pool.metadata.annotations.get(COLLISIONS_ANNOTATION, "").splitlines()


def _watches(kind: type[IPPool]) -> tuple[Watch, ...]:
    neighbours = tuple(Watch(other, _wakes_neighbours(kind), {BY_NETWORK: networks}) for other in POOL_KINDS.values())
    return (
        Watch(IPAddress, _wakes_pool(kind.__name__), {BY_POOL: by_pool}),
        *neighbours,
        Watch(Cluster, _wakes_around(kind), {BY_ENDPOINT: endpoint_networks}, conditions=False),
        Watch(
            TalosConfig,
            _wakes_with(kind),
            {BY_STATIC: static_networks},
            fields=("metadata.deletionTimestamp",),
            conditions=False,
        ),
    )


_WRITTEN = ("metadata.finalizers", f"metadata.annotations[{COLLISIONS_ANNOTATION}]", "status.ipAddresses")


class _PoolController(Controller[P, PoolSnapshot[P]]):
    resource: ClassVar[Resource]
    pace: ClassVar[Pace] = Pace(first=0.5)
    #: Counts are told once a second at most: nothing goes by them.
    told: ClassVar[Interest] = Interest(("metadata",))
    own: ClassVar[Interest] = Interest(("metadata.annotations", "metadata.finalizers", "metadata.generation"))

    async def observe(self, reader: Reader, key: Key) -> PoolSnapshot[P] | None:
        pool = reader.get(self.kind, key.namespace, key.name)
        if pool is None:
            return None
        addresses = reader.list_indexed(IPAddress, BY_POOL, pool_value(self.resource.kind, key.namespace, key.name))
        orphans = tuple(address for address in addresses if _is_orphan(reader, address))
        return PoolSnapshot(
            resource=self.resource,
            pool=pool,
            addresses=addresses,
            orphans=orphans,
            collisions=compute_collisions(
                pool, _neighbours(reader, pool), _clusters(reader, pool), _configs(reader, pool)
            ),
        )

    def plan(self, snapshot: PoolSnapshot[P]) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: PoolSnapshot[P], outcomes: Outcomes) -> P | None:
        return compute_status(snapshot, outcomes)


class InClusterIPPoolController(_PoolController[InClusterIPPool]):
    """Counts and guards the pools of a namespace."""

    kind = InClusterIPPool
    resource = IN_CLUSTER_IP_POOL.resource()
    watches = _watches(InClusterIPPool)
    writes = (Writes(InClusterIPPool, _WRITTEN),)


class GlobalInClusterIPPoolController(_PoolController[GlobalInClusterIPPool]):
    """Counts and guards the pools of all namespaces."""

    kind = GlobalInClusterIPPool
    resource = GLOBAL_IN_CLUSTER_IP_POOL.resource()
    watches = _watches(GlobalInClusterIPPool)
    writes = (Writes(GlobalInClusterIPPool, _WRITTEN),)


class InClusterPrefixPoolController(_PoolController[InClusterPrefixPool]):
    """Counts and guards the prefix pools of a namespace."""

    kind = InClusterPrefixPool
    resource = IN_CLUSTER_PREFIX_POOL.resource()
    watches = _watches(InClusterPrefixPool)
    writes = (Writes(InClusterPrefixPool, _WRITTEN),)


class GlobalInClusterPrefixPoolController(_PoolController[GlobalInClusterPrefixPool]):
    """Counts and guards the prefix pools of all namespaces."""

    kind = GlobalInClusterPrefixPool
    resource = GLOBAL_IN_CLUSTER_PREFIX_POOL.resource()
    watches = _watches(GlobalInClusterPrefixPool)
    writes = (Writes(GlobalInClusterPrefixPool, _WRITTEN),)
