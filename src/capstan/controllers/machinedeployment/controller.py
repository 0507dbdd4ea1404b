"""MachineDeployment: what it watches and how it is observed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL
from capstan.api.meta import controller_of
from capstan.api.objects import Key, Obj
from capstan.api.rules.conditions import find_condition
from capstan.api.rules.owners import group_of, is_owned_by
from capstan.api.rules.replicas import selects
from capstan.controllers.machinedeployment.plan import plan
from capstan.controllers.machinedeployment.plan.shape import effective_selector
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.controllers.machinedeployment.status import compute_status
from capstan.controllers.machinedeployment.updatable import UpdatableSets
from capstan.runtime.controller import Controller, Mapper, Watch, Writes
from capstan.runtime.external import read_external
from capstan.runtime.plan import Outcomes, Plan
from capstan.runtime.queue import PARENTS, Pace
from capstan.runtime.reader import Reader
from capstan.runtime.significance import Interest
from capstan.runtime.updater import InPlaceUpdater

#: What a deployment reads of its sets: their shape, what each step of a rollout waits for, and what it adds up. Of
#: Machines it only repeats what they say; the steps go by the counts of the sets.
_OF_SET = (
    "metadata.annotations",
    "metadata.deletionTimestamp",
    "metadata.finalizers",
    "metadata.labels",
    "metadata.ownerReferences",
    "spec",
)
_OF_ITSELF = (
    "status.availableReplicas",
    "status.observedGeneration",
    "status.replicas",
    "status.upToDateReplicas",
)
#: What is waited for by others; which of its Machines say what is told once a second at most.
_TOLD_CONDITIONS = ("Available", "Deleting", "Paused", "RollingOut", "ScalingDown", "ScalingUp")
_AWAITED = ("status.availableReplicas", "status.replicas")
_COUNTED = ("status.observedGeneration", "status.readyReplicas", "status.upToDateReplicas", "status.versions")
_OF_MACHINE = (
    "metadata.annotations",
    "metadata.deletionTimestamp",
    "metadata.finalizers",
    "metadata.labels",
    "metadata.ownerReferences",
    "status.nodeRef",
)


def template_refs(deployment: MachineDeployment) -> Iterable[str]:
    """Index: the templates that a deployment names."""
    spec = deployment.spec.template.spec
    refs = [spec.infrastructure_ref, spec.bootstrap.config_ref]
    return [f"{deployment.metadata.namespace}/{r.api_group}/{r.kind}/{r.name}" for r in refs if r is not None]


def cluster_names(deployment: MachineDeployment) -> Iterable[str]:
    """Index: the Cluster of a deployment, label or not."""
    return [f"{deployment.metadata.namespace}/{deployment.spec.cluster_name}"]


def wake_by_provider(reader: Reader, obj: Obj) -> Iterable[Key]:
    """A template that appears or changes."""
    meta = obj["metadata"]
    value = f"{meta.get('namespace', '')}/{group_of(obj['apiVersion'])}/{obj['kind']}/{meta['name']}"
    return [_key(d) for d in reader.list_indexed(MachineDeployment, "template", value)]


def wake_by_set(reader: Reader, machine_set: MachineSet) -> Iterable[Key]:
    """The deployment that controls the set, or those that may adopt it."""
    meta = machine_set.metadata
    owner = controller_of(meta)
    if owner is not None:
        return [Key(meta.namespace, owner.name)] if owner.kind == "MachineDeployment" else []
    labels = {CLUSTER_NAME_LABEL: machine_set.spec.cluster_name}
    deployments = reader.list(MachineDeployment, meta.namespace, labels=labels)
    return [_key(d) for d in deployments if selects(effective_selector(d), meta.labels)]


def wake_by_machine(reader: Reader, machine: Machine) -> Iterable[Key]:
    """The deployment that the Machine's label names: its conditions show what the Machine's say."""
    name = machine.metadata.labels.get(DEPLOYMENT_NAME_LABEL)
    return [Key(machine.metadata.namespace, name)] if name else []


def wake_by_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    """Deployments that wait for the Cluster, or whose pause no longer agrees with its."""
    meta = cluster.metadata
    for deployment in reader.list_indexed(MachineDeployment, "cluster", f"{meta.namespace}/{meta.name}"):
        paused = find_condition(deployment.status.conditions, "Paused")
        unowned = not is_owned_by(deployment.metadata, meta.uid)
        if unowned or paused is None or (paused.status == "True") != (cluster.spec.paused is True):
            yield _key(deployment)


def _key(deployment: MachineDeployment) -> Key:
    return Key(deployment.metadata.namespace, deployment.metadata.name)


class MachineDeploymentController(Controller[MachineDeployment, MachineDeploymentSnapshot]):
    """Needs nothing but the reader, and an `updater` where Machines may change in place."""

    kind = MachineDeployment
    indexes = {"template": template_refs, "cluster": cluster_names}
    watches = (
        Watch(MachineSet, wake_by_set, fields=_OF_SET, later=_COUNTED, awaited=_AWAITED, conditions=()),
        Watch(Machine, wake_by_machine, fields=_OF_MACHINE, conditions=()),
        Watch(Cluster, wake_by_cluster, fields=("metadata.deletionTimestamp", "spec.paused"), conditions=False),
    )
    external_wakes: ClassVar[Mapper | None] = wake_by_provider
    own: ClassVar[Interest] = Interest(_OF_ITSELF, conditions=("Paused",))
    pace: ClassVar[Pace] = PARENTS
    told: ClassVar[Interest] = Interest((*_OF_ITSELF, "status.phase", "status.selector"), conditions=_TOLD_CONDITIONS)
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(
            MachineDeployment,
            (
                "metadata.finalizers",
                "metadata.labels",
                "metadata.ownerReferences",
                "metadata.annotations[machinedeployment.clusters.x-k8s.io/revision]",
                "metadata.annotations[capstan.dev/children-named]",
                "metadata.annotations[capstan.dev/rollout-history]",
                "status",
            ),
        ),
        Writes(
            MachineSet,
            ("metadata.labels", "metadata.annotations[of its deployment]", "metadata.ownerReferences", "spec"),
        ),
        Writes("templates", ("metadata.ownerReferences",)),
    )

    def __init__(self, updater: InPlaceUpdater | None = None) -> None:
        self._updatable = UpdatableSets(updater) if updater is not None else None

    async def observe(self, reader: Reader, key: Key) -> MachineDeploymentSnapshot | None:
        deployment = reader.get(MachineDeployment, key.namespace, key.name)
        if deployment is None:
            return None
        spec = deployment.spec.template.spec
        bootstrap, infrastructure = spec.bootstrap.config_ref, spec.infrastructure_ref
        machine_sets = reader.list(MachineSet, key.namespace, owner_uid=deployment.metadata.uid)
        owned = [m for s in machine_sets for m in reader.list(Machine, key.namespace, owner_uid=s.metadata.uid)]
        snapshot = MachineDeploymentSnapshot(
            deployment=deployment,
            now=reader.now(),
            cluster=reader.get(Cluster, key.namespace, deployment.spec.cluster_name),
            machine_sets=machine_sets,
            orphans=_orphans(reader, deployment),
            machines=tuple(sorted(owned, key=lambda m: m.metadata.name)),
            bootstrap=(
                await read_external(reader, bootstrap.api_group, bootstrap.kind, key.namespace, bootstrap.name)
                if bootstrap is not None
                else None
            ),
            infrastructure=await read_external(
                reader, infrastructure.api_group, infrastructure.kind, key.namespace, infrastructure.name
            ),
        )
        if self._updatable is None:
            return snapshot
        return replace(snapshot, updatable=await self._updatable.find(reader, snapshot))

    def plan(self, snapshot: MachineDeploymentSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: MachineDeploymentSnapshot, outcomes: Outcomes) -> MachineDeployment | None:
        return compute_status(snapshot, outcomes)


def _orphans(reader: Reader, deployment: MachineDeployment) -> tuple[MachineSet, ...]:
    """MachineSets that the selector takes, that nobody controls, and that are not on their way out."""
    if deployment.metadata.deletion_timestamp is not None:
        return ()
    selector = effective_selector(deployment)
    labels = selector.match_labels or {CLUSTER_NAME_LABEL: deployment.spec.cluster_name}
    return tuple(
        s
        for s in reader.list(MachineSet, deployment.metadata.namespace, labels=labels)
        if controller_of(s.metadata) is None
        and s.metadata.deletion_timestamp is None
        and s.spec.cluster_name == deployment.spec.cluster_name
        and selects(selector, s.metadata.labels)
    )
