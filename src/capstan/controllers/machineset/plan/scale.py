"""How many Machines to create or delete, and which (3.4)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    DELETE_MACHINE_ANNOTATION,
    DISABLE_MACHINE_CREATE_ANNOTATION,
)
from capstan.api.cluster.updating import is_updating
from capstan.api.objects import Key
from capstan.api.rules.conditions import is_false
from capstan.api.rules.contract import clone_template, missing_templates_text
from capstan.api.rules.names import NAMED_ANNOTATION, NameTemplateError, free_counters, render_name, suffix
from capstan.api.rules.owners import owner_reference, with_metadata
from capstan.controllers.machineset.plan.deleting import delete_and_tell
from capstan.controllers.machineset.plan.inplace import choose, is_pending, move, moves_to, refusal
from capstan.controllers.machineset.plan.preflight import failed_checks
from capstan.controllers.machineset.plan.propagation import MANAGER, handover, marks, new_machine
from capstan.controllers.machineset.snapshot import RESOURCE, MachineSetSnapshot
from capstan.runtime.plan import Action, Create, Delete, Emit, ObjectRef, Waiting

PREFLIGHT_RETRY_SECONDS = 15.0
_DEFAULT_NAME = "{{ .machineSet.name }}-{{ .random }}"
_OLD_AGE_SECONDS = 864_000.0
_REFUSED = Emit(name="FailedCreate", type="Warning", reason="Failed to create Machine")


@dataclass(frozen=True, slots=True)
class Scale:
    """What to do about the number of Machines; `machine_set` carries the counter of names."""

    machine_set: MachineSet
    actions: tuple[Action, ...] = ()
    waiting_on: tuple[Waiting, ...] = ()
    requeue_after: float | None = None


def plan_scale(snapshot: MachineSetSnapshot, machine_set: MachineSet) -> Scale:
    """Compare what is there, Machines on their way out included, with what is wanted."""
    counted = sum(not is_pending(snapshot, machine) for machine in snapshot.machines)
    missing = snapshot.desired - counted - len(snapshot.orphans)
    if missing > 0:
        return _scale_up(snapshot, machine_set, missing)
    leftovers = tuple(_delete_leftovers(snapshot, frozenset()))
    surplus = tuple(_shrink(snapshot, -missing)) if missing < 0 else ()
    waiting = tuple(_waiting_for_machines(snapshot))
    if missing < 0 and moves_to(snapshot) and (why := refusal(snapshot)):
        waiting = (
            Waiting("ScalingDown", "ScalingDown", f"MachineSet waits to hand its Machines over: {why}"),
            *waiting,
        )
    return Scale(machine_set, (*leftovers, *surplus), waiting)


def blockers(snapshot: MachineSetSnapshot) -> list[str]:
    """Why no Machine can be created now; each in a few words."""
    if is_creation_disabled(snapshot.machine_set):
        return [f"annotation {DISABLE_MACHINE_CREATE_ANNOTATION} is true"]
    cluster = snapshot.cluster
    if cluster is not None and cluster.metadata.deletion_timestamp is not None:
        return [f"Cluster {cluster.metadata.name} is being deleted"]
    name = name_problem(snapshot.machine_set)
    return [*failed_checks(snapshot), *_template_problems(snapshot), *([name] if name else [])]


def is_creation_disabled(machine_set: MachineSet) -> bool:
    return machine_set.metadata.annotations.get(DISABLE_MACHINE_CREATE_ANNOTATION) == "true"


def name_problem(machine_set: MachineSet) -> str:
    """Why the naming template gives no names; empty when it does."""
    try:
        name_of(machine_set, 0)
    except NameTemplateError as error:
        return str(error)
    return ""


def _template_problems(snapshot: MachineSetSnapshot) -> Iterator[str]:
    """Kinds that nobody serves, then templates that are not there, all in one line."""
    missing = missing_templates_text(template.found for template in snapshot.templates)
    yield from (t.problem for t in snapshot.templates if t.problem and not t.found.missing)
    if missing:
        yield missing


def _scale_up(snapshot: MachineSetSnapshot, machine_set: MachineSet, missing: int) -> Scale:
    blocked = blockers(snapshot)
    if blocked:
        message = f"MachineSet waits to create {missing} Machine(s): " + "; ".join(blocked)
        waiting = (Waiting("ScalingUp", "ScalingUp", message),)
        templates_missing = any(template.problem for template in snapshot.templates)
        return Scale(machine_set, (), waiting, None if templates_missing else PREFLIGHT_RETRY_SECONDS)
    uid = machine_set.metadata.uid
    taken = [machine.metadata.name for machine in (*snapshot.machines, *snapshot.orphans)]
    counters = list(islice(free_counters(machine_set.metadata.annotations, uid, taken), missing))
    names = [name_of(machine_set, counter) for counter in counters]
    have = len(snapshot.machines) + len(snapshot.orphans)
    reason = f"{have} Machine(s) exist, {snapshot.desired} wanted"
    actions: list[Action] = [*_delete_leftovers(snapshot, frozenset(names))]
    for name in names:
        actions.extend(_create_machine(snapshot, name, reason))
    annotations = {**machine_set.metadata.annotations, NAMED_ANNOTATION: str(counters[-1] + 1)}
    return Scale(with_metadata(machine_set, annotations=annotations), tuple(actions))


def name_of(machine_set: MachineSet, counter: int) -> str:
    """The name of the set's Machine number `counter`. Raises NameTemplateError."""
    values = {
        "random": suffix(machine_set.metadata.uid, counter),
        "machineSet.name": machine_set.metadata.name,
        "cluster.name": machine_set.spec.cluster_name,
    }
    template = machine_set.spec.machine_naming.template or _DEFAULT_NAME
    if "random" not in template:
        raise NameTemplateError("the naming template does not use .random, so that names would not be unique")
    return render_name(template, values)


def _create_machine(snapshot: MachineSetSnapshot, name: str, reason: str) -> Iterator[Action]:
    """Bootstrap config, infra machine, Machine, all of one name; the first two are the set's until the last exists."""
    machine_set = snapshot.machine_set
    owner = owner_reference(RESOURCE.api_version, "MachineSet", machine_set.metadata, controller=True)
    for template in snapshot.templates:
        if template.made is None:
            continue
        obj = clone_template(
            template.found,
            template.made,
            name=name,
            namespace=machine_set.metadata.namespace,
            cluster_name=machine_set.spec.cluster_name,
            **marks(machine_set),
            owner=owner,
        )
        yield Create(
            resource=template.made,
            object=obj,
            manager=MANAGER,
            handover=handover(machine_set),
            reason=f"Machine {name} needs it",
            on_failure=_REFUSED,
        )
    machine = new_machine(machine_set, name)
    yield Create(resource=MACHINE.resource(), object=machine, manager=MANAGER, reason=reason, on_failure=_REFUSED)
    yield Emit(name="SuccessfulCreate", reason=f'Created Machine "{name}"')


def _delete_leftovers(snapshot: MachineSetSnapshot, wanted: frozenset[str]) -> Iterator[Action]:
    """Objects of Machines that were never created: still the set's, referred to by none, not asked for again."""
    used = wanted | {m.metadata.name for m in (*snapshot.machines, *snapshot.orphans)}
    for template in snapshot.templates:
        for obj in template.objects:
            name = obj["metadata"]["name"]
            owned = any(
                ref["uid"] == snapshot.machine_set.metadata.uid for ref in obj["metadata"].get("ownerReferences") or ()
            )
            if not owned or name in used or obj["metadata"].get("deletionTimestamp") or template.made is None:
                continue
            if name in _referenced(snapshot):
                continue
            key = Key(obj["metadata"].get("namespace", ""), name)
            target = ObjectRef(template.made, key, obj["metadata"]["uid"])
            yield Delete(target=target, reason="its Machine was never created")


def _referenced(snapshot: MachineSetSnapshot) -> set[str]:
    names = set()
    for machine in (*snapshot.machines, *snapshot.orphans):
        names.add(machine.spec.infrastructure_ref.name)
        if machine.spec.bootstrap.config_ref is not None:
            names.add(machine.spec.bootstrap.config_ref.name)
    return names


def _shrink(snapshot: MachineSetSnapshot, surplus: int) -> Iterator[Action]:
    """The Machines that matter least go: to another set where they can be updated, or for good."""
    order = snapshot.machine_set.spec.deletion.order or "Random"
    counted = [m for m in snapshot.machines if not is_pending(snapshot, m)]
    chosen = sorted(counted, key=lambda m: (-deletion_priority(m, order, snapshot.now), m.metadata.name))
    if not moves_to(snapshot):
        yield from _delete(snapshot, chosen[:surplus], order)
    elif not refusal(snapshot):
        moves = choose(chosen, surplus)
        for machine in moves.moved:
            yield from move(snapshot, machine)
        yield from _delete(snapshot, moves.deleted, order)


def _delete(snapshot: MachineSetSnapshot, machines: Sequence[Machine], order: str) -> Iterator[Action]:
    """Those already on their way count and are not deleted twice."""
    have = len(snapshot.machines) + len(snapshot.orphans)
    for machine in machines:
        if machine.metadata.deletion_timestamp is not None:
            continue
        reason = f"{have} Machine(s) exist, {snapshot.desired} wanted: {_why_this(machine, order)}"
        yield from delete_and_tell(machine, reason)


def deletion_priority(machine: Machine, order: str, now: datetime) -> float:
    """Who goes first: the higher, the sooner. Ties go by name, so that "Random" is the same for everyone."""
    if machine.metadata.deletion_timestamp is not None:
        return 100.0
    if DELETE_MACHINE_ANNOTATION in machine.metadata.annotations:
        return 80.0
    if is_updating(machine):
        return 75.0
    if is_unhealthy(machine):
        return 50.0
    if order == "Random":
        return 20.0
    created = machine.metadata.creation_timestamp
    age = max((now - created).total_seconds(), 0.0) if created is not None else 0.0
    oldest = 50.0 * (1.0 - math.exp(-age / _OLD_AGE_SECONDS))
    return oldest if order == "Oldest" else 50.0 - oldest


def is_unhealthy(machine: Machine) -> bool:
    """Without a node, or reported as bad; merely unknown is not unhealthy."""
    conditions = machine.status.conditions
    return (
        machine.status.node_ref is None
        or is_false(conditions, "NodeHealthy")
        or is_false(conditions, "HealthCheckSucceeded")
    )


def _why_this(machine: Machine, order: str) -> str:
    if DELETE_MACHINE_ANNOTATION in machine.metadata.annotations:
        return "it is marked for deletion"
    if is_unhealthy(machine):
        return "it is not healthy"
    return {"Newest": "it is the newest", "Oldest": "it is the oldest"}.get(order, "it comes first by name")


def _waiting_for_machines(snapshot: MachineSetSnapshot) -> Iterator[Waiting]:
    unready = [m.metadata.name for m in snapshot.machines if not is_ready(m)]
    if unready:
        text = f"MachineSet waits for Machine(s) {', '.join(unready[:5])} to be ready"
        yield Waiting("MachinesReady", "NotReady", text)


def is_ready(machine: Machine) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in machine.status.conditions)
