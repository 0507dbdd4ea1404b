"""Decides the next step of one MachinePool: own its provider's objects, take over what they say, mark the Nodes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec

from capstan.api.cluster.kinds import CLUSTER
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, MACHINE_POOL_FINALIZER
from capstan.api.meta import OwnerReference
from capstan.api.rules.contract import External, data_secret_name, is_data_secret_created, missing_text
from capstan.api.rules.owners import (
    add_finalizer,
    add_labels,
    adopted_object,
    controller_uid,
    drop_finalizer,
    owner_reference,
    with_metadata,
    with_owner,
)
from capstan.controllers.machinepool.plan.machines import plan_machines
from capstan.controllers.machinepool.plan.nodes import plan_nodes, retire
from capstan.controllers.machinepool.snapshot import RESOURCE, MachinePoolSnapshot
from capstan.runtime.plan import Action, Delete, ObjectRef, Plan, Update, Waiting

__all__ = ["plan"]

BOOTSTRAP: Final = "BootstrapConfigReady"
INFRASTRUCTURE: Final = "InfrastructureReady"
DELETING: Final = "Deleting"


def plan(snapshot: MachinePoolSnapshot) -> Plan:
    """The steps of cluster-api-core.md 6. A pool whose Cluster is gone can still be deleted."""
    pool = snapshot.pool
    if snapshot.cluster is None and not snapshot.deleting:
        text = f"waiting for Cluster {pool.spec.cluster_name}: it does not exist"
        return Plan(snapshot.subject, waiting_on=(Waiting(INFRASTRUCTURE, "ClusterNotFound", text),))
    if snapshot.paused:
        return Plan(snapshot.subject)
    if snapshot.deleting:
        return _delete(snapshot)
    if MACHINE_POOL_FINALIZER not in pool.metadata.finalizers:
        reason = "what the provider made goes before the pool"
        held = add_finalizer(pool, MACHINE_POOL_FINALIZER)
        return Plan(snapshot.subject, (Update(resource=RESOURCE, before=pool, after=held, reason=reason),))
    waiting = tuple(_waiting(snapshot))
    actions: list[Action] = [*_adopt(snapshot, snapshot.bootstrap), *_adopt(snapshot, snapshot.infrastructure)]
    if snapshot.provisioned and snapshot.machine_kind:
        actions.extend(plan_machines(snapshot))
    actions.extend(plan_nodes(snapshot))
    actions.extend(_follow(snapshot))
    return Plan(snapshot.subject, tuple(actions), waiting, snapshot.seconds_until_available)


def _waiting(snapshot: MachinePoolSnapshot) -> Iterator[Waiting]:
    """What somebody else has to do, in the order in which it is needed."""
    for condition, found in ((BOOTSTRAP, snapshot.bootstrap), (INFRASTRUCTURE, snapshot.infrastructure)):
        if found is None:
            continue
        if found.problem:
            yield Waiting(condition, found.problem_reason or "InternalError", found.problem)
        elif found.object is None:
            yield Waiting(condition, "ObjectDoesNotExist", missing_text(found))
        elif _stranger(snapshot, found):
            yield Waiting(condition, "InternalError", _stranger(snapshot, found))
    if snapshot.provisioned and snapshot.nodes_problem:
        yield Waiting(INFRASTRUCTURE, "ConnectionDown", f"waiting to see the Nodes: {snapshot.nodes_problem}")
    elif snapshot.provisioned and not snapshot.provider_ids and snapshot.replicas:
        text = f"{snapshot.infrastructure.kind} has {snapshot.replicas} replicas and no spec.providerIDList yet"
        yield Waiting(INFRASTRUCTURE, "WaitingForProviderIDs", text)


def _stranger(snapshot: MachinePoolSnapshot, found: External) -> str:
    """Who else controls the object, in words; empty when nobody does."""
    uid = controller_uid(found.object) if found.object is not None else ""
    if not uid or uid == snapshot.pool.metadata.uid:
        return ""
    return f"{found.kind} {found.name} is controlled by another object: name another one"


def _adopt(snapshot: MachinePoolSnapshot, found: External | None) -> Iterator[Action]:
    if found is None or found.object is None or found.resource is None or _stranger(snapshot, found):
        return
    owner = owner_reference(RESOURCE.api_version, RESOURCE.kind, snapshot.pool.metadata, controller=True)
    after = adopted_object(found.object, owner, {CLUSTER_NAME_LABEL: snapshot.pool.spec.cluster_name})
    if after is not found.object:
        reason = f"it belongs to MachinePool {snapshot.pool.metadata.name}"
        yield Update(resource=found.resource, before=found.object, after=after, reason=reason)


def _follow(snapshot: MachinePoolSnapshot) -> Iterator[Action]:
    """The pool's own fields: its Cluster, the data Secret, the provider IDs."""
    pool, cluster = snapshot.pool, snapshot.cluster
    assert cluster is not None
    after = add_labels(pool, {CLUSTER_NAME_LABEL: pool.spec.cluster_name})
    owner: OwnerReference = owner_reference(CLUSTER.resource().api_version, "Cluster", cluster.metadata)
    refs = with_owner(pool.metadata.owner_references, owner)
    if refs != pool.metadata.owner_references:
        after = with_metadata(after, owner_references=refs)
    spec = pool.spec
    secret = _data_secret(snapshot)
    if secret:
        inner = spec.template.spec
        bootstrap = msgspec.structs.replace(inner.bootstrap, data_secret_name=secret)
        inner = msgspec.structs.replace(inner, bootstrap=bootstrap)
        spec = msgspec.structs.replace(spec, template=msgspec.structs.replace(spec.template, spec=inner))
    if snapshot.provisioned and not snapshot.nodes_problem:
        spec = msgspec.structs.replace(spec, provider_id_list=snapshot.provider_ids)
    if spec != pool.spec:
        after = msgspec.structs.replace(after, spec=spec)
    if after != pool:
        reason = "it says what its Cluster and its provider say"
        yield Update(resource=RESOURCE, before=pool, after=after, reason=reason)


def _data_secret(snapshot: MachinePoolSnapshot) -> str:
    found = snapshot.bootstrap
    if found is None or found.object is None or not is_data_secret_created(found):
        return ""
    return data_secret_name(found)


def _delete(snapshot: MachinePoolSnapshot) -> Plan:
    """First the provider's objects, then the Nodes, then the pool."""
    pool = snapshot.pool
    if MACHINE_POOL_FINALIZER not in pool.metadata.finalizers:
        return Plan(snapshot.subject)
    present = [f for f in (snapshot.bootstrap, snapshot.infrastructure) if f is not None and f.object is not None]
    if present:
        actions = tuple(_remove(snapshot, found) for found in present if not found.deleting)
        names = ", ".join(f"{found.kind} {found.name}" for found in present)
        waiting = Waiting(DELETING, "WaitingForInfrastructureDeletion", f"waiting for the deletion of {names}")
        return Plan(snapshot.subject, actions, (waiting,))
    released = Update(
        resource=RESOURCE,
        before=pool,
        after=drop_finalizer(pool, MACHINE_POOL_FINALIZER),
        reason="what the provider made is gone",
    )
    left = _seconds_for_nodes(snapshot)
    if left <= 0 or not pool.status.node_refs:
        return Plan(snapshot.subject, (released,))
    if snapshot.nodes_problem:
        text = f"waiting to delete {len(pool.status.node_refs)} Nodes: {snapshot.nodes_problem}"
        again = None if left == float("inf") else left
        return Plan(snapshot.subject, (), (Waiting(DELETING, "DeletingNode", text),), again)
    return Plan(snapshot.subject, (*retire(snapshot, frozenset()), released))


def _remove(snapshot: MachinePoolSnapshot, found: External) -> Delete:
    assert found.resource is not None
    target = ObjectRef(found.resource, found.key, found.uid)
    return Delete(target=target, reason=f"MachinePool {snapshot.pool.metadata.name} is deleted")


def _seconds_for_nodes(snapshot: MachinePoolSnapshot) -> float:
    """How long the deletion of Nodes may still hold the pool; without end when the timeout is 0."""
    seconds = snapshot.pool.spec.template.spec.deletion.node_deletion_timeout_seconds
    deleted = snapshot.pool.metadata.deletion_timestamp
    assert deleted is not None
    if not seconds:
        return float("inf") if seconds == 0 else 10.0 - (snapshot.now - deleted).total_seconds()
    return (deleted + timedelta(seconds=seconds) - snapshot.now).total_seconds()
