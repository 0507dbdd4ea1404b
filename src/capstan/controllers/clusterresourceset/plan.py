"""Decides the next step of one ClusterResourceSet: own what it names, then apply to each cluster what is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from capstan.api.addons.clusterresourcesetbinding import (
    ClusterResourceSetBinding,
    ClusterResourceSetBindingSpec,
    ResourceSetBinding,
)
from capstan.api.addons.kinds import CLUSTER_RESOURCE_SET_BINDING
from capstan.api.addons.names import RESOURCE_SET_FINALIZER
from capstan.api.builtins import CONFIG_MAP, SECRET
from capstan.api.meta import ObjectMeta, OwnerReference
from capstan.api.objects import Key
from capstan.api.rules.owners import (
    add_finalizer,
    drop_finalizer,
    owner_reference,
    same_owner,
    with_metadata,
    with_owner,
)
from capstan.api.struct import encode
from capstan.controllers.clusterresourceset.snapshot import (
    RESOURCE,
    ResourceSetSnapshot,
    Source,
    Target,
    own_part,
    record_of,
)
from capstan.runtime.plan import Action, Create, Delete, ObjectRef, Plan, Update, Waiting, Written

APPLIED: Final = "ResourcesApplied"
_BINDING: Final = CLUSTER_RESOURCE_SET_BINDING.resource()
_RESOURCES: Final = {"ConfigMap": CONFIG_MAP.resource(), "Secret": SECRET.resource()}

#: What a workload cluster refused is tried again, for nothing tells when it would take it: soon at first, as a kind
#: that was just defined there is served a moment later, then at growing distances up to the longest.
FIRST_RETRY_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyResources(Action):
    """Apply the manifests of some ConfigMaps and Secrets to one workload cluster, and record what became of each."""

    cluster: Key
    set_name: str
    kubeconfig: bytes = field(repr=False)
    sources: tuple[Source, ...]
    replaces: bool
    now: datetime

    @property
    def summary(self) -> str:
        names = ", ".join(source.text for source in self.sources)
        return f"apply {names} to cluster {self.cluster}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Written):
    """The record as it was written, and why what was not applied was not, by ConfigMap or Secret."""

    failures: Mapping[str, str]


def plan(snapshot: ResourceSetSnapshot) -> Plan:
    """The finalizer first, paused or not; then nothing is applied as long as one Secret has the wrong type (10)."""
    resource_set = snapshot.resource_set
    if not snapshot.deleting and RESOURCE_SET_FINALIZER not in resource_set.metadata.finalizers:
        reason = "its records are removed before it goes"
        held = add_finalizer(resource_set, RESOURCE_SET_FINALIZER)
        return Plan(snapshot.subject, (Update(resource=RESOURCE, before=resource_set, after=held, reason=reason),))
    if snapshot.paused:
        return Plan(snapshot.subject)
    if snapshot.deleting:
        return Plan(snapshot.subject, tuple(_leave(snapshot)))
    if not snapshot.targets:
        return Plan(snapshot.subject)
    actions: list[Action] = list(_own_sources(snapshot))
    waiting = tuple(_waiting(snapshot))
    if any(source.wrong_type for source in snapshot.sources):
        return Plan(snapshot.subject, tuple(actions), waiting)
    for target in snapshot.targets:
        actions.extend(_apply(snapshot, target))
    waits = [_retry(snapshot, target) for target in snapshot.targets if _is_open(snapshot, target)]
    return Plan(snapshot.subject, tuple(actions), waiting, min(waits, default=None))


def _is_open(snapshot: ResourceSetSnapshot, target: Target) -> bool:
    """Whether something is applied to the cluster now."""
    return not target.waits_for and bool(snapshot.due(target))


def _retry(snapshot: ResourceSetSnapshot, target: Target) -> float:
    """Seconds to the next attempt: as long as the youngest failure is old already, within bounds."""
    ages = []
    for source in snapshot.due(target):
        record = record_of(snapshot, target, source)
        failed = record is not None and not record.applied and record.hash == source.digest
        since = record.last_applied_time if record is not None and failed else None
        ages.append((snapshot.now - since).total_seconds() if since is not None else 0.0)
    return max(FIRST_RETRY_SECONDS, min(RETRY_SECONDS, *ages))


def _waiting(snapshot: ResourceSetSnapshot) -> Iterator[Waiting]:
    """What somebody else has to do, the gravest first."""
    for source in snapshot.sources:
        if source.wrong_type:
            yield Waiting(APPLIED, "WrongSecretType", source.wrong_type)
    for source in snapshot.sources:
        if source.found is None:
            text = f"{source.text} does not exist: create it, or take it out of spec.resources"
            yield Waiting(APPLIED, "InternalError", text)
    for target in snapshot.targets:
        if target.waits_for and snapshot.due(target):
            text = f"waiting for the API server of Cluster {target.name}: {target.waits_for}"
            yield Waiting(APPLIED, "InternalError", text)


def _own_sources(snapshot: ResourceSetSnapshot) -> Iterator[Action]:
    """The set owns what it names, so that they move together."""
    owner = _owner(snapshot)
    for source in snapshot.sources:
        found = source.found
        if found is None or source.wrong_type:
            continue
        refs = with_owner(found.metadata.owner_references, owner)
        if refs != found.metadata.owner_references:
            after = with_metadata(found, owner_references=refs)
            reason = f"ClusterResourceSet {snapshot.name} applies it"
            yield Update(resource=_RESOURCES[source.ref.kind], before=found, after=after, reason=reason)


def _apply(snapshot: ResourceSetSnapshot, target: Target) -> Iterator[Action]:
    yield from _record(snapshot, target)
    if _is_open(snapshot, target):
        yield ApplyResources(
            cluster=target.key,
            set_name=snapshot.name,
            kubeconfig=target.kubeconfig,
            sources=snapshot.due(target),
            replaces=snapshot.repeats,
            now=snapshot.now,
            reason=f"Cluster {target.name} is selected and does not have all that they hold",
        )


def _record(snapshot: ResourceSetSnapshot, target: Target) -> Iterator[Action]:
    """The cluster's record has a place for this set before anything is applied."""
    owner, binding = _owner(snapshot), target.binding
    own = ResourceSetBinding(cluster_resource_set_name=snapshot.name)
    if binding is None:
        made = ClusterResourceSetBinding(
            api_version=_BINDING.api_version,
            kind=_BINDING.kind,
            metadata=ObjectMeta(name=target.name, namespace=target.key.namespace, owner_references=(owner,)),
            spec=ClusterResourceSetBindingSpec(bindings=(own,), cluster_name=target.name),
        )
        reason = f"what is applied to Cluster {target.name} is recorded"
        yield Create(resource=_BINDING, object=encode(made), reason=reason)
        return
    parts = binding.spec.bindings
    wanted = parts if own_part(binding, snapshot.name) is not None else (*parts, own)
    refs = with_owner(binding.metadata.owner_references, owner)
    name = binding.spec.cluster_name or target.name
    if (wanted, refs, name) != (parts, binding.metadata.owner_references, binding.spec.cluster_name):
        spec = msgspec.structs.replace(binding.spec, bindings=wanted, cluster_name=name)
        after = msgspec.structs.replace(with_metadata(binding, owner_references=refs), spec=spec)
        reason = f"what ClusterResourceSet {snapshot.name} applies to Cluster {target.name} is recorded here"
        yield Update(resource=_BINDING, before=binding, after=after, reason=reason)


def _leave(snapshot: ResourceSetSnapshot) -> Iterator[Action]:
    """Every record forgets the set. What was applied stays in the workload clusters."""
    for binding in snapshot.bindings:
        yield _forget(snapshot, binding)
    if RESOURCE_SET_FINALIZER in snapshot.resource_set.metadata.finalizers:
        after = drop_finalizer(snapshot.resource_set, RESOURCE_SET_FINALIZER)
        reason = "no record names it any more; what it applied stays"
        yield Update(resource=RESOURCE, before=snapshot.resource_set, after=after, reason=reason)


def _forget(snapshot: ResourceSetSnapshot, binding: ClusterResourceSetBinding) -> Action:
    reason = f"ClusterResourceSet {snapshot.name} is deleted"
    rest = tuple(p for p in binding.spec.bindings if p.cluster_resource_set_name != snapshot.name)
    meta = binding.metadata
    if not rest:
        target = ObjectRef(_BINDING, Key(meta.namespace, meta.name), meta.uid)
        return Delete(target=target, reason=reason, resource_version=meta.resource_version)
    refs = tuple(ref for ref in meta.owner_references if not same_owner(ref, _owner(snapshot)))
    spec = msgspec.structs.replace(binding.spec, bindings=rest)
    after = msgspec.structs.replace(with_metadata(binding, owner_references=refs), spec=spec)
    return Update(resource=_BINDING, before=binding, after=after, reason=reason)


def _owner(snapshot: ResourceSetSnapshot) -> OwnerReference:
    return owner_reference(RESOURCE.api_version, RESOURCE.kind, snapshot.resource_set.metadata)
