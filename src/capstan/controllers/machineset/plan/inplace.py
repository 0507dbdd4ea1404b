"""Machines that change in place: handed over to another set, taken over, and their update begun (7.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from capstan.api.cluster.kinds import MACHINE, MACHINE_SET
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    ACKNOWLEDGED_MOVE_ANNOTATION,
    CLONED_FROM_GROUP_KIND_ANNOTATION,
    CLONED_FROM_NAME_ANNOTATION,
    MOVE_MACHINES_ANNOTATION,
    PENDING_HOOKS_ANNOTATION,
    PENDING_MOVE_ANNOTATION,
    RECEIVE_MACHINES_ANNOTATION,
    TEMPLATE_HASH_LABEL,
    UPDATE_IN_PROGRESS_ANNOTATION,
    UPDATE_MACHINE_HOOK,
)
from capstan.api.cluster.updating import is_update_pending, is_updating
from capstan.api.objects import Key, Obj
from capstan.api.rules.conditions import is_false
from capstan.api.rules.contract import clone_template
from capstan.api.rules.owners import owner_reference, with_metadata
from capstan.controllers.machineset.plan.propagation import MANAGER
from capstan.controllers.machineset.snapshot import MachineSetSnapshot, Template
from capstan.runtime.intent import plan_apply
from capstan.runtime.plan import Action, Emit, ObjectRef, Update, Waiting


def is_pending(snapshot: MachineSetSnapshot, machine: Machine) -> bool:
    """Whether the Machine was handed to this set and the deployment has not counted it yet."""
    if PENDING_MOVE_ANNOTATION not in machine.metadata.annotations:
        return False
    receives = RECEIVE_MACHINES_ANNOTATION in snapshot.machine_set.metadata.annotations
    # Once the deployment has counted it, the number of replicas includes it.
    return receives and machine.metadata.name not in listed(snapshot.machine_set, ACKNOWLEDGED_MOVE_ANNOTATION)


def listed(machine_set: MachineSet, annotation: str) -> frozenset[str]:
    """The names in a comma-separated annotation of a set."""
    return frozenset(name for name in machine_set.metadata.annotations.get(annotation, "").split(",") if name)


def moves_to(snapshot: MachineSetSnapshot) -> str:
    """The set that this one hands its Machines to; empty when it deletes what is too much."""
    return snapshot.machine_set.metadata.annotations.get(MOVE_MACHINES_ANNOTATION, "")


def refusal(snapshot: MachineSetSnapshot) -> str:
    """Why Machines cannot be handed over now; empty when they can."""
    name, target = moves_to(snapshot), snapshot.move_target
    if target is None:
        return f"MachineSet {name}, which is to take its Machines over, does not exist"
    if snapshot.machine_set.metadata.name not in listed(target, RECEIVE_MACHINES_ANNOTATION):
        return f"MachineSet {name} does not accept Machines of this one yet"
    if TEMPLATE_HASH_LABEL not in target.metadata.labels:
        return f"MachineSet {name} does not have the {TEMPLATE_HASH_LABEL} label"
    return ""


@dataclass(frozen=True, slots=True)
class Moves:
    """`deleted` go the ordinary way: an unhealthy Machine is not worth an update."""

    moved: tuple[Machine, ...] = ()
    deleted: tuple[Machine, ...] = ()


def choose(ordered: list[Machine], surplus: int) -> Moves:
    """Who moves, in the order in which Machines would be deleted. Machines on their way out count; those that are
    updating or have no node yet are left alone, and do not."""
    moved: list[Machine] = []
    deleted: list[Machine] = []
    counted = 0
    for machine in ordered:
        if counted == surplus:
            break
        if machine.metadata.deletion_timestamp is not None:
            counted += 1
        elif is_false(machine.status.conditions, "HealthCheckSucceeded") and is_false(
            machine.status.conditions, "OwnerRemediated"
        ):
            deleted.append(machine)
            counted += 1
        elif not is_updating(machine) and machine.status.node_ref is not None:
            moved.append(machine)
            counted += 1
    return Moves(tuple(moved), tuple(deleted))


def move(snapshot: MachineSetSnapshot, machine: Machine) -> Iterator[Action]:
    """One patch hands the Machine over: its owner, its place among the sets, and that an update is due."""
    target = snapshot.move_target
    assert target is not None
    meta = machine.metadata
    owner = owner_reference(MACHINE_SET.resource().api_version, "MachineSet", target.metadata, controller=True)
    kept = tuple(ref for ref in meta.owner_references if not ref.controller)
    after = with_metadata(
        machine,
        owner_references=(owner, *kept),
        labels={**meta.labels, TEMPLATE_HASH_LABEL: target.metadata.labels[TEMPLATE_HASH_LABEL]},
        annotations={**meta.annotations, PENDING_MOVE_ANNOTATION: "", UPDATE_IN_PROGRESS_ANNOTATION: ""},
    )
    reason = f"Machine {meta.name} moves to MachineSet {target.metadata.name}, where it is updated in place"
    yield Update(resource=MACHINE.resource(), before=machine, after=after, reason=reason, part=meta.name)


def plan_updates(snapshot: MachineSetSnapshot) -> tuple[list[Action], list[Waiting]]:
    """Begin the update of every Machine that the deployment has counted among this set's."""
    actions: list[Action] = []
    waiting: list[Waiting] = []
    acknowledged = listed(snapshot.machine_set, ACKNOWLEDGED_MOVE_ANNOTATION)
    for machine in snapshot.machines:
        marked = UPDATE_IN_PROGRESS_ANNOTATION in machine.metadata.annotations
        if not marked or machine.metadata.deletion_timestamp is not None:
            continue
        name = machine.metadata.name
        if is_pending(snapshot, machine) and name not in acknowledged:
            waiting.append(
                Waiting("UpToDate", "Updating", f"Machine {name} waits to be counted by its MachineDeployment")
            )
        elif not _is_triggered(machine):
            missing = _missing(snapshot, machine)
            if missing:
                waiting.append(
                    Waiting("UpToDate", "Updating", f"Machine {name} waits to be updated in place: {missing}")
                )
            else:
                actions.extend(_trigger(snapshot, machine))
    return actions, waiting


def _pairs(snapshot: MachineSetSnapshot, machine: Machine) -> list[tuple[Template, str]]:
    """The templates of the set, and the name of what the Machine has from each; the infra machine first, whose update
    is the likeliest to be refused."""
    spec = machine.spec
    pairs = [(snapshot.infrastructure, spec.infrastructure_ref.name)]
    if snapshot.bootstrap is not None and spec.bootstrap.config_ref is not None:
        pairs.append((snapshot.bootstrap, spec.bootstrap.config_ref.name))
    return pairs


def _missing(snapshot: MachineSetSnapshot, machine: Machine) -> str:
    """What has to be there before the update can begin: a Machine is not updated by halves."""
    for template, name in _pairs(snapshot, machine):
        if template.problem:
            return template.problem
        assert template.made is not None
        if snapshot.object_of(template, name) is None:
            return f"{template.made.kind} {name} does not exist"
    return ""


def _is_triggered(machine: Machine) -> bool:
    return is_update_pending(machine) and PENDING_MOVE_ANNOTATION not in machine.metadata.annotations


def _trigger(snapshot: MachineSetSnapshot, machine: Machine) -> Iterator[Action]:
    """Infra machine, bootstrap config and Machine get the new template's content, and then the hook that says so:
    last, so that nothing is updated by halves."""
    meta, spec = machine.metadata, machine.spec
    for template, name in _pairs(snapshot, machine):
        found = snapshot.object_of(template, name)
        assert template.made is not None and found is not None
        intent = _intent(snapshot, template, found)
        reason = f"{template.made.kind} {name} takes the template of MachineSet {snapshot.machine_set.metadata.name}"
        yield from plan_apply(template.made, found, intent, MANAGER, reason, part=meta.name)
    wanted = snapshot.machine_set.spec.template.spec
    hooks = [hook for hook in meta.annotations.get(PENDING_HOOKS_ANNOTATION, "").split(",") if hook]
    annotations = {k: v for k, v in meta.annotations.items() if k != PENDING_MOVE_ANNOTATION}
    annotations[PENDING_HOOKS_ANNOTATION] = ",".join(dict.fromkeys([*hooks, UPDATE_MACHINE_HOOK]))
    changed = msgspec.structs.replace(spec, version=wanted.version, failure_domain=wanted.failure_domain)
    after_machine = with_metadata(msgspec.structs.replace(machine, spec=changed), annotations=annotations)
    reason = f"Machine {meta.name} is to be updated in place"
    yield Update(resource=MACHINE.resource(), before=machine, after=after_machine, reason=reason, part=meta.name)
    about = ObjectRef(MACHINE.resource(), Key(meta.namespace, meta.name), meta.uid)
    told = "Machine starting in-place update"
    yield Emit(name="SuccessfulStartInPlaceUpdate", reason=told, about=about, part=meta.name)


def _intent(snapshot: MachineSetSnapshot, template: Template, obj: Obj) -> Obj:
    """What the set states of an object when its update begins: the content of the template, where it is from, and
    that it is updated. Labels and other annotations are not its maker's."""
    assert template.made is not None
    metadata = obj["metadata"]
    place = {"name": metadata["name"], "namespace": metadata.get("namespace", "")}
    cluster = snapshot.machine_set.spec.cluster_name
    wanted = clone_template(
        template.found, template.made, **place, cluster_name=cluster, labels={}, annotations={}, owner=None
    )
    made = wanted["metadata"].get("annotations", {})
    origin = {k: made[k] for k in (CLONED_FROM_NAME_ANNOTATION, CLONED_FROM_GROUP_KIND_ANNOTATION) if k in made}
    return {**wanted, "metadata": {**place, "annotations": {**origin, UPDATE_IN_PROGRESS_ANNOTATION: ""}}}
