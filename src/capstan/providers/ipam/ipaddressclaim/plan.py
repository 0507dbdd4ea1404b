"""What to do for one claim: hold it, give it the lowest free address, keep that, or take it back.

Why no address is ever given twice. Addresses are chosen by the claim controller only, and it has one worker: the
next choice begins when the last one is written, and readers see every own write (an answered create is in the
cache before the next observe). The IPAddress has the claim's name, so a repeated plan asks for the same object.
A second process (the old leader's last write, another installation) is caught after the fact: a claim is told its
address only in a later round, when its IPAddress has come back; if another IPAddress of the pool has the same
address and is older, the younger one is given up and another is chosen. Once told, an address is never moved: a
double is then reported on the younger claim for a person to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.kinds import IP_ADDRESS, IP_ADDRESS_CLAIM
from capstan.api.ipam.names import ADDRESS_FINALIZER, CLAIM_FINALIZER, GROUP
from capstan.api.ipam.prefixpool import PrefixPoolSpec
from capstan.api.meta import Condition, ObjectMeta, OwnerReference
from capstan.api.objects import Key, Obj
from capstan.api.rules.owners import owner_object
from capstan.providers.ipam.ipaddressclaim.snapshot import ClaimSnapshot
from capstan.providers.ipam.pools import is_prefix_pool
from capstan.providers.ipam.stock import Choice, Stock, stock_of
from capstan.runtime.plan import Action, Create, Delete, Emit, ObjectRef, Plan, Update, Waiting

READY: Final = "Ready"
ALLOCATION_FAILED: Final = "AllocationFailed"
POOL_NOT_READY: Final = "PoolNotReady"
POOL_EXHAUSTED: Final = "PoolExhausted"
PAUSED: Final = "Paused"
WAITING_FOR_CLUSTER: Final = "WaitingForCluster"
GRACE_PERIOD: Final = "AddressReuseGracePeriod"

_CLAIM: Final = IP_ADDRESS_CLAIM.resource()
_ADDRESS: Final = IP_ADDRESS.resource()
_POOL_API_VERSION: Final = f"{GROUP}/v1alpha2"
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def plan(snapshot: ClaimSnapshot) -> Plan:
    if snapshot.paused_by:
        return _waiting(snapshot, PAUSED, f"nothing is done while {snapshot.paused_by}")
    if snapshot.claim.metadata.deletion_timestamp is not None:
        return _release(snapshot)
    if snapshot.cluster_name and snapshot.cluster is None:
        return _waiting(
            snapshot, WAITING_FOR_CLUSTER, f"waiting for Cluster {snapshot.cluster_name}: it does not exist"
        )
    if snapshot.address is None:
        return _allocate(snapshot)
    return _keep(snapshot, snapshot.address)


def subject_of(snapshot: ClaimSnapshot) -> ObjectRef:
    meta = snapshot.claim.metadata
    return ObjectRef(_CLAIM, Key(meta.namespace, meta.name), meta.uid)


def is_bound(snapshot: ClaimSnapshot) -> bool:
    """Whether the claim may be told its address: the IPAddress is there, is the claim's, and nobody older has it."""
    address = snapshot.address
    return address is not None and snapshot.owns_address and not _older_twins(snapshot, address)


def _allocate(snapshot: ClaimSnapshot) -> Plan:
    pool = snapshot.pool
    if pool is None:
        return _waiting(
            snapshot, POOL_NOT_READY, f"{snapshot.pool_text} does not exist: create it, or name another pool"
        )
    if pool.metadata.deletion_timestamp is not None:
        return _waiting(snapshot, POOL_NOT_READY, f"{snapshot.pool_text} is being deleted and gives out no addresses")
    try:
        stock = stock_of(pool.spec)
    except ValueError as error:
        return _waiting(snapshot, ALLOCATION_FAILED, f"{snapshot.pool_text} cannot be read: {error}")
    chosen = stock.lowest_free(snapshot.taken)
    if chosen is None:
        return _waiting(snapshot, POOL_EXHAUSTED, _exhausted(snapshot, stock))
    create = Create(
        resource=_ADDRESS,
        object=_new_address(snapshot, chosen),
        reason=f"{chosen.address} is the lowest free address of {snapshot.pool_text}",
    )
    return Plan(subject_of(snapshot), (*_protect_claim(snapshot), create))


def _keep(snapshot: ClaimSnapshot, address: IPAddress) -> Plan:
    if address.spec.pool_ref != snapshot.claim.spec.pool_ref:
        return _waiting(
            snapshot,
            ALLOCATION_FAILED,
            f"IPAddress {address.metadata.name} exists already, for {address.spec.pool_ref.kind} "
            f"{address.spec.pool_ref.name}: delete it, or use another name for the claim",
        )
    if not snapshot.owns_address and address.metadata.deletion_timestamp is not None:
        reason = f"IPAddress {address.metadata.name} is left from a claim that is gone"
        return Plan(subject_of(snapshot), tuple(_unprotect_address(address, reason)))
    older = _older_twins(snapshot, address)
    if older and snapshot.claim.status.address_ref is None and snapshot.owns_address:
        reason = f"{address.spec.address} was given to {_name(older[0])} before"
        return Plan(subject_of(snapshot), tuple(_remove_address(address, reason)))
    actions = (*_protect_claim(snapshot), *_protect_address(snapshot, address))
    if older:
        message = f"{address.spec.address} is also held by IPAddress {_name(older[0])}: delete one of the two claims"
        return _waiting(snapshot, ALLOCATION_FAILED, message, actions)
    return Plan(subject_of(snapshot), actions)


def _release(snapshot: ClaimSnapshot) -> Plan:
    claim, address = snapshot.claim, snapshot.address
    if CLAIM_FINALIZER not in claim.metadata.finalizers:
        return Plan(subject_of(snapshot))
    until = _held_until(snapshot)
    if until > snapshot.now:
        seconds = (until - snapshot.now).total_seconds()
        message = f"the address is held until {until:%Y-%m-%dT%H:%M:%SZ} before it can be used again"
        waiting = Waiting(READY, GRACE_PERIOD, message)
        return Plan(subject_of(snapshot), waiting_on=(waiting,), requeue_after=seconds)
    actions: list[Action] = []
    if address is not None and snapshot.owns_address:
        actions += _remove_address(address, f"claim {claim.metadata.name} is deleted")
    rest = tuple(name for name in claim.metadata.finalizers if name != CLAIM_FINALIZER)
    freed = msgspec.structs.replace(claim, metadata=msgspec.structs.replace(claim.metadata, finalizers=rest))
    actions.append(Update(resource=_CLAIM, before=claim, after=freed, reason="the address is released"))
    return Plan(subject_of(snapshot), tuple(actions))


def _held_until(snapshot: ClaimSnapshot) -> datetime:
    """A pool may ask for a pause before an address is used again, as long as it lives itself."""
    pool, deleted = snapshot.pool, snapshot.claim.metadata.deletion_timestamp
    if snapshot.address is None or pool is None or pool.metadata.deletion_timestamp is not None or deleted is None:
        return _LONG_AGO
    if isinstance(pool.spec, PrefixPoolSpec):
        return _LONG_AGO
    return deleted + timedelta(seconds=pool.spec.address_reuse_grace_period_seconds or 0)


def _exhausted(snapshot: ClaimSnapshot, stock: Stock) -> str:
    """What is in use outside of the pool's range takes nothing away from it, and is told apart."""
    outside = sum(map(stock.is_outside, snapshot.taken))
    more = f" ({outside} more are in use outside of its range)" if outside else ""
    field = "spec.prefixes" if is_prefix_pool(snapshot.claim.spec.pool_ref.kind) else "spec.addresses"
    return (
        f"{snapshot.pool_text} has no free address: it can give out {stock.size} and "
        f"{len(snapshot.taken) - outside} are in use{more}. Add to its {field}, or delete claims that are no longer "
        "needed"
    )


def _waiting(snapshot: ClaimSnapshot, reason: str, message: str, actions: tuple[Action, ...] = ()) -> Plan:
    waiting = Waiting(READY, reason, message)
    told = _ready(snapshot)
    news = reason not in (PAUSED, WAITING_FOR_CLUSTER) and (told is None or told.reason != reason)
    event = (Emit(name=reason, type="Warning", reason=message),) if news else ()
    return Plan(subject_of(snapshot), (*actions, *event), (waiting,))


def _ready(snapshot: ClaimSnapshot) -> Condition | None:
    return next((c for c in snapshot.claim.status.conditions if c.type == READY), None)


def _older_twins(snapshot: ClaimSnapshot, address: IPAddress) -> tuple[IPAddress, ...]:
    return tuple(twin for twin in snapshot.twins if _seniority(twin) < _seniority(address))


def _seniority(address: IPAddress) -> tuple[datetime, str, str]:
    meta = address.metadata
    return meta.creation_timestamp or _LONG_AGO, meta.namespace, meta.name


def _name(address: IPAddress) -> str:
    return str(Key(address.metadata.namespace, address.metadata.name))


def _protect_claim(snapshot: ClaimSnapshot) -> Iterator[Action]:
    """Before there is an address: whoever deletes the claim from now on waits for the release."""
    claim = snapshot.claim
    if CLAIM_FINALIZER in claim.metadata.finalizers:
        return
    finalizers = (*claim.metadata.finalizers, CLAIM_FINALIZER)
    held = msgspec.structs.replace(claim, metadata=msgspec.structs.replace(claim.metadata, finalizers=finalizers))
    yield Update(resource=_CLAIM, before=claim, after=held, reason="the address must be released before the claim goes")


def _protect_address(snapshot: ClaimSnapshot, address: IPAddress) -> Iterator[Action]:
    """An address that was restored, moved or edited gets its owners and its finalizer back."""
    meta, owners = address.metadata, _metadata(snapshot).owner_references
    others = (ref for ref in meta.owner_references if ref.kind not in {own.kind for own in owners})
    finalizers = meta.finalizers
    if ADDRESS_FINALIZER not in finalizers and meta.deletion_timestamp is None:
        finalizers = (*finalizers, ADDRESS_FINALIZER)
    held = msgspec.structs.replace(meta, owner_references=(*owners, *others), finalizers=finalizers)
    if set(held.owner_references) == set(meta.owner_references) and held.finalizers == meta.finalizers:
        return
    after = msgspec.structs.replace(address, metadata=held)
    reason = "the address belongs to its claim and its pool"
    yield Update(resource=_ADDRESS, before=address, after=after, reason=reason)


def _unprotect_address(address: IPAddress, reason: str) -> Iterator[Action]:
    meta = address.metadata
    if ADDRESS_FINALIZER not in meta.finalizers:
        return
    rest = tuple(name for name in meta.finalizers if name != ADDRESS_FINALIZER)
    after = msgspec.structs.replace(address, metadata=msgspec.structs.replace(meta, finalizers=rest))
    yield Update(resource=_ADDRESS, before=address, after=after, reason=reason)


def _remove_address(address: IPAddress, reason: str) -> list[Action]:
    meta = address.metadata
    target = ObjectRef(_ADDRESS, Key(meta.namespace, meta.name), meta.uid)
    return [*_unprotect_address(address, reason), Delete(target=target, reason=reason)]


def _metadata(snapshot: ClaimSnapshot) -> ObjectMeta:
    """The metadata of the claim's IPAddress."""
    claim, pool = snapshot.claim.metadata, snapshot.pool
    owners = [_owner(_CLAIM.api_version, "IPAddressClaim", claim, controller=True)]
    if pool is not None:
        owners.append(_owner(_POOL_API_VERSION, snapshot.claim.spec.pool_ref.kind, pool.metadata, controller=False))
    return ObjectMeta(
        name=claim.name,
        namespace=claim.namespace,
        labels={CLUSTER_NAME_LABEL: snapshot.cluster_name} if snapshot.cluster_name else {},
        finalizers=(ADDRESS_FINALIZER,),
        owner_references=tuple(owners),
    )


def _owner(api_version: str, kind: str, meta: ObjectMeta, *, controller: bool) -> OwnerReference:
    """Both owners block a foreground deletion (contract of IPAM providers, step 4)."""
    return OwnerReference(
        api_version=api_version,
        kind=kind,
        name=meta.name,
        uid=meta.uid,
        controller=controller,
        block_owner_deletion=True,
    )


def _new_address(snapshot: ClaimSnapshot, chosen: Choice) -> Obj:
    meta = _metadata(snapshot)
    ref = snapshot.claim.spec.pool_ref
    spec: Obj = {
        "claimRef": {"name": meta.name},
        "poolRef": {"apiGroup": ref.api_group, "kind": ref.kind, "name": ref.name},
        "address": chosen.address,
        "prefix": chosen.prefix,
    }
    if chosen.gateway:
        spec["gateway"] = chosen.gateway
    metadata: Obj = {
        "name": meta.name,
        "namespace": meta.namespace,
        "finalizers": list(meta.finalizers),
        "ownerReferences": [owner_object(ref) for ref in meta.owner_references],
    }
    if meta.labels:
        metadata["labels"] = meta.labels
    return {"apiVersion": _ADDRESS.api_version, "kind": "IPAddress", "metadata": metadata, "spec": spec}
