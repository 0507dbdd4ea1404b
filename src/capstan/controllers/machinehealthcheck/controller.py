"""MachineHealthCheck: what it watches and how it is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinehealthcheck import MachineHealthCheck
from capstan.api.cluster.names import (
    CLUSTER_NAME_LABEL,
    KUBECONFIG_SUFFIX,
    PAUSED_ANNOTATION,
    SKIP_REMEDIATION_ANNOTATION,
)
from capstan.api.core.node import Node
from capstan.api.core.secret import Secret
from capstan.api.errors import TransientError
from capstan.api.objects import GroupKind, Key, Obj
from capstan.api.rules.conditions import find_condition, is_true
from capstan.api.rules.contract import kind_from_template
from capstan.api.rules.owners import group_of
from capstan.api.rules.replicas import selects
from capstan.controllers.machinehealthcheck.act import Requester
from capstan.controllers.machinehealthcheck.plan import plan
from capstan.controllers.machinehealthcheck.snapshot import HealthCheckSnapshot, Target
from capstan.controllers.machinehealthcheck.status import compute_status
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Controller, Handler, Mapper, Watch, WorkloadMapper, Writes
from capstan.runtime.external import read_external
from capstan.runtime.plan import Action, Outcomes, Plan
from capstan.runtime.reader import Reader


def cluster_names(check: MachineHealthCheck) -> Iterable[str]:
    """Index: the checks of a cluster."""
    return [f"{check.metadata.namespace}/{check.spec.cluster_name}"]


def templates(check: MachineHealthCheck) -> Iterable[str]:
    """Index: the template that remediation objects are made from."""
    ref = check.spec.remediation.template_ref
    return [f"{check.metadata.namespace}/{group_of(ref.api_version)}/{ref.kind}/{ref.name}"] if ref else []


def joined_nodes(machine: Machine) -> Iterable[str]:
    """Index: the Machine of a Node, within its cluster."""
    ref = machine.status.node_ref
    return [f"{machine.metadata.namespace}/{machine.spec.cluster_name}/{ref.name}"] if ref is not None else []


def wake_by_machine(reader: Reader, machine: Machine) -> Iterable[Key]:
    """The checks of its cluster that select it, or did so before."""
    value = f"{machine.metadata.namespace}/{machine.spec.cluster_name}"
    for check in reader.list_indexed(MachineHealthCheck, "cluster", value):
        if selects(check.spec.selector, machine.metadata.labels) or machine.metadata.name in check.status.targets:
            yield _key(check)


def wake_by_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    """Checks that wait for the Cluster, or whose pause or state no longer agrees with its."""
    meta = cluster.metadata
    ready = is_true(cluster.status.conditions, "InfrastructureReady")
    for check in reader.list_indexed(MachineHealthCheck, "cluster", f"{meta.namespace}/{meta.name}"):
        paused = find_condition(check.status.conditions, "Paused")
        agrees = paused is not None and (paused.status == "True") == (cluster.spec.paused is True)
        waits = (check.status.current_healthy or 0) < (check.status.expected_machines or 0)
        if not agrees or check.status.expected_machines is None or (ready and waits):
            yield _key(check)


def wake_by_node(reader: Reader, cluster: Key, node: Node | None) -> Iterable[Key]:
    """The checks of the Node's Machine; all of the cluster when its connection came or went."""
    if node is None:
        return [_key(check) for check in reader.list_indexed(MachineHealthCheck, "cluster", str(cluster))]
    machines = reader.list_indexed(Machine, "joinedNode", f"{cluster}/{node.metadata.name}")
    return {key: None for machine in machines for key in wake_by_machine(reader, machine)}


def wake_by_provider(reader: Reader, obj: Obj) -> Iterable[Key]:
    """A template that appears."""
    meta = obj["metadata"]
    value = f"{meta.get('namespace', '')}/{group_of(obj['apiVersion'])}/{obj['kind']}/{meta['name']}"
    return [_key(check) for check in reader.list_indexed(MachineHealthCheck, "template", value)]


def _key(check: MachineHealthCheck) -> Key:
    return Key(check.metadata.namespace, check.metadata.name)


class MachineHealthCheckController(Controller[MachineHealthCheck, HealthCheckSnapshot]):
    """Needs our own client: a Machine whose remediation could not be asked for is told so."""

    kind = MachineHealthCheck
    indexes = {"cluster": cluster_names, "template": templates}
    watches = (
        Watch(Machine, wake_by_machine, indexes={"joinedNode": joined_nodes}),
        Watch(Cluster, wake_by_cluster),
    )
    external_wakes: ClassVar[Mapper | None] = wake_by_provider
    workload_wakes: ClassVar[WorkloadMapper | None] = wake_by_node
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(MachineHealthCheck, ("metadata.labels", "metadata.ownerReferences", "status")),
        Writes(
            Machine,
            (
                "status.conditions[HealthCheckSucceeded]",
                "status.conditions[OwnerRemediated: WaitingForRemediation]",
                "status.conditions[ExternallyRemediated]",
            ),
        ),
        Writes("remediation objects", ("all",)),
    )

    def __init__(self, client: Client) -> None:
        self._requester = Requester(client)

    def handlers(self) -> Mapping[type[Action], Handler]:
        return self._requester.handlers()

    async def observe(self, reader: Reader, key: Key) -> HealthCheckSnapshot | None:
        check = reader.get(MachineHealthCheck, key.namespace, key.name)
        if check is None:
            return None
        cluster = reader.get(Cluster, key.namespace, check.spec.cluster_name)
        known: dict[str, Any] = {"check": check, "now": reader.now(), "cluster": cluster}
        machines = _targets(reader, check)
        known["targets"] = tuple(Target(machine) for machine in machines)
        if cluster is not None and is_true(cluster.status.conditions, "ControlPlaneInitialized"):
            known.update(await _observe_nodes(reader, cluster, machines))
        ref = check.spec.remediation.template_ref
        if ref is not None:
            known.update(await _observe_remediation(reader, check, machines))
        return HealthCheckSnapshot(**known)

    def plan(self, snapshot: HealthCheckSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: HealthCheckSnapshot, outcomes: Outcomes) -> MachineHealthCheck | None:
        return compute_status(snapshot, outcomes)


def _targets(reader: Reader, check: MachineHealthCheck) -> tuple[Machine, ...]:
    """The Machines of the cluster that are selected, without those that nobody is to touch."""
    labels = {CLUSTER_NAME_LABEL: check.spec.cluster_name}
    return tuple(
        machine
        for machine in reader.list(Machine, check.metadata.namespace, labels=labels)
        if selects(check.spec.selector, machine.metadata.labels)
        and PAUSED_ANNOTATION not in machine.metadata.annotations
        and SKIP_REMEDIATION_ANNOTATION not in machine.metadata.annotations
    )


async def _observe_nodes(reader: Reader, cluster: Cluster, machines: tuple[Machine, ...]) -> dict[str, Any]:
    namespace, name = cluster.metadata.namespace, cluster.metadata.name
    secret = reader.get(Secret, namespace, f"{name}{KUBECONFIG_SUFFIX}")
    kubeconfig = secret.data.get("value", b"") if secret is not None else b""
    if not kubeconfig:
        return {"nodes_problem": f"the kubeconfig of cluster {name} does not exist yet"}
    try:
        nodes = {node.metadata.name: node for node in await reader.nodes(Key(namespace, name), kubeconfig)}
    except TransientError as error:
        return {"nodes_problem": str(error)}
    targets = []
    for machine in machines:
        ref = machine.status.node_ref
        node = nodes.get(ref.name) if ref is not None else None
        targets.append(Target(machine, node, node_missing=ref is not None and node is None))
    return {"targets": tuple(targets)}


async def _observe_remediation(
    reader: Reader, check: MachineHealthCheck, machines: tuple[Machine, ...]
) -> dict[str, Any]:
    ref = check.spec.remediation.template_ref
    assert ref is not None
    namespace, group = check.metadata.namespace, group_of(ref.api_version)
    template = await read_external(reader, group, ref.kind, namespace, ref.name)
    made = GroupKind(group, kind_from_template(ref.kind))
    try:
        resource, _ = await reader.resolve(made)
        found = {m.metadata.name: await reader.get_object(made, namespace, m.metadata.name) for m in machines}
    except TransientError:
        return {"template": template}
    requests = {name: obj for name, obj in found.items() if obj is not None}
    return {"template": template, "made": resource, "requests": requests}
