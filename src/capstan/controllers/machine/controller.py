"""Machine: what it watches, how it is observed, and how it reaches the workload cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machinedrainrule import MachineDrainRule
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    CERTIFICATES_EXPIRY_ANNOTATION,
    CLUSTER_NAME_LABEL,
    CONTROL_PLANE_LABEL,
    DEPLOYMENT_NAME_LABEL,
    KUBECONFIG_SUFFIX,
    MACHINE_FINALIZER,
    REVISION_ANNOTATION,
    SET_NAME_LABEL,
    UPDATE_IN_PROGRESS_ANNOTATION,
)
from capstan.api.cluster.reference import ContractReference
from capstan.api.core.node import Node
from capstan.api.core.secret import Secret
from capstan.api.errors import TransientError
from capstan.api.objects import Key, Obj
from capstan.api.rules.contract import External, provider_id, unless_of_another
from capstan.api.rules.names import must_format_value
from capstan.api.rules.owners import group_of
from capstan.controllers.machine.act import EvictionActor, UpdateActor
from capstan.controllers.machine.plan import plan
from capstan.controllers.machine.plan.deletion import deletion_stage, looks_at_pods, looks_at_volumes
from capstan.controllers.machine.plan.drain.due import RETRY_SECONDS
from capstan.controllers.machine.plan.drain.stages import DETACHING, DRAINING
from capstan.controllers.machine.reads import NodeReads
from capstan.controllers.machine.snapshot import MachineSnapshot, Synced, find_node
from capstan.controllers.machine.status import compute_status
from capstan.runtime.controller import Controller, Handler, Mapper, Watch, WorkloadMapper, Writes
from capstan.runtime.external import read_external
from capstan.runtime.nodeactor import NodeActor
from capstan.runtime.nodes import CONNECTING, SilenceError
from capstan.runtime.plan import Action, Outcomes, Plan
from capstan.runtime.reader import Reader
from capstan.runtime.significance import Interest
from capstan.runtime.updater import InPlaceUpdater
from capstan.runtime.workload import WorkloadClients

#: What Machines read of their Cluster, and of the set and the deployment that they are compared with.
_OF_CLUSTER = (
    "metadata.deletionTimestamp",
    "metadata.labels",
    "spec.paused",
    "spec.controlPlaneRef",
    "status.initialization",
)
#: What changes in infra machines and bootstrap configs and means something by the contract, in both of its versions.
_OF_PROVIDERS = (
    f"metadata.annotations[{CERTIFICATES_EXPIRY_ANNOTATION}]",
    f"metadata.annotations[{UPDATE_IN_PROGRESS_ANNOTATION}]",
    "metadata.deletionTimestamp",
    "metadata.labels",
    "metadata.ownerReferences",
    "spec.failureDomain",
    "spec.providerID",
    "status.addresses",
    "status.dataSecretName",
    "status.failureDomain",
    "status.failureMessage",
    "status.failureReason",
    "status.initialization",
    "status.interruptible",
    "status.ready",
)
_OF_TEMPLATE = ("spec.template", f"metadata.annotations[{REVISION_ANNOTATION}]")


def _ref_value(namespace: str, group: str, kind: str, name: str) -> str:
    return f"{namespace}/{group}/{kind}/{name}"


def provider_refs(machine: Machine) -> Iterable[str]:
    """Index: the provider objects that a Machine refers to."""
    refs = [machine.spec.infrastructure_ref, machine.spec.bootstrap.config_ref]
    return [_ref_value(machine.metadata.namespace, r.api_group, r.kind, r.name) for r in refs if r is not None]


def node_names(machine: Machine) -> Iterable[str]:
    """Index: the Node of a Machine, by its name and by its provider ID, within its cluster."""
    place = f"{machine.metadata.namespace}/{machine.spec.cluster_name}"
    if machine.status.node_ref is not None:
        yield f"{place}/{machine.status.node_ref.name}"
    if machine.spec.provider_id:
        yield f"{place}/{machine.spec.provider_id}"


def wake_by_provider(reader: Reader, obj: Obj) -> Iterable[Key]:
    meta = obj["metadata"]
    value = _ref_value(meta.get("namespace", ""), group_of(obj["apiVersion"]), obj["kind"], meta["name"])
    return [_key(machine) for machine in reader.list_indexed(Machine, "provider", value)]


def wake_by_node(reader: Reader, cluster: Key, node: Node | None) -> Iterable[Key]:
    """The Node's Machine; all of the cluster when its connection came or went."""
    if node is None:
        return [_key(machine) for machine in _machines_of(reader, cluster.namespace, cluster.name)]
    names = [node.metadata.name, *([node.spec.provider_id] if node.spec.provider_id else [])]
    found = [m for name in names for m in reader.list_indexed(Machine, "node", f"{cluster}/{name}")]
    return {_key(machine): None for machine in found}


def wake_by_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    return [_key(machine) for machine in _machines_of(reader, cluster.metadata.namespace, cluster.metadata.name)]


def wake_by_set(reader: Reader, machine_set: MachineSet) -> Iterable[Key]:
    return [_key(m) for m in reader.list(Machine, machine_set.metadata.namespace, owner_uid=machine_set.metadata.uid)]


def wake_by_deployment(reader: Reader, deployment: MachineDeployment) -> Iterable[Key]:
    labels = {DEPLOYMENT_NAME_LABEL: deployment.metadata.name}
    return [_key(m) for m in reader.list(Machine, deployment.metadata.namespace, labels=labels)]


def wake_by_kubeconfig(reader: Reader, secret: Secret) -> Iterable[Key]:
    """Machines without a node, when the way to look for it appears."""
    meta = secret.metadata
    if not meta.name.endswith(KUBECONFIG_SUFFIX):
        return []
    machines = _machines_of(reader, meta.namespace, meta.name.removesuffix(KUBECONFIG_SUFFIX))
    return [_key(machine) for machine in machines if machine.status.node_ref is None]


def wake_none(_reader: Reader, _rule: MachineDrainRule) -> Iterable[Key]:
    """Rules are read at the next look at a node, which is never far."""
    return ()


def _machines_of(reader: Reader, namespace: str, cluster_name: str) -> tuple[Machine, ...]:
    return reader.list(Machine, namespace, labels={CLUSTER_NAME_LABEL: cluster_name})


def _key(machine: Machine) -> Key:
    return Key(machine.metadata.namespace, machine.metadata.name)


class MachineController(Controller[Machine, MachineSnapshot]):
    """Needs the clients of workload clusters, to write to Nodes; it reads them through `Reader.nodes`. Without an
    `updater` nothing is changed in place; `synced` says which labels and annotations Nodes get besides the usual."""

    kind = Machine
    indexes = {"provider": provider_refs, "node": node_names}
    watches = (
        Watch(Cluster, wake_by_cluster, fields=_OF_CLUSTER, conditions=False),
        # A rollout scales and counts at every step; that concerns none of the Machines that are there.
        Watch(MachineSet, wake_by_set, fields=(*_OF_TEMPLATE, "metadata.ownerReferences"), conditions=False),
        Watch(MachineDeployment, wake_by_deployment, fields=(*_OF_TEMPLATE, "spec.rollout.after"), conditions=False),
        Watch(Secret, wake_by_kubeconfig, fields=("data",)),
        Watch(MachineDrainRule, wake_none),
    )
    external_wakes: ClassVar[Mapper | None] = wake_by_provider
    own: ClassVar[Interest] = Interest(conditions=("Ready",))
    first_patience: ClassVar[float] = 2.0
    external_interest: ClassVar[Interest] = Interest(_OF_PROVIDERS, conditions=("Ready",), worded=("Ready",))
    workload_wakes: ClassVar[WorkloadMapper | None] = wake_by_node
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(
            Machine,
            (
                "metadata.finalizers",
                "metadata.annotations[of updates in place]",
                "spec.providerID",
                "spec.bootstrap.dataSecretName",
                "spec.failureDomain",
                "status",
            ),
        ),
        Writes("infrastructure machines", ("metadata.ownerReferences", "metadata.labels")),
        Writes("bootstrap configs", ("metadata.ownerReferences", "metadata.labels")),
        Writes("workload Nodes", ("metadata.labels", "metadata.annotations", "spec.taints", "spec.unschedulable")),
        Writes("workload Pods", ("eviction",)),
    )

    def __init__(
        self, clients: WorkloadClients, updater: InPlaceUpdater | None = None, synced: Synced | None = None
    ) -> None:
        self._nodes = NodeActor(clients)
        self._evictions = EvictionActor(clients)
        self._synced = synced or Synced()
        self._updater = updater
        self._updates = UpdateActor(updater) if updater is not None else None
        self._reads = NodeReads(clients)
        #: When a node may be looked at again, by the uid of its Machine: spares reads, decides nothing.
        self._looks: dict[str, datetime] = {}

    def handlers(self) -> Mapping[type[Action], Handler]:
        updates = self._updates.handlers() if self._updates is not None else {}
        return {**self._nodes.handlers(), **self._evictions.handlers(), **updates}

    async def observe(self, reader: Reader, key: Key) -> MachineSnapshot | None:
        machine = reader.get(Machine, key.namespace, key.name)
        if machine is None:
            return None
        cluster = reader.get(Cluster, key.namespace, machine.spec.cluster_name)
        machine_set = _machine_set(reader, machine)
        infrastructure = await _read_part(reader, key, machine.spec.infrastructure_ref, "spec.infrastructureRef")
        known: dict[str, Any] = {
            "machine": machine,
            "now": reader.now(),
            "cluster": cluster,
            "machine_set": machine_set,
            "deployment": _deployment(reader, machine_set),
            "infrastructure": infrastructure,
        }
        if machine.spec.bootstrap.config_ref is not None:
            config = machine.spec.bootstrap.config_ref
            known["bootstrap"] = await _read_part(reader, key, config, "spec.bootstrap.configRef")
        if machine.metadata.deletion_timestamp is not None:
            known.update(await _observe_control_plane(reader, cluster, machine))
        known.update(await _observe_node(reader, cluster, machine, infrastructure))
        snapshot = MachineSnapshot(**known, can_update=self._updater is not None, synced=self._synced)
        return await self._look(reader, snapshot) if snapshot.deleting and not snapshot.paused else snapshot

    async def _look(self, reader: Reader, snapshot: MachineSnapshot) -> MachineSnapshot:
        """The pods and volumes of the node, when the deletion waits for them and was not there just now."""
        meta, node = snapshot.machine.metadata, snapshot.node
        if MACHINE_FINALIZER not in meta.finalizers:
            self._looks.pop(meta.uid, None)
            return snapshot
        left = (self._looks.get(meta.uid, snapshot.now) - snapshot.now).total_seconds()
        rules = reader.list(MachineDrainRule, meta.namespace)
        snapshot = replace(snapshot, next_look=max(left, 0.0), drain_rules=rules)
        if node is None or not looks_at_pods(snapshot):
            return snapshot
        where = (snapshot.cluster_key, snapshot.kubeconfig, node.metadata.name)
        snapshot = replace(snapshot, pods=await self._reads.pods(*where, with_namespaces=bool(rules)))
        if looks_at_volumes(snapshot):
            reported = bool(node.status.volumes_attached)
            snapshot = replace(snapshot, volumes=await self._reads.volumes(*where, reported=reported))
        if deletion_stage(snapshot).reason in (DRAINING, DETACHING):
            self._looks[meta.uid] = snapshot.now + timedelta(seconds=RETRY_SECONDS)
        else:
            self._looks.pop(meta.uid, None)
        return snapshot

    def plan(self, snapshot: MachineSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: MachineSnapshot, outcomes: Outcomes) -> Machine | None:
        return compute_status(snapshot, outcomes)


async def _read(reader: Reader, namespace: str, ref: ContractReference) -> External:
    return await read_external(reader, ref.api_group, ref.kind, namespace, ref.name)


async def _read_part(reader: Reader, machine: Key, ref: ContractReference, field: str) -> External:
    """What a Machine refers to, unless it is another Machine's."""
    return unless_of_another(await _read(reader, machine.namespace, ref), "Machine", machine.name, field)


def _machine_set(reader: Reader, machine: Machine) -> MachineSet | None:
    ref = next((r for r in machine.metadata.owner_references if r.controller and r.kind == "MachineSet"), None)
    if ref is None:
        return None
    found = reader.get(MachineSet, machine.metadata.namespace, ref.name)
    labelled = machine.metadata.labels.get(SET_NAME_LABEL, "")
    return found if found is None or labelled in ("", must_format_value(found.metadata.name)) else None


def _deployment(reader: Reader, machine_set: MachineSet | None) -> MachineDeployment | None:
    if machine_set is None:
        return None
    refs = machine_set.metadata.owner_references
    ref = next((r for r in refs if r.controller and r.kind == "MachineDeployment"), None)
    return reader.get(MachineDeployment, machine_set.metadata.namespace, ref.name) if ref is not None else None


async def _observe_control_plane(reader: Reader, cluster: Cluster | None, machine: Machine) -> dict[str, Any]:
    """What decides whether the node of a Machine that goes away is worth removing."""
    labels = {CLUSTER_NAME_LABEL: machine.spec.cluster_name, CONTROL_PLANE_LABEL: ""}
    machines = reader.list(Machine, machine.metadata.namespace, labels=labels)
    found: dict[str, Any] = {
        "active_control_plane_machines": sum(m.metadata.deletion_timestamp is None for m in machines)
    }
    if cluster is not None and cluster.spec.control_plane_ref is not None:
        found["control_plane"] = await _read(reader, machine.metadata.namespace, cluster.spec.control_plane_ref)
    return found


async def _observe_node(
    reader: Reader, cluster: Cluster | None, machine: Machine, infrastructure: External
) -> dict[str, Any]:
    """The Machine's Node, once it is worth connecting to the workload cluster."""
    wanted = machine.spec.provider_id or provider_id(infrastructure)
    if not wanted and machine.status.node_ref is None:
        return {"nodes_problem": ""}
    if cluster is None or cluster.metadata.deletion_timestamp is not None:
        return {}
    namespace, name = machine.metadata.namespace, cluster.metadata.name
    secret = reader.get(Secret, namespace, f"{name}{KUBECONFIG_SUFFIX}")
    kubeconfig = secret.data.get("value", b"") if secret is not None else b""
    if not kubeconfig:
        return {"nodes_problem": f"the kubeconfig of cluster {name} does not exist yet"}
    try:
        nodes = await reader.nodes(Key(namespace, name), kubeconfig)
    except TransientError as error:
        found: dict[str, Any] = {"nodes_problem": str(error), "kubeconfig": kubeconfig}
        if isinstance(error, SilenceError):
            found |= {"last_seen": error.last_seen, "conditions_grace": error.conditions_grace}
        return {**found, "is_connecting": error.reason == CONNECTING}
    node, conflict = find_node(machine, wanted, nodes)
    if node is not None and (twin := _elder_twin(reader, machine, wanted)):
        conflict = f"Node {node.metadata.name} is Machine {twin}'s: both have provider ID {wanted}"
        node = None
    return {"node": node, "node_conflict": conflict, "nodes_problem": "", "kubeconfig": kubeconfig}


def _elder_twin(reader: Reader, machine: Machine, wanted: str) -> str:
    """The name of the oldest other Machine with the same provider ID, if it is older: what is made from a copy of a
    Machine's manifest has no claim to its Node."""
    if not wanted:
        return ""
    place = f"{machine.metadata.namespace}/{machine.spec.cluster_name}"
    twins = reader.list_indexed(Machine, "node", f"{place}/{wanted}")
    eldest = min(twins, key=_age, default=machine)
    return eldest.metadata.name if _age(eldest) < _age(machine) else ""


def _age(machine: Machine) -> tuple[float, str]:
    born = machine.metadata.creation_timestamp
    return born.timestamp() if born is not None else float("inf"), machine.metadata.name
