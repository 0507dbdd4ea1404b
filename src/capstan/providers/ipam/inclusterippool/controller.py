"""Watches pools and their addresses, for the namespaced and the global kind alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from capstan.api.ipam.globalinclusterippool import GlobalInClusterIPPool
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.ipam.kinds import GLOBAL_IN_CLUSTER_IP_POOL, IN_CLUSTER_IP_POOL
from capstan.api.ipam.names import ADDRESS_FINALIZER
from capstan.api.meta import controller_of
from capstan.api.objects import Key, Resource
from capstan.providers.ipam.inclusterippool.plan import plan
from capstan.providers.ipam.inclusterippool.snapshot import P, PoolSnapshot
from capstan.providers.ipam.inclusterippool.status import compute_status
from capstan.providers.ipam.pools import BY_POOL, by_pool, is_ours, pool_value
from capstan.runtime.controller import Controller, Watch, Writes
from capstan.runtime.plan import Outcomes, Plan
from capstan.runtime.reader import Reader


def _wakes_pool(kind: str) -> Callable[[Reader, IPAddress], Iterable[Key]]:
    def wakes(_reader: Reader, address: IPAddress) -> Iterable[Key]:
        ref = address.spec.pool_ref
        if not is_ours(address) or ref.kind != kind:
            return ()
        return (Key("" if kind == "GlobalInClusterIPPool" else address.metadata.namespace, ref.name),)

    return wakes


def _is_orphan(reader: Reader, address: IPAddress) -> bool:
    meta = address.metadata
    if meta.deletion_timestamp is None or ADDRESS_FINALIZER not in meta.finalizers:
        return False
    claim = reader.get(IPAddressClaim, meta.namespace, address.spec.claim_ref.name)
    owner = controller_of(meta)
    return claim is None or (owner is not None and owner.uid != claim.metadata.uid)


class _PoolController(Controller[P, PoolSnapshot[P]]):
    resource: ClassVar[Resource]

    async def observe(self, reader: Reader, key: Key) -> PoolSnapshot[P] | None:
        pool = reader.get(self.kind, key.namespace, key.name)
        if pool is None:
            return None
        addresses = reader.list_indexed(IPAddress, BY_POOL, pool_value(self.resource.kind, key.namespace, key.name))
        orphans = tuple(address for address in addresses if _is_orphan(reader, address))
        return PoolSnapshot(resource=self.resource, pool=pool, addresses=addresses, orphans=orphans)

    def plan(self, snapshot: PoolSnapshot[P]) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: PoolSnapshot[P], outcomes: Outcomes) -> P | None:
        return compute_status(snapshot, outcomes)


class InClusterIPPoolController(_PoolController[InClusterIPPool]):
    """Counts and guards the pools of a namespace."""

    kind = InClusterIPPool
    resource = IN_CLUSTER_IP_POOL.resource()
    watches = (Watch(IPAddress, _wakes_pool("InClusterIPPool"), {BY_POOL: by_pool}),)
    writes = (Writes(InClusterIPPool, ("metadata.finalizers", "status.ipAddresses")),)


class GlobalInClusterIPPoolController(_PoolController[GlobalInClusterIPPool]):
    """Counts and guards the pools of all namespaces."""

    kind = GlobalInClusterIPPool
    resource = GLOBAL_IN_CLUSTER_IP_POOL.resource()
    watches = (Watch(IPAddress, _wakes_pool("GlobalInClusterIPPool"), {BY_POOL: by_pool}),)
    writes = (Writes(GlobalInClusterIPPool, ("metadata.finalizers", "status.ipAddresses")),)
