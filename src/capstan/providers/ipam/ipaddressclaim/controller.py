"""Watches claims on in-cluster pools; one worker, so that addresses are chosen one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.ipam.names import ADDRESS_FINALIZER
from capstan.api.objects import Key
from capstan.api.rules.conditions import FALSE, find_condition
from capstan.providers.ipam.ipaddressclaim.plan import GRACE_PERIOD, READY, plan
from capstan.providers.ipam.ipaddressclaim.snapshot import ClaimSnapshot
from capstan.providers.ipam.ipaddressclaim.status import compute_status
from capstan.providers.ipam.pools import (
    BY_POOL,
    BY_POOL_ADDRESS,
    POOL_KINDS,
    IPPool,
    by_pool,
    by_pool_address,
    is_ours,
    pool_address_value,
    pool_namespace,
    pool_of,
    pool_value,
)
from capstan.runtime.controller import Controller, Watch, Writes, owner_keys
from capstan.runtime.plan import Outcomes, Plan
from capstan.runtime.reader import Reader
from capstan.runtime.significance import Interest

#: Indexes of the claims that wait for something else than time, by pool and by cluster, and of those that hold their
#: address for the pool's grace period. Only they are woken when the pool, the cluster or another address changes, so
#: that many claims on one pool, coming or going, do not wake each other.
WAITING_ON_POOL: Final = "ipam-waiting-on-pool"
WAITING_ON_CLUSTER: Final = "ipam-waiting-on-cluster"
HELD_FOR_POOL: Final = "ipam-held-for-pool"

_owner_claim = owner_keys("IPAddressClaim")


def cluster_name_of(claim: IPAddressClaim) -> str:
    return claim.spec.cluster_name or claim.metadata.labels.get(CLUSTER_NAME_LABEL, "")


def _waits_for(claim: IPAddressClaim) -> str:
    """The reason why the claim is not Ready; empty when it is, or when nothing was said yet."""
    ready = find_condition(claim.status.conditions, READY)
    return ready.reason if is_ours(claim) and ready is not None and ready.status == FALSE else ""


def _waiting_on_pool(claim: IPAddressClaim) -> Iterable[str]:
    return (pool_of(claim),) if _waits_for(claim) not in ("", GRACE_PERIOD) else ()


def _held_for_pool(claim: IPAddressClaim) -> Iterable[str]:
    return (pool_of(claim),) if _waits_for(claim) == GRACE_PERIOD else ()


def _waiting_on_cluster(claim: IPAddressClaim) -> Iterable[str]:
    name = cluster_name_of(claim)
    waits = name and _waits_for(claim) not in ("", GRACE_PERIOD)
    return (f"{claim.metadata.namespace}/{name}",) if waits else ()


def _waiting(reader: Reader, index: str, value: str) -> list[Key]:
    claims = reader.list_indexed(IPAddressClaim, index, value)
    return [Key(claim.metadata.namespace, claim.metadata.name) for claim in claims]


def _address_wakes(reader: Reader, address: IPAddress) -> Iterable[Key]:
    """Its claim; and, when it goes, all that wait for an address of the pool."""
    keys = list(_owner_claim(reader, address))
    going = address.metadata.deletion_timestamp is not None or ADDRESS_FINALIZER not in address.metadata.finalizers
    if going and is_ours(address):
        keys += _waiting(reader, WAITING_ON_POOL, pool_of(address))
    return keys


def _pool_wakes(reader: Reader, pool: IPPool) -> Iterable[Key]:
    value = pool_value(type(pool).__name__, pool.metadata.namespace, pool.metadata.name)
    keys = _waiting(reader, WAITING_ON_POOL, value)
    if pool.metadata.deletion_timestamp is not None:
        keys += _waiting(reader, HELD_FOR_POOL, value)
    return keys


def _cluster_wakes(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    return _waiting(reader, WAITING_ON_CLUSTER, f"{cluster.metadata.namespace}/{cluster.metadata.name}")


class IPAddressClaimController(Controller[IPAddressClaim, ClaimSnapshot]):
    """Gives claims their addresses."""

    kind = IPAddressClaim
    concurrency: ClassVar[int] = 1
    own: ClassVar[Interest] = Interest(("metadata.generation",), conditions=False)
    indexes = {
        WAITING_ON_POOL: _waiting_on_pool,
        WAITING_ON_CLUSTER: _waiting_on_cluster,
        HELD_FOR_POOL: _held_for_pool,
    }
    watches = (
        Watch(IPAddress, _address_wakes, {BY_POOL: by_pool, BY_POOL_ADDRESS: by_pool_address}),
        *(Watch(kind, _pool_wakes) for kind in POOL_KINDS.values()),
        Watch(Cluster, _cluster_wakes, conditions=False),
    )
    writes = (
        Writes(IPAddressClaim, ("metadata.finalizers", "status.addressRef", "status.conditions")),
        Writes(IPAddress, ("metadata", "spec")),
    )

    async def observe(self, reader: Reader, key: Key) -> ClaimSnapshot | None:
        claim = reader.get(IPAddressClaim, key.namespace, key.name)
        if claim is None or not is_ours(claim):
            return None
        cluster_name = cluster_name_of(claim)
        address = reader.get(IPAddress, key.namespace, key.name)
        return ClaimSnapshot(
            now=reader.now(),
            claim=claim,
            cluster_name=cluster_name,
            cluster=reader.get(Cluster, key.namespace, cluster_name) if cluster_name else None,
            pool=_pool(reader, claim),
            address=address,
            taken=reader.list_indexed(IPAddress, BY_POOL, pool_of(claim)) if address is None else (),
            twins=_twins(reader, address) if address is not None else (),
        )

    def plan(self, snapshot: ClaimSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: ClaimSnapshot, outcomes: Outcomes) -> IPAddressClaim | None:
        return compute_status(snapshot, outcomes)


def _pool(reader: Reader, claim: IPAddressClaim) -> IPPool | None:
    ref = claim.spec.pool_ref
    kind = POOL_KINDS[ref.kind]
    return reader.get(kind, pool_namespace(ref.kind, claim.metadata.namespace), ref.name)


def _twins(reader: Reader, address: IPAddress) -> tuple[IPAddress, ...]:
    same = reader.list_indexed(IPAddress, BY_POOL_ADDRESS, pool_address_value(pool_of(address), address.spec.address))
    return tuple(other for other in same if other.metadata.uid != address.metadata.uid)
