"""ClusterResourceSet: what it watches and how it is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from capstan.api.addons.clusterresourceset import ClusterResourceSet
from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding
from capstan.api.addons.resource import ResourceRef
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.names import KUBECONFIG_SUFFIX
from capstan.api.core.configmap import ConfigMap
from capstan.api.core.node import Node
from capstan.api.core.secret import Secret
from capstan.api.errors import TransientError
from capstan.api.objects import Key
from capstan.api.rules.replicas import selects
from capstan.controllers.clusterresourceset.act import Applier
from capstan.controllers.clusterresourceset.manifests import digest
from capstan.controllers.clusterresourceset.plan import plan
from capstan.controllers.clusterresourceset.snapshot import ResourceSetSnapshot, Source, Target, own_part
from capstan.controllers.clusterresourceset.status import compute_status
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Controller, Handler, Watch, WorkloadMapper, Writes, owner_keys
from capstan.runtime.plan import Action, Outcomes, Plan
from capstan.runtime.reader import Reader
from capstan.runtime.workload import WorkloadClients

_wake_owners = owner_keys("ClusterResourceSet")


def named_resources(resource_set: ClusterResourceSet) -> Iterable[str]:
    """Index: the ConfigMaps and Secrets that a set names."""
    return [f"{resource_set.metadata.namespace}/{ref.kind}/{ref.name}" for ref in resource_set.spec.resources]


def wake_by_resource(reader: Reader, resource: ConfigMap | Secret) -> Iterable[Key]:
    """The sets that name it; for a kubeconfig the sets that wait for its cluster."""
    meta = resource.metadata
    value = f"{meta.namespace}/{type(resource).__name__}/{meta.name}"
    keys = [_key(found) for found in reader.list_indexed(ClusterResourceSet, "resource", value)]
    if isinstance(resource, Secret) and meta.name.endswith(KUBECONFIG_SUFFIX):
        keys += _of_cluster(reader, meta.namespace, meta.name.removesuffix(KUBECONFIG_SUFFIX))
    return keys


def wake_by_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    """The sets that select it."""
    return [_key(found) for found in _selecting(reader, cluster)]


def wake_by_connection(reader: Reader, cluster: Key, node: Node | None) -> Iterable[Key]:
    """The sets of a cluster whose connection came or went; its Nodes do not matter."""
    return _of_cluster(reader, cluster.namespace, cluster.name) if node is None else []


def _of_cluster(reader: Reader, namespace: str, name: str) -> list[Key]:
    cluster = reader.get(Cluster, namespace, name)
    return [_key(found) for found in _selecting(reader, cluster)] if cluster is not None else []


def _selecting(reader: Reader, cluster: Cluster) -> Iterable[ClusterResourceSet]:
    for resource_set in reader.list(ClusterResourceSet, cluster.metadata.namespace):
        if is_selected(resource_set, cluster):
            yield resource_set


def is_selected(resource_set: ClusterResourceSet, cluster: Cluster) -> bool:
    """Whether the set is for this Cluster. An empty selector is for none."""
    selector = resource_set.spec.cluster_selector
    if not selector.match_labels and not selector.match_expressions:
        return False
    return selects(selector, cluster.metadata.labels)


def _key(resource_set: ClusterResourceSet) -> Key:
    return Key(resource_set.metadata.namespace, resource_set.metadata.name)


class ClusterResourceSetController(Controller[ClusterResourceSet, ResourceSetSnapshot]):
    """Needs the clients of workload clusters, and our own for the records."""

    kind = ClusterResourceSet
    indexes = {"resource": named_resources}
    watches = (
        Watch(Cluster, wake_by_cluster, conditions=False),
        Watch(ConfigMap, wake_by_resource),
        Watch(Secret, wake_by_resource),
        Watch(ClusterResourceSetBinding, _wake_owners),
    )
    workload_wakes: ClassVar[WorkloadMapper | None] = wake_by_connection
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(ClusterResourceSet, ("metadata.finalizers", "status")),
        Writes(ClusterResourceSetBinding, ("metadata.ownerReferences", "spec")),
        Writes(ConfigMap, ("metadata.ownerReferences",)),
        Writes("Secrets of resource sets", ("metadata.ownerReferences",)),
        Writes("objects in workload clusters", ("all",)),
    )

    def __init__(self, workloads: WorkloadClients, client: Client) -> None:
        self._applier = Applier(workloads, client)

    def handlers(self) -> Mapping[type[Action], Handler]:
        return self._applier.handlers()

    async def observe(self, reader: Reader, key: Key) -> ResourceSetSnapshot | None:
        resource_set = reader.get(ClusterResourceSet, key.namespace, key.name)
        if resource_set is None:
            return None
        known: dict[str, Any] = {"resource_set": resource_set, "now": reader.now()}
        if resource_set.metadata.deletion_timestamp is not None:
            bindings = reader.list(ClusterResourceSetBinding, key.namespace)
            return ResourceSetSnapshot(**known, bindings=tuple(b for b in bindings if own_part(b, key.name)))
        clusters = [
            cluster
            for cluster in reader.list(Cluster, key.namespace)
            if is_selected(resource_set, cluster) and cluster.metadata.deletion_timestamp is None
        ]
        targets = [await _target(reader, cluster) for cluster in clusters]
        sources = [_source(reader, key.namespace, ref) for ref in resource_set.spec.resources]
        return ResourceSetSnapshot(**known, targets=tuple(targets), sources=tuple(sources))

    def plan(self, snapshot: ResourceSetSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: ResourceSetSnapshot, outcomes: Outcomes) -> ClusterResourceSet:
        return compute_status(snapshot, outcomes)


def _source(reader: Reader, namespace: str, ref: ResourceRef) -> Source:
    if ref.kind == "Secret":
        secret = reader.get(Secret, namespace, ref.name)
        if secret is None:
            return Source(ref)
        return Source(ref, secret, secret.data, digest(secret.data))
    config_map = reader.get(ConfigMap, namespace, ref.name)
    if config_map is None:
        return Source(ref)
    data = {name: text.encode() for name, text in config_map.data.items()}
    return Source(ref, config_map, data, digest(data))


async def _target(reader: Reader, cluster: Cluster) -> Target:
    namespace, name = cluster.metadata.namespace, cluster.metadata.name
    binding = reader.get(ClusterResourceSetBinding, namespace, name)
    secret = reader.get(Secret, namespace, f"{name}{KUBECONFIG_SUFFIX}")
    kubeconfig = secret.data.get("value", b"") if secret is not None else b""
    if not kubeconfig:
        return Target(cluster, binding, waits_for="its kubeconfig does not exist yet")
    try:
        await reader.nodes(Key(namespace, name), kubeconfig)
    except TransientError as error:
        return Target(cluster, binding, kubeconfig, str(error))
    return Target(cluster, binding, kubeconfig)
