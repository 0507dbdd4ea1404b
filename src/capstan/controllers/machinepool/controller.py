"""MachinePool: what it watches and how it is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinepool import MachinePool
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, KUBECONFIG_SUFFIX, POOL_NAME_LABEL
from capstan.api.core.node import Node
from capstan.api.core.secret import Secret
from capstan.api.errors import TransientError
from capstan.api.objects import GroupKind, Key, Obj
from capstan.api.rules.contract import External, text
from capstan.api.rules.names import must_format_value
from capstan.api.rules.owners import group_of
from capstan.controllers.machinepool.plan import plan
from capstan.controllers.machinepool.snapshot import MachinePoolSnapshot
from capstan.controllers.machinepool.status import compute_status
from capstan.runtime.controller import Controller, Handler, Mapper, Watch, WorkloadMapper, Writes, owner_keys
from capstan.runtime.external import read_external
from capstan.runtime.nodeactor import NodeActor
from capstan.runtime.plan import Action, Outcomes, Plan
from capstan.runtime.reader import Reader
from capstan.runtime.workload import WorkloadClients


def cluster_names(pool: MachinePool) -> Iterable[str]:
    """Index: the pools of a cluster."""
    return [f"{pool.metadata.namespace}/{pool.spec.cluster_name}"]


def provider_objects(pool: MachinePool) -> Iterable[str]:
    """Index: the provider's objects that a pool refers to, and the label of its single machines."""
    namespace, spec = pool.metadata.namespace, pool.spec.template.spec
    for ref in (spec.infrastructure_ref, spec.bootstrap.config_ref):
        if ref is not None:
            yield f"{namespace}/{ref.api_group}/{ref.kind}/{ref.name}"
    yield _labelled(namespace, pool.spec.cluster_name, must_format_value(pool.metadata.name))


def provider_ids(pool: MachinePool) -> Iterable[str]:
    """Index: the Nodes of a pool, by provider ID and by name, within its cluster."""
    place = f"{pool.metadata.namespace}/{pool.spec.cluster_name}"
    yield from (f"{place}/{provider_id}" for provider_id in pool.spec.provider_id_list)
    yield from (f"{place}/{ref.name}" for ref in pool.status.node_refs)


def _labelled(namespace: str, cluster: str, label: str) -> str:
    return f"{namespace}/{cluster}/{label}"


def wake_by_provider(reader: Reader, obj: Obj) -> Iterable[Key]:
    """The pool that refers to the object, and the one whose label a single machine has."""
    meta = obj["metadata"]
    namespace, labels = meta.get("namespace", ""), meta.get("labels") or {}
    values = [f"{namespace}/{group_of(obj['apiVersion'])}/{obj['kind']}/{meta['name']}"]
    if POOL_NAME_LABEL in labels:
        values.append(_labelled(namespace, labels.get(CLUSTER_NAME_LABEL, ""), labels[POOL_NAME_LABEL]))
    return {_key(pool): None for value in values for pool in reader.list_indexed(MachinePool, "provider", value)}


def wake_by_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    value = f"{cluster.metadata.namespace}/{cluster.metadata.name}"
    return [_key(pool) for pool in reader.list_indexed(MachinePool, "cluster", value)]


def wake_by_kubeconfig(reader: Reader, secret: Secret) -> Iterable[Key]:
    """The pools of a cluster, when the way to look for Nodes appears."""
    meta = secret.metadata
    if not meta.name.endswith(KUBECONFIG_SUFFIX):
        return []
    value = f"{meta.namespace}/{meta.name.removesuffix(KUBECONFIG_SUFFIX)}"
    return [_key(pool) for pool in reader.list_indexed(MachinePool, "cluster", value)]


def wake_by_node(reader: Reader, cluster: Key, node: Node | None) -> Iterable[Key]:
    """The Node's pool; all of the cluster when its connection came or went."""
    if node is None:
        return [_key(pool) for pool in reader.list_indexed(MachinePool, "cluster", str(cluster))]
    names = [node.metadata.name, *([node.spec.provider_id] if node.spec.provider_id else [])]
    found = [pool for name in names for pool in reader.list_indexed(MachinePool, "node", f"{cluster}/{name}")]
    return {_key(pool): None for pool in found}


def _key(pool: MachinePool) -> Key:
    return Key(pool.metadata.namespace, pool.metadata.name)


class MachinePoolController(Controller[MachinePool, MachinePoolSnapshot]):
    """Needs the clients of workload clusters, to write to Nodes; it reads them through `Reader.nodes`."""

    kind = MachinePool
    indexes = {"cluster": cluster_names, "provider": provider_objects, "node": provider_ids}
    watches = (
        Watch(Machine, owner_keys("MachinePool")),
        Watch(Cluster, wake_by_cluster, conditions=False),
        Watch(Secret, wake_by_kubeconfig),
    )
    external_wakes: ClassVar[Mapper | None] = wake_by_provider
    workload_wakes: ClassVar[WorkloadMapper | None] = wake_by_node
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(
            MachinePool,
            (
                "metadata.finalizers",
                "metadata.labels",
                "metadata.ownerReferences",
                "spec.providerIDList",
                "spec.template.spec.bootstrap.dataSecretName",
                "status",
            ),
        ),
        Writes("Machines of pools", ("all",)),
        Writes("infrastructure machine pools", ("metadata.ownerReferences", "metadata.labels")),
        Writes("bootstrap configs of pools", ("metadata.ownerReferences", "metadata.labels")),
        Writes("Nodes of pools", ("metadata.labels", "metadata.annotations", "spec.taints")),
    )

    def __init__(self, clients: WorkloadClients) -> None:
        self._actor = NodeActor(clients)

    def handlers(self) -> Mapping[type[Action], Handler]:
        return self._actor.handlers()

    async def observe(self, reader: Reader, key: Key) -> MachinePoolSnapshot | None:
        pool = reader.get(MachinePool, key.namespace, key.name)
        if pool is None:
            return None
        spec = pool.spec.template.spec
        ref, config = spec.infrastructure_ref, spec.bootstrap.config_ref
        infrastructure = await read_external(reader, ref.api_group, ref.kind, key.namespace, ref.name)
        known: dict[str, Any] = {"pool": pool, "now": reader.now(), "infrastructure": infrastructure}
        known["cluster"] = reader.get(Cluster, key.namespace, pool.spec.cluster_name)
        if config is not None:
            known["bootstrap"] = await read_external(reader, config.api_group, config.kind, key.namespace, config.name)
        known.update(await _observe_machines(reader, pool, infrastructure))
        known.update(await _observe_nodes(reader, pool))
        return MachinePoolSnapshot(**known)

    def plan(self, snapshot: MachinePoolSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: MachinePoolSnapshot, outcomes: Outcomes) -> MachinePool:
        return compute_status(snapshot, outcomes)


async def _observe_machines(reader: Reader, pool: MachinePool, infrastructure: External) -> dict[str, Any]:
    """The single machines of the pool, where its provider shows them."""
    kind = text(infrastructure.object, "status", "infrastructureMachineKind")
    if not kind:
        return {}
    namespace, name = pool.metadata.namespace, pool.metadata.name
    labels = {POOL_NAME_LABEL: must_format_value(name), CLUSTER_NAME_LABEL: pool.spec.cluster_name}
    found = {"machines": reader.list(Machine, namespace, labels=labels)}
    group_kind = GroupKind(infrastructure.group_kind.group, kind)
    try:
        await reader.get_object(group_kind, namespace, name)  # starts the cache that is listed below
    except TransientError:
        return found
    listed = reader.list_objects(group_kind, namespace)
    return found | {"infra_machines": tuple(o for o in listed if labels.items() <= _labels(o).items())}


def _labels(obj: Obj) -> Mapping[str, str]:
    labels: Mapping[str, str] = obj["metadata"].get("labels") or {}
    return labels


async def _observe_nodes(reader: Reader, pool: MachinePool) -> dict[str, Any]:
    namespace, name = pool.metadata.namespace, pool.spec.cluster_name
    secret = reader.get(Secret, namespace, f"{name}{KUBECONFIG_SUFFIX}")
    kubeconfig = secret.data.get("value", b"") if secret is not None else b""
    if not kubeconfig:
        return {"nodes_problem": f"the kubeconfig of cluster {name} does not exist yet"}
    try:
        nodes = await reader.nodes(Key(namespace, name), kubeconfig)
    except TransientError as error:
        return {"nodes_problem": str(error), "kubeconfig": kubeconfig}
    return {"nodes": nodes, "nodes_problem": "", "kubeconfig": kubeconfig}
