"""The informers of one process, shared by all its controllers, and the reader that decisions look through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar, cast

import msgspec

from capstan.api.core.node import Node
from capstan.api.errors import TerminalError, TransientError, is_not_found
from capstan.api.kinds import Scheme
from capstan.api.meta import TypedObject
from capstan.api.objects import GroupKind, Key, Obj, Resource
from capstan.api.struct import decode
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import Clock
from capstan.runtime.informer import Entry, Index, Informer
from capstan.runtime.nodes import WorkloadNodes

T = TypeVar("T", bound=TypedObject)

CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False)

#: Labels of a CRD that name the versions which keep a contract, newest contract first (cluster-api-core.md 0.8).
CONTRACTS = ("v1beta2", "v1beta1")


class Cache:
    """One informer for each resource, started once."""

    def __init__(self, client: Client, scheme: Scheme, clock: Clock, namespace: str = "") -> None:
        self.client = client
        self.scheme = scheme
        self.clock = clock
        self._namespace = namespace
        self._informers: dict[Resource, Informer] = {}
        self._tasks: dict[Resource, asyncio.Task[None]] = {}
        self._crds = Informer(client, CRDS, transform=_names_only, indexes={"kind": _kind_of_crd})
        self._informers[CRDS] = self._crds
        self._by_struct: dict[type[TypedObject], Informer] = {}
        self._started = False

    def informer(self, resource: Resource, indexes: Mapping[str, Index] | None = None) -> Informer:
        """The informer of a resource; made on first use, and started when the cache runs."""
        informer = self._informers.get(resource)
        if informer is None:
            kind = self.scheme.by_kind(resource.group, resource.kind)
            struct = kind.storage.struct if kind and kind.resource() == resource else None
            namespace = self._namespace if resource.namespaced else ""
            informer = Informer(self.client, resource, struct=struct, namespace=namespace)
            self._informers[resource] = informer
            if self._started:
                self._start(resource, informer)
        if indexes:
            informer.add_indexes(indexes)
        return informer

    def of(self, kind: type[TypedObject]) -> Informer:
        informer = self._by_struct.get(kind)
        if informer is None:
            informer = self._by_struct[kind] = self.informer(self.scheme.of(kind).resource())
        return informer

    def existing(self, resource: Resource) -> Informer | None:
        return self._informers.get(resource)

    async def start(self) -> None:
        """Start all informers and wait until each has listed."""
        self._started = True
        for resource, informer in list(self._informers.items()):
            self._start(resource, informer)
        for informer in list(self._informers.values()):
            await informer.wait_synced()

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def written(self, resource: Resource, obj: Obj) -> None:
        """An own write was answered: readers see it from now on."""
        informer = self._informers.get(resource)
        if informer is not None and informer.synced:
            informer.observe(obj)

    async def resolve(self, group_kind: GroupKind) -> tuple[Resource, str]:
        """See `Reader.resolve`."""
        await self._crds.wait_synced()
        for entry in self._crds.lookup("kind", f"{group_kind.group}/{group_kind.kind}"):
            return contract_resource(entry.object, group_kind)
        raise TransientError(
            f"no CustomResourceDefinition serves {group_kind}: install the provider of group {group_kind.group}",
            reason="ProviderMissing",
        )

    def on_crd_change(self, handler: Callable[[Entry | None, Entry | None], None]) -> None:
        self._crds.on_change(handler)

    def _start(self, resource: Resource, informer: Informer) -> None:
        if resource not in self._tasks:
            name = f"informer {resource.group_resource}"
            self._tasks[resource] = asyncio.get_running_loop().create_task(informer.run(), name=name)


class CachedReader:
    """Implements `Reader` on a cache. Made once for each controller; `external` is told of new provider kinds."""

    def __init__(
        self,
        cache: Cache,
        nodes: WorkloadNodes | None = None,
        external: Callable[[Resource, Informer], None] = lambda _resource, _informer: None,
    ) -> None:
        self._cache = cache
        self._nodes = nodes
        self._external = external
        self._resolved: dict[GroupKind, Resource] = {}

    def now(self) -> datetime:
        return self._cache.clock.now()

    def get(self, kind: type[T], namespace: str, name: str) -> T | None:
        entry = self._cache.of(kind).get(Key(namespace, name))
        return None if entry is None else _view(entry, kind)

    def list(
        self,
        kind: type[T],
        namespace: str = "",
        *,
        labels: Mapping[str, str] | None = None,
        owner_uid: str = "",
    ) -> tuple[T, ...]:
        entries = _select(self._cache.of(kind), namespace, labels, owner_uid)
        return tuple(_view(entry, kind) for entry in entries)

    def list_indexed(self, kind: type[T], index: str, value: str) -> tuple[T, ...]:
        entries = sorted(self._cache.of(kind).lookup(index, value), key=lambda entry: entry.key)
        return tuple(_view(entry, kind) for entry in entries)

    async def resolve(self, group_kind: GroupKind) -> tuple[Resource, str]:
        return await self._cache.resolve(group_kind)

    async def get_object(self, group_kind: GroupKind, namespace: str, name: str) -> Obj | None:
        resource, _contract = await self._cache.resolve(group_kind)
        informer = self._cache.informer(resource)
        if self._resolved.get(group_kind) != resource:
            self._resolved[group_kind] = resource
            self._external(resource, informer)
        await informer.wait_synced()
        entry = informer.get(Key(namespace if resource.namespaced else "", name))
        return None if entry is None else entry.object

    def list_objects(self, group_kind: GroupKind, namespace: str, *, owner_uid: str = "") -> tuple[Obj, ...]:
        resource = self._resolved.get(group_kind)
        informer = self._cache.existing(resource) if resource else None
        if informer is None:
            return ()
        return tuple(entry.object for entry in _select(informer, namespace, None, owner_uid))

    async def get_live(self, kind: type[T], namespace: str, name: str) -> T | None:
        resource = self._cache.scheme.of(kind).resource()
        try:
            return decode(await self._cache.client.get(resource, namespace, name), kind)
        except Exception as error:
            if is_not_found(error):
                return None
            raise

    async def nodes(self, cluster: Key, kubeconfig: bytes) -> tuple[Node, ...]:
        if self._nodes is None:
            raise TransientError("this process has no connections to workload clusters")
        return await self._nodes.list(cluster, kubeconfig)


def _select(informer: Informer, namespace: str, labels: Mapping[str, str] | None, owner_uid: str) -> list[Entry]:
    """By the narrowest index, then by the rest. Sorted by key: the order is part of the snapshot."""
    if owner_uid:
        found = informer.lookup("owner", owner_uid)
    elif labels:
        name, value = next(iter(labels.items()))
        found = informer.lookup("label", f"{name}={value}")
    else:
        found = list(informer.entries())
    if namespace:
        found = [entry for entry in found if entry.key.namespace == namespace]
    if labels:
        wanted = labels.items()
        found = [e for e in found if wanted <= (e.object["metadata"].get("labels") or {}).items()]
    return sorted(found, key=lambda entry: entry.key)


def _view(entry: Entry, kind: type[T]) -> T:
    try:
        return cast(T, entry.view(kind))
    except msgspec.ValidationError as error:
        name = f"{kind.__name__} {entry.key}"
        raise TerminalError(f"{name} cannot be read: {error}", "Undecodable") from None


def _names_only(crd: Obj) -> Obj:
    """What the cache needs of a CRD; the schemas of foreign providers take hundreds of kilobytes each."""
    spec = crd["spec"]
    versions = [{"name": v["name"], "served": v.get("served", True)} for v in spec.get("versions", ())]
    return {
        **crd,
        "spec": {"group": spec["group"], "names": spec["names"], "scope": spec.get("scope"), "versions": versions},
        "status": {},
    }


def _kind_of_crd(crd: Obj) -> tuple[str, ...]:
    return (f"{crd['spec']['group']}/{crd['spec']['names']['kind']}",)


def contract_resource(crd: Obj, group_kind: GroupKind) -> tuple[Resource, str]:
    """The newest version of the newest contract that the labels of a CRD name, and which contract that is."""
    spec = crd["spec"]
    labels = crd["metadata"].get("labels") or {}
    for contract in CONTRACTS:
        named = labels.get(f"cluster.x-k8s.io/{contract}")
        if named:
            version = max(named.split("_"), key=version_priority)
            plural, namespaced = spec["names"]["plural"], spec.get("scope") != "Cluster"
            return Resource(group_kind.group, version, plural, group_kind.kind, namespaced), contract
    raise TransientError(
        f"the CustomResourceDefinition of {group_kind} has no contract label "
        "(cluster.x-k8s.io/v1beta2 or cluster.x-k8s.io/v1beta1)",
        reason="ContractMissing",
    )


def version_priority(version: str) -> tuple[int, int, int]:
    """Kubernetes' order of version names: v2 > v1 > v1beta2 > v1alpha1 > anything else."""
    stage = 3
    rest = version.removeprefix("v")
    for name, rank in (("alpha", 1), ("beta", 2)):
        if name in rest:
            rest, _, minor = rest.partition(name)
            if rest.isdigit() and minor.isdigit():
                return rank, int(rest), int(minor)
            return 0, 0, 0
    return (stage, int(rest), 0) if version.startswith("v") and rest.isdigit() else (0, 0, 0)
