"""Decides what a ProxmoxCluster needs: its pools, the hold on its credentials, and on the way out their order.

The credentials are held by a finalizer until the last VM is gone, in whatever order a user deletes things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.names import SKIP_DELETE_CHECK_ANNOTATION
from capstan.api.meta import ObjectMeta
from capstan.api.objects import Key
from capstan.api.rules.owners import owner_reference
from capstan.api.struct import encode
from capstan.providers.proxmox.proxmoxcluster.pools import corrected, new_pool, wanted_pools
from capstan.providers.proxmox.proxmoxcluster.snapshot import Snapshot
from capstan.providers.proxmox.resources import (
    CLUSTER_FINALIZER,
    MANAGED_BY_ANNOTATION,
    PAUSED_ANNOTATION,
    POOLS,
    PROXMOX_CLUSTERS,
    SECRET_FINALIZER,
    SECRETS,
)
from capstan.runtime.plan import Action, Create, Delete, Emit, ObjectRef, Plan, Update, Waiting

AVAILABLE = "ProxmoxAvailable"
#: Seconds between two looks at whether Proxmox VE answers, when nothing else happens.
CHECK_SECONDS = 60.0
_UNOWNED: Final = Waiting(
    AVAILABLE,
    "WaitingForClusterOwner",
    "no Cluster refers to this ProxmoxCluster yet, or the one that does is paused",
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The plan, and what it means: `waiting` for ProxmoxAvailable, `available` that nothing is in the way."""

    actions: tuple[Action, ...] = ()
    waiting: Waiting | None = None
    requeue_after: float | None = None
    available: bool = False
    paused: tuple[str, ...] = ()
    skipped: bool = False


def plan(s: Snapshot) -> Plan:
    """What to do now, what is waited for, and when to look again."""
    decision = decide(s)
    meta = s.infra.metadata
    subject = ObjectRef(PROXMOX_CLUSTERS, Key(meta.namespace, meta.name), meta.uid)
    told = (decision.waiting,) if decision.waiting is not None else ()
    return Plan(subject, decision.actions, told, decision.requeue_after)


def decide(s: Snapshot) -> Decision:
    """The same for the plan and for the status."""
    if MANAGED_BY_ANNOTATION in s.infra.metadata.annotations:
        return Decision(skipped=True)
    paused = _paused_by(s)
    if paused:
        return Decision(paused=paused)
    if s.infra.metadata.deletion_timestamp is not None:
        return _leave(s)
    if CLUSTER_FINALIZER not in s.infra.metadata.finalizers:
        if s.cluster is None:
            return Decision(waiting=_UNOWNED, requeue_after=CHECK_SECONDS)
        why = "its machines need it until they are gone"
        hold = _with_finalizers(s, why, (*s.infra.metadata.finalizers, CLUSTER_FINALIZER))
        return Decision((hold,), Waiting(AVAILABLE, "Provisioning", "it is being set up"))
    return _provide(s)


def _paused_by(s: Snapshot) -> tuple[str, ...]:
    reasons: list[str] = []
    if s.cluster is not None and s.cluster.spec.paused:
        reasons.append("Cluster spec.paused is set to true")
    if PAUSED_ANNOTATION in s.infra.metadata.annotations:
        reasons.append(f"ProxmoxCluster has the {PAUSED_ANNOTATION} annotation")
    return tuple(reasons)


def _provide(s: Snapshot) -> Decision:
    actions = (*_told_failure(s), *_told_collision(s), *_hold_secret(s), *_pools(s))
    if s.problem is not None:
        told = Emit(reason=s.problem.message, name=s.problem.reason, type="Warning")
        waiting = Waiting(AVAILABLE, s.problem.reason, s.problem.message)
        return Decision((*actions, told), waiting, s.problem.pause_seconds)
    if s.cluster is None:
        return Decision(actions, _UNOWNED, CHECK_SECONDS)
    endpoint = s.infra.spec.control_plane_endpoint
    if not endpoint.host or not endpoint.port:
        message = (
            "spec.controlPlaneEndpoint is empty: the control plane provider has to fill it"
            if s.infra.spec.external_managed_control_plane
            else "spec.controlPlaneEndpoint is empty: set host (the VIP of the control plane) and port (6443)"
        )
        return Decision(actions, Waiting(AVAILABLE, "MissingControlPlaneEndpoint", message), CHECK_SECONDS)
    return Decision(actions, requeue_after=CHECK_SECONDS, available=True)


def _told_collision(s: Snapshot) -> tuple[Action, ...]:
    """The Event that somebody else answers at the same address."""
    return (Emit(reason=s.collision, name="EndpointInUse", type="Warning"),) if s.collision else ()


def _told_failure(s: Snapshot) -> tuple[Action, ...]:
    """The Event of what the last reconcile could not do."""
    found = next((c for c in s.infra.status.conditions if c.type == AVAILABLE and c.status != "True"), None)
    if found is None or found.reason not in ("ReconcileFailed", "InvalidConfiguration"):
        return ()
    return (Emit(reason=found.message, name=found.reason, type="Warning"),)


def _pools(s: Snapshot) -> tuple[Action, ...]:
    actions: list[Action] = []
    for wanted in wanted_pools(s.infra):
        pool = new_pool(s.infra, wanted)
        existing = s.pools.get(wanted.name)
        if existing is None:
            why = f"machines of zone {wanted.zone} draw their IP{wanted.family} addresses from it"
            actions.append(Create(reason=why, resource=POOLS, object=encode(pool)))
        elif (after := corrected(existing, pool)) is not None:
            why = f"zone {wanted.zone} of the ProxmoxCluster says so"
            actions.append(Update(reason=why, resource=POOLS, before=existing, after=after))
    return tuple(actions)


def _hold_secret(s: Snapshot) -> tuple[Action, ...]:
    """The Secret stays until this cluster lets it go, and moves with the cluster when they share a namespace."""
    secret = s.secret
    if secret is None or secret.metadata.deletion_timestamp is not None:
        return ()
    meta = secret.metadata
    finalizers = meta.finalizers if SECRET_FINALIZER in meta.finalizers else (*meta.finalizers, SECRET_FINALIZER)
    owners = meta.owner_references
    if meta.namespace == s.infra.metadata.namespace and not any(o.uid == s.infra.metadata.uid for o in owners):
        owners = (*owners, owner_reference(PROXMOX_CLUSTERS.api_version, PROXMOX_CLUSTERS.kind, s.infra.metadata))
    after = msgspec.structs.replace(meta, finalizers=finalizers, owner_references=owners)
    return _update_secret(s, after, "its credentials are needed until the last VM is gone")


def _update_secret(s: Snapshot, meta: ObjectMeta, why: str) -> tuple[Action, ...]:
    """Only metadata differs between the two sides, so nothing of the values is sent."""
    assert s.secret is not None
    if meta == s.secret.metadata:
        return ()
    after = msgspec.structs.replace(s.secret, metadata=meta)
    return (Update(reason=why, resource=SECRETS, before=s.secret, after=after),)


def _leave(s: Snapshot) -> Decision:
    if CLUSTER_FINALIZER not in s.infra.metadata.finalizers:
        held = ", ".join(s.infra.metadata.finalizers)
        return Decision(waiting=Waiting(AVAILABLE, "Deleting", f"others hold it: {held}" if held else "it is gone"))
    if s.machines:
        names = ", ".join(m.metadata.name for m in s.machines[:3]) + (", ..." if len(s.machines) > 3 else "")
        message = (
            f"{len(s.machines)} ProxmoxMachines are still there ({names}); credentials and pools are kept for them"
        )
        return Decision(_hold_secret(s), Waiting(AVAILABLE, "Deleting", message))
    pools = [pool for pool in s.pools.values() if _is_owned(pool, s)]
    if pools:
        names = ", ".join(pool.metadata.name for pool in pools)
        message = f"its address pools are being given back ({names})"
        return Decision(_give_back(pools), Waiting(AVAILABLE, "Deleting", message))
    finalizers = tuple(name for name in s.infra.metadata.finalizers if name != CLUSTER_FINALIZER)
    release = _with_finalizers(s, "its last machine is gone", finalizers)
    return Decision((*_release_secret(s), release), Waiting(AVAILABLE, "Deleting", "its last machine is gone"))


def _is_owned(pool: InClusterIPPool, s: Snapshot) -> bool:
    return any(ref.uid == s.infra.metadata.uid for ref in pool.metadata.owner_references)


def _give_back(pools: Sequence[InClusterIPPool]) -> tuple[Action, ...]:
    """Delete the pools that no machine uses any more. Their last addresses are on their way out, so the check against
    deleting a pool in use does not apply, and a pool that goes keeps no address back for its grace period."""
    actions: list[Action] = []
    for pool in pools:
        meta = pool.metadata
        if meta.deletion_timestamp is not None:
            continue
        if SKIP_DELETE_CHECK_ANNOTATION not in meta.annotations:
            annotations = {**meta.annotations, SKIP_DELETE_CHECK_ANNOTATION: ""}
            after = msgspec.structs.replace(pool, metadata=msgspec.structs.replace(meta, annotations=annotations))
            actions.append(Update(reason="no machine is left to use it", resource=POOLS, before=pool, after=after))
        target = ObjectRef(POOLS, Key(meta.namespace, meta.name), meta.uid)
        actions.append(Delete(reason="no machine is left to use it", target=target))
    return tuple(actions)


def _release_secret(s: Snapshot) -> tuple[Action, ...]:
    if s.secret is None:
        return ()
    meta = s.secret.metadata
    owners = tuple(ref for ref in meta.owner_references if ref.uid != s.infra.metadata.uid)
    kept = meta.finalizers if s.secret_shared else tuple(name for name in meta.finalizers if name != SECRET_FINALIZER)
    after = msgspec.structs.replace(meta, finalizers=kept, owner_references=owners)
    return _update_secret(s, after, "the last VM of this cluster is gone")


def _with_finalizers(s: Snapshot, why: str, finalizers: tuple[str, ...]) -> Update:
    meta = msgspec.structs.replace(s.infra.metadata, finalizers=finalizers)
    after = msgspec.structs.replace(s.infra, metadata=meta)
    return Update(reason=why, resource=PROXMOX_CLUSTERS, before=s.infra, after=after)
