"""Cluster: what it watches and how it is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machinepool import MachinePool
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, KUBECONFIG_SUFFIX
from capstan.api.core.node import Node
from capstan.api.core.secret import Secret
from capstan.api.errors import TransientError
from capstan.api.meta import TypedObject
from capstan.api.objects import Key, Obj
from capstan.api.rules.certificates import Authority
from capstan.api.rules.contract import unless_of_another
from capstan.api.rules.owners import group_of
from capstan.controllers.cluster.act import KubeconfigActor
from capstan.controllers.cluster.plan import plan
from capstan.controllers.cluster.plan.kubeconfig import CA_SUFFIX
from capstan.controllers.cluster.snapshot import ClusterSnapshot
from capstan.controllers.cluster.status import compute_status
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Controller, Handler, Mapper, Watch, WorkloadMapper, Writes
from capstan.runtime.external import read_external
from capstan.runtime.keys import KeySource
from capstan.runtime.nodes import CONNECTING, SilenceError
from capstan.runtime.plan import Action, Outcomes, Plan
from capstan.runtime.queue import PARENTS, Pace
from capstan.runtime.reader import Reader
from capstan.runtime.significance import Interest

#: What a Cluster reads of its descendants: whether and where they are there, and what it adds up.
_PLACE = ("metadata.deletionTimestamp", "metadata.finalizers", "metadata.labels", "metadata.ownerReferences")
_COUNTED = (
    "spec.replicas",
    "status.replicas",
    "status.readyReplicas",
    "status.availableReplicas",
    "status.upToDateReplicas",
    "status.versions",
)
_VERSION = ("spec.version", "status.nodeInfo")
#: What is waited for by others; of the rest it tells once a second at most.
_TOLD = ("status.failureDomains", "status.initialization", "status.phase")
_TOLD_CONDITIONS = ("Available", "ControlPlaneInitialized", "Deleting", "InfrastructureReady", "Paused")
#: Other parts of its providers' objects say nothing to it: where machines are, how many have been named.
_OF_PROVIDERS = (
    "metadata.deletionTimestamp",
    "metadata.finalizers",
    "metadata.labels",
    "metadata.ownerReferences",
    "spec",
    "status.externalManagedControlPlane",
    "status.failureDomains",
    "status.failureMessage",
    "status.failureReason",
)
_AWAITED = ("status.initialization", "status.initialized", "status.ready")
_LATER_OF_PROVIDERS = (
    "status.availableReplicas",
    "status.readyReplicas",
    "status.replicas",
    "status.unavailableReplicas",
    "status.upToDateReplicas",
    "status.updatedReplicas",
    "status.version",
    "status.versions",
)
_REF_FIELDS = {"infrastructure": "infrastructureRef", "control_plane": "controlPlaneRef"}


def provider_refs(cluster: Cluster) -> Iterable[str]:
    """Index: the infra cluster and the control plane that a Cluster refers to."""
    refs = [cluster.spec.infrastructure_ref, cluster.spec.control_plane_ref]
    return [f"{cluster.metadata.namespace}/{r.api_group}/{r.kind}/{r.name}" for r in refs if r is not None]


def wake_by_provider(reader: Reader, obj: Obj) -> Iterable[Key]:
    meta = obj["metadata"]
    value = f"{meta.get('namespace', '')}/{group_of(obj['apiVersion'])}/{obj['kind']}/{meta['name']}"
    found = reader.list_indexed(Cluster, "provider", value)
    return [Key(cluster.metadata.namespace, cluster.metadata.name) for cluster in found]


def wake_by_descendant(_reader: Reader, obj: TypedObject) -> Iterable[Key]:
    """The Cluster whose label the object carries."""
    name = obj.metadata.labels.get(CLUSTER_NAME_LABEL)
    return [Key(obj.metadata.namespace, name)] if name else []


def wake_by_kubeconfig(_reader: Reader, secret: Secret) -> Iterable[Key]:
    meta = secret.metadata
    for suffix in (KUBECONFIG_SUFFIX, CA_SUFFIX):
        if meta.name.endswith(suffix):
            return [Key(meta.namespace, meta.name.removesuffix(suffix))]
    return []


def wake_by_connection(_reader: Reader, cluster: Key, node: Node | None) -> Iterable[Key]:
    """Only when the connection came or went."""
    return [cluster] if node is None else []


class ClusterController(Controller[Cluster, ClusterSnapshot]):
    """Needs keys and a client only for Clusters whose kubeconfig nobody else writes."""

    kind = Cluster
    indexes = {"provider": provider_refs}
    watches = (
        Watch(MachineDeployment, wake_by_descendant, fields=_PLACE, later=_COUNTED, conditions=("Available",)),
        Watch(MachinePool, wake_by_descendant),
        Watch(MachineSet, wake_by_descendant, fields=_PLACE, later=_COUNTED, conditions=()),
        Watch(Machine, wake_by_descendant, fields=(*_PLACE, "status.nodeRef"), later=_VERSION, conditions=()),
        Watch(Secret, wake_by_kubeconfig),
    )
    external_wakes: ClassVar[Mapper | None] = wake_by_provider
    external_interest: ClassVar[Interest] = Interest(
        _OF_PROVIDERS, later=_LATER_OF_PROVIDERS, awaited=_AWAITED, conditions=("Available", "Ready")
    )
    own: ClassVar[Interest] = Interest(("status.initialization", "status.phase"), conditions=False)
    pace: ClassVar[Pace] = PARENTS
    told: ClassVar[Interest] = Interest(_TOLD, conditions=_TOLD_CONDITIONS)
    workload_wakes: ClassVar[WorkloadMapper | None] = wake_by_connection
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(Cluster, ("metadata.finalizers", "spec.controlPlaneEndpoint", "status")),
        Writes("infrastructure clusters", ("metadata.ownerReferences", "metadata.labels")),
        Writes("control planes", ("metadata.ownerReferences", "metadata.labels")),
        Writes("kubeconfig Secrets of Clusters without a control plane", ("data",)),
    )

    def __init__(self, client: Client, keys: KeySource) -> None:
        self._actor = KubeconfigActor(client, keys)

    def handlers(self) -> Mapping[type[Action], Handler]:
        return self._actor.handlers()

    async def observe(self, reader: Reader, key: Key) -> ClusterSnapshot | None:
        cluster = reader.get(Cluster, key.namespace, key.name)
        if cluster is None:
            return None
        labels = {CLUSTER_NAME_LABEL: key.name}
        known: dict[str, Any] = {
            "cluster": cluster,
            "now": reader.now(),
            "deployments": reader.list(MachineDeployment, key.namespace, labels=labels),
            "pools": reader.list(MachinePool, key.namespace, labels=labels),
            "machine_sets": reader.list(MachineSet, key.namespace, labels=labels),
            "machines": reader.list(Machine, key.namespace, labels=labels),
        }
        refs = {"infrastructure": cluster.spec.infrastructure_ref, "control_plane": cluster.spec.control_plane_ref}
        for name, ref in refs.items():
            if ref is not None:
                found = await read_external(reader, ref.api_group, ref.kind, key.namespace, ref.name)
                known[name] = unless_of_another(found, "Cluster", key.name, f"spec.{_REF_FIELDS[name]}")
        known.update(_authority(reader, cluster))
        known.update(await _probe(reader, cluster))
        return ClusterSnapshot(**known)

    def plan(self, snapshot: ClusterSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: ClusterSnapshot, outcomes: Outcomes) -> Cluster | None:
        return compute_status(snapshot, outcomes)


def _authority(reader: Reader, cluster: Cluster) -> dict[str, Any]:
    """The kubeconfig's Secret, and the CA to make one from where no control plane object would."""
    meta = cluster.metadata
    if reader.get(Secret, meta.namespace, f"{meta.name}{KUBECONFIG_SUFFIX}") is not None:
        return {"has_kubeconfig": True}
    if cluster.spec.control_plane_ref is not None:
        return {}
    secret = reader.get(Secret, meta.namespace, f"{meta.name}{CA_SUFFIX}")
    if secret is None:
        return {}
    certificate, key = secret.data.get("tls.crt", b""), secret.data.get("tls.key", b"")
    if not certificate or not key:
        missing = "tls.key" if certificate else "tls.crt"
        return {"authority_problem": f"Secret {meta.name}{CA_SUFFIX} has no key {missing}"}
    return {"authority": Authority(certificate, key)}


async def _probe(reader: Reader, cluster: Cluster) -> dict[str, Any]:
    """Ask the workload cluster's API, once there can be one."""
    meta = cluster.metadata
    if not cluster.status.initialization.infrastructure_provisioned:
        return {}
    secret = reader.get(Secret, meta.namespace, f"{meta.name}{KUBECONFIG_SUFFIX}")
    kubeconfig = secret.data.get("value", b"") if secret is not None else b""
    if not kubeconfig:
        return {}
    try:
        await reader.nodes(Key(meta.namespace, meta.name), kubeconfig)
    except TransientError as error:
        seen = error.last_seen if isinstance(error, SilenceError) else None
        unsure = error.reason == CONNECTING
        return {"probed": True, "probe_problem": str(error), "probe_unsure": unsure, "probe_last_seen": seen}
    return {"probed": True}
