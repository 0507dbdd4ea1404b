"""What to do for one pool: stay until the last address is back, and let go of addresses that nobody claims."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.kinds import IP_ADDRESS
from capstan.api.ipam.names import ADDRESS_FINALIZER, COLLISIONS_ANNOTATION, POOL_FINALIZER
from capstan.api.objects import Key
from capstan.providers.ipam.inclusterippool.snapshot import P, PoolSnapshot
from capstan.runtime.plan import Action, Emit, ObjectRef, Plan, Update, Waiting


def plan(snapshot: PoolSnapshot[P]) -> Plan:
    meta = snapshot.pool.metadata
    subject = ObjectRef(snapshot.resource, Key(meta.namespace, meta.name), meta.uid)
    if PAUSED_ANNOTATION in meta.annotations:
        return Plan(subject)
    actions: list[Action] = [_let_go(address) for address in snapshot.orphans]
    if meta.deletion_timestamp is None:
        actions += _warn(snapshot)
        actions += _keep(snapshot)
        return Plan(subject, tuple(actions))
    if snapshot.addresses:
        count = len(snapshot.addresses)
        message = f"{count} addresses are in use: the pool goes when their claims are deleted"
        return Plan(subject, tuple(actions), (Waiting("Deleting", "AddressesInUse", message),))
    actions += _free(snapshot)
    return Plan(subject, tuple(actions))


def _warn(snapshot: PoolSnapshot[P]) -> Iterator[Action]:
    """Each collision once: the annotation remembers what was told."""
    told = snapshot.pool.metadata.annotations.get(COLLISIONS_ANNOTATION, "").splitlines()
    for text in snapshot.collisions:
        if text not in told:
            yield Emit(name="OverlappingAddresses", type="Warning", reason=text)


def _keep(snapshot: PoolSnapshot[P]) -> Iterator[Action]:
    """A pool has its finalizer, and says with whom it collides."""
    meta = snapshot.pool.metadata
    finalizers: tuple[str, ...] = meta.finalizers
    if POOL_FINALIZER not in finalizers:
        finalizers = (*finalizers, POOL_FINALIZER)
    told = "\n".join(snapshot.collisions)
    annotations = {name: text for name, text in meta.annotations.items() if name != COLLISIONS_ANNOTATION}
    if told:
        annotations[COLLISIONS_ANNOTATION] = told
    if finalizers != meta.finalizers:
        yield _update(snapshot, finalizers, annotations, "a pool must not go before its addresses")
    elif annotations != meta.annotations:
        reason = "its addresses are in use elsewhere" if told else "its addresses are no longer in use elsewhere"
        yield _update(snapshot, finalizers, annotations, reason)


def _free(snapshot: PoolSnapshot[P]) -> Iterator[Action]:
    finalizers: tuple[str, ...] = snapshot.pool.metadata.finalizers
    if POOL_FINALIZER in finalizers:
        rest = tuple(name for name in finalizers if name != POOL_FINALIZER)
        yield _update(snapshot, rest, snapshot.pool.metadata.annotations, "no address of the pool is in use")


def _update(snapshot: PoolSnapshot[P], finalizers: tuple[str, ...], annotations: dict[str, str], reason: str) -> Action:
    pool = snapshot.pool
    metadata = msgspec.structs.replace(pool.metadata, finalizers=finalizers, annotations=annotations)
    after = msgspec.structs.replace(pool, metadata=metadata)
    return Update(resource=snapshot.resource, before=pool, after=after, reason=reason)


def _let_go(address: IPAddress) -> Action:
    meta = address.metadata
    rest = tuple(name for name in meta.finalizers if name != ADDRESS_FINALIZER)
    after = msgspec.structs.replace(address, metadata=msgspec.structs.replace(meta, finalizers=rest))
    reason = f"claim {address.spec.claim_ref.name} of the deleted address is gone"
    return Update(resource=IP_ADDRESS.resource(), before=address, after=after, reason=reason)
