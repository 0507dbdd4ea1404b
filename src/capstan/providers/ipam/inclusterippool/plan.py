"""What to do for one pool: stay until the last address is back, and let go of addresses that nobody claims."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.kinds import IP_ADDRESS
from capstan.api.ipam.names import ADDRESS_FINALIZER, POOL_FINALIZER
from capstan.api.objects import Key
from capstan.providers.ipam.inclusterippool.snapshot import P, PoolSnapshot
from capstan.runtime.plan import Action, ObjectRef, Plan, Update, Waiting


def plan(snapshot: PoolSnapshot[P]) -> Plan:
    meta = snapshot.pool.metadata
    subject = ObjectRef(snapshot.resource, Key(meta.namespace, meta.name), meta.uid)
    if PAUSED_ANNOTATION in meta.annotations:
        return Plan(subject)
    actions: list[Action] = [_let_go(address) for address in snapshot.orphans]
    if meta.deletion_timestamp is None:
        actions += _protect(snapshot)
        return Plan(subject, tuple(actions))
    if snapshot.addresses:
        count = len(snapshot.addresses)
        message = f"{count} addresses are in use: the pool goes when their claims are deleted"
        return Plan(subject, tuple(actions), (Waiting("Deleting", "AddressesInUse", message),))
    actions += _free(snapshot)
    return Plan(subject, tuple(actions))


def _protect(snapshot: PoolSnapshot[P]) -> Iterator[Action]:
    finalizers: tuple[str, ...] = snapshot.pool.metadata.finalizers
    if POOL_FINALIZER not in finalizers:
        yield _update(snapshot, (*finalizers, POOL_FINALIZER), "a pool must not go before its addresses")


def _free(snapshot: PoolSnapshot[P]) -> Iterator[Action]:
    finalizers: tuple[str, ...] = snapshot.pool.metadata.finalizers
    if POOL_FINALIZER in finalizers:
        rest = tuple(name for name in finalizers if name != POOL_FINALIZER)
        yield _update(snapshot, rest, "no address of the pool is in use")


def _update(snapshot: PoolSnapshot[P], finalizers: tuple[str, ...], reason: str) -> Action:
    pool = snapshot.pool
    after = msgspec.structs.replace(pool, metadata=msgspec.structs.replace(pool.metadata, finalizers=finalizers))
    return Update(resource=snapshot.resource, before=pool, after=after, reason=reason)


def _let_go(address: IPAddress) -> Action:
    meta = address.metadata
    rest = tuple(name for name in meta.finalizers if name != ADDRESS_FINALIZER)
    after = msgspec.structs.replace(address, metadata=msgspec.structs.replace(meta, finalizers=rest))
    reason = f"claim {address.spec.claim_ref.name} of the deleted address is gone"
    return Update(resource=IP_ADDRESS.resource(), before=address, after=after, reason=reason)
