"""MachineSet: what it watches and how it is observed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    CLUSTER_NAME_LABEL,
    GROUP,
    MACHINE_SET_FINALIZER,
    MOVE_MACHINES_ANNOTATION,
    RECEIVE_MACHINES_ANNOTATION,
    REVISION_ANNOTATION,
    SKIP_PREFLIGHT_CHECKS_ANNOTATION,
)
from capstan.api.cluster.reference import ContractReference
from capstan.api.errors import TransientError
from capstan.api.meta import controller_of
from capstan.api.objects import GroupKind, Key, Obj
from capstan.api.rules.conditions import find_condition, is_false, is_true
from capstan.api.rules.contract import External, kind_from_template
from capstan.api.rules.owners import group_of, owner_of_kind
from capstan.api.rules.replicas import selects
from capstan.controllers.machineset.plan import plan
from capstan.controllers.machineset.snapshot import MachineSetSnapshot, Template
from capstan.controllers.machineset.status import compute_status
from capstan.runtime.controller import Controller, Mapper, Watch, Writes
from capstan.runtime.external import read_external
from capstan.runtime.plan import Outcomes, Plan
from capstan.runtime.queue import PARENTS, Pace
from capstan.runtime.reader import Reader
from capstan.runtime.significance import Interest

#: What a set reads of its Machines, and which of their conditions it counts or acts on. The others it only repeats.
_OF_MACHINE = (
    "metadata.annotations",
    "metadata.deletionTimestamp",
    "metadata.finalizers",
    "metadata.labels",
    "metadata.ownerReferences",
    "spec.bootstrap.configRef",
    "spec.deletion",
    "spec.infrastructureRef",
    "spec.minReadySeconds",
    "spec.readinessGates",
    "spec.taints",
    "spec.version",
    "status.nodeInfo",
    "status.nodeRef",
)
_COUNTED = ("Ready", "Available", "UpToDate", "HealthCheckSucceeded", "OwnerRemediated")
#: What matters of templates, and of the control plane: that it is there, and of which version.
_OF_PROVIDERS = (
    f"metadata.annotations[{SKIP_PREFLIGHT_CHECKS_ANNOTATION}]",
    "metadata.deletionTimestamp",
    "metadata.ownerReferences",
    "spec",
    "status.version",
    "status.versions",
)
#: What its deployment goes by, and what wakes it; what its Machines say is told once a second at most.
_TOLD = ("status.availableReplicas", "status.observedGeneration", "status.replicas", "status.selector")
_TOLD_CONDITIONS = ("Deleting", "Paused", "Remediating", "ScalingDown", "ScalingUp")
_OF_CLUSTER = ("metadata.deletionTimestamp", "spec.paused", "spec.controlPlaneRef")
_OF_DEPLOYMENT = ("spec.replicas", "spec.remediation", f"metadata.annotations[{REVISION_ANNOTATION}]")


def template_refs(machine_set: MachineSet) -> Iterable[str]:
    """Index: the templates that a set clones."""
    spec = machine_set.spec.template.spec
    refs = [spec.infrastructure_ref, spec.bootstrap.config_ref]
    return [f"{machine_set.metadata.namespace}/{r.api_group}/{r.kind}/{r.name}" for r in refs if r is not None]


def wake_by_provider(reader: Reader, obj: Obj) -> Iterable[Key]:
    """A template that appears or changes; a control plane that a set which wants to grow may wait for."""
    meta = obj["metadata"]
    namespace = meta.get("namespace", "")
    value = f"{namespace}/{group_of(obj['apiVersion'])}/{obj['kind']}/{meta['name']}"
    keys = [_key(machine_set) for machine_set in reader.list_indexed(MachineSet, "template", value)]
    owner = next((ref["name"] for ref in meta.get("ownerReferences") or () if ref["kind"] == "Cluster"), "")
    if keys or not owner:
        return keys
    sets = reader.list(MachineSet, namespace, labels={CLUSTER_NAME_LABEL: owner})
    return [_key(s) for s in sets if is_true(s.status.conditions, "ScalingUp")]


def wake_by_machine(reader: Reader, machine: Machine) -> Iterable[Key]:
    """The set that controls the Machine, or those that may adopt it."""
    meta = machine.metadata
    owner = controller_of(meta)
    if owner is not None:
        return [Key(meta.namespace, owner.name)] if owner.kind == "MachineSet" else []
    sets = reader.list(MachineSet, meta.namespace, labels={CLUSTER_NAME_LABEL: machine.spec.cluster_name})
    return [_key(s) for s in sets if selects(s.spec.selector, meta.labels)]


def wake_by_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    """Sets that waited for the Cluster to exist, or whose pause no longer agrees with its."""
    meta = cluster.metadata
    for machine_set in reader.list(MachineSet, meta.namespace, labels={CLUSTER_NAME_LABEL: meta.name}):
        paused = find_condition(machine_set.status.conditions, "Paused")
        unseen = MACHINE_SET_FINALIZER not in machine_set.metadata.finalizers
        if unseen or paused is None or (paused.status == "True") != (cluster.spec.paused is True):
            yield _key(machine_set)


def wake_by_deployment(reader: Reader, deployment: MachineDeployment) -> Iterable[Key]:
    """Sets with Machines to replace: the deployment says how many of them at a time."""
    meta = deployment.metadata
    for machine_set in reader.list(MachineSet, meta.namespace, owner_uid=meta.uid):
        if is_true(machine_set.status.conditions, "Remediating"):
            yield _key(machine_set)


def wake_by_sibling(reader: Reader, machine_set: MachineSet) -> Iterable[Key]:
    """Sets that wait to hand their Machines to this one."""
    names = machine_set.metadata.annotations.get(RECEIVE_MACHINES_ANNOTATION, "").split(",")
    return [Key(machine_set.metadata.namespace, name) for name in names if name]


def _key(machine_set: MachineSet) -> Key:
    return Key(machine_set.metadata.namespace, machine_set.metadata.name)


class MachineSetController(Controller[MachineSet, MachineSetSnapshot]):
    """Needs nothing but the reader. `unchecked` are preflight checks that are not made."""

    kind = MachineSet
    indexes = {"template": template_refs}
    watches = (
        Watch(Machine, wake_by_machine, fields=_OF_MACHINE, conditions=_COUNTED),
        Watch(Cluster, wake_by_cluster, fields=_OF_CLUSTER, conditions=False),
        Watch(MachineDeployment, wake_by_deployment, fields=_OF_DEPLOYMENT, conditions=False),
        Watch(MachineSet, wake_by_sibling, conditions=False),
    )
    external_wakes: ClassVar[Mapper | None] = wake_by_provider
    external_interest: ClassVar[Interest] = Interest(_OF_PROVIDERS, conditions=())
    own: ClassVar[Interest] = Interest(("metadata.generation",), conditions=("Paused", "Remediating", "ScalingUp"))
    pace: ClassVar[Pace] = PARENTS
    told: ClassVar[Interest] = Interest(_TOLD, conditions=_TOLD_CONDITIONS)
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(MachineSet, ("metadata.finalizers", "metadata.annotations[capstan.dev/children-named]", "status")),
        Writes(
            Machine,
            (
                "metadata.labels",
                "metadata.annotations[of its set]",
                "metadata.ownerReferences",
                "spec.deletion",
                "spec.minReadySeconds",
                "spec.readinessGates",
                "spec.taints",
                "status.conditions[OwnerRemediated]",
            ),
        ),
        Writes("infrastructure machines", ("metadata.annotations[of its set]",)),
        Writes("bootstrap configs", ("metadata.annotations[of its set]",)),
    )

    def __init__(self, unchecked: frozenset[str] = frozenset()) -> None:
        self._unchecked = unchecked

    async def observe(self, reader: Reader, key: Key) -> MachineSetSnapshot | None:
        machine_set = reader.get(MachineSet, key.namespace, key.name)
        if machine_set is None:
            return None
        cluster = reader.get(Cluster, key.namespace, machine_set.spec.cluster_name)
        machines = reader.list(Machine, key.namespace, owner_uid=machine_set.metadata.uid)
        spec = machine_set.spec.template.spec
        bootstrap = spec.bootstrap.config_ref
        control_plane = None
        makes_machines = _scales_up(machine_set, machines) or _remediates(machines)
        if cluster is not None and cluster.spec.control_plane_ref is not None and makes_machines:
            control_plane = await _read(reader, key.namespace, cluster.spec.control_plane_ref)
        return MachineSetSnapshot(
            machine_set=machine_set,
            now=reader.now(),
            cluster=cluster,
            machines=machines,
            orphans=_orphans(reader, machine_set),
            bootstrap=await _template(reader, machine_set, machines, bootstrap) if bootstrap is not None else None,
            infrastructure=await _template(reader, machine_set, machines, spec.infrastructure_ref),
            control_plane=control_plane,
            deployment=_deployment(reader, machine_set),
            move_target=_move_target(reader, machine_set),
            unchecked=self._unchecked,
        )

    def plan(self, snapshot: MachineSetSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: MachineSetSnapshot, outcomes: Outcomes) -> MachineSet | None:
        return compute_status(snapshot, outcomes)


async def _read(reader: Reader, namespace: str, ref: ContractReference) -> External:
    return await read_external(reader, ref.api_group, ref.kind, namespace, ref.name)


def _scales_up(machine_set: MachineSet, machines: tuple[Machine, ...]) -> bool:
    """The control plane matters only when Machines are to be made."""
    return len(machines) < (machine_set.spec.replicas or 0)


def _remediates(machines: tuple[Machine, ...]) -> bool:
    return any(is_false(m.status.conditions, "OwnerRemediated") for m in machines)


def _deployment(reader: Reader, machine_set: MachineSet) -> MachineDeployment | None:
    ref = owner_of_kind(machine_set.metadata, GROUP, "MachineDeployment")
    return reader.get(MachineDeployment, machine_set.metadata.namespace, ref.name) if ref is not None else None


def _move_target(reader: Reader, machine_set: MachineSet) -> MachineSet | None:
    name = machine_set.metadata.annotations.get(MOVE_MACHINES_ANNOTATION)
    return reader.get(MachineSet, machine_set.metadata.namespace, name) if name else None


def _orphans(reader: Reader, machine_set: MachineSet) -> tuple[Machine, ...]:
    """Machines that the selector takes, that nobody controls, and that are not on their way out."""
    if machine_set.metadata.deletion_timestamp is not None:
        return ()
    labels = {**machine_set.spec.selector.match_labels, CLUSTER_NAME_LABEL: machine_set.spec.cluster_name}
    return tuple(
        machine
        for machine in reader.list(Machine, machine_set.metadata.namespace, labels=labels)
        if controller_of(machine.metadata) is None
        and machine.metadata.deletion_timestamp is None
        and selects(machine_set.spec.selector, machine.metadata.labels)
    )


async def _template(
    reader: Reader, machine_set: MachineSet, machines: tuple[Machine, ...], ref: ContractReference
) -> Template:
    """The template, and the objects made from it: those of the Machines, and those that are still the set's."""
    namespace = machine_set.metadata.namespace
    found = await _read(reader, namespace, ref)
    made_kind = GroupKind(ref.api_group, kind_from_template(ref.kind))
    try:
        made, _ = await reader.resolve(made_kind)
        await reader.get_object(made_kind, namespace, machine_set.metadata.name)
    except TransientError:
        return Template(found)
    owners = [machine_set.metadata.uid, *(machine.metadata.uid for machine in machines)]
    objects = {
        obj["metadata"]["name"]: obj
        for uid in owners
        for obj in reader.list_objects(made_kind, namespace, owner_uid=uid)
    }
    return Template(found, made, tuple(objects[name] for name in sorted(objects)))
