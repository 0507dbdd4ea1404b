"""The deployment's MachineSets: which are made, brought into step, resized and, once empty, deleted (4.2 to 4.8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import msgspec

from capstan.api.cluster.kinds import MACHINE_SET
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    ACKNOWLEDGED_MOVE_ANNOTATION,
    MOVE_MACHINES_ANNOTATION,
    RECEIVE_MACHINES_ANNOTATION,
    REVISION_ANNOTATION,
)
from capstan.api.cluster.rollouthistory import ROLLOUT_HISTORY_ANNOTATION, with_revision
from capstan.api.objects import Key
from capstan.api.rules.lasting import patience_left
from capstan.api.rules.names import NAMED_ANNOTATION, free_counters, suffix
from capstan.api.rules.owners import with_metadata
from capstan.api.struct import encode
from capstan.controllers.machinedeployment.plan.revision import revision_annotations
from capstan.controllers.machinedeployment.plan.rollout import Fleet, Rollout, by_age, plan_rollout
from capstan.controllers.machinedeployment.plan.rollout.fleet import replicas_of
from capstan.controllers.machinedeployment.plan.shape import IN_PLACE, MANAGER, in_step, intent_of, new_machine_set
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.runtime.intent import plan_apply, shown
from capstan.runtime.plan import Action, Create, Delete, Emit, ObjectRef, Waiting

_NOW_CURRENT = "this is now the current MachineSet"


@dataclass(frozen=True, slots=True)
class Sets:
    """What to do about the sets; `deployment` carries the revision and the counter of names."""

    deployment: MachineDeployment
    actions: tuple[Action, ...] = ()
    waiting_on: tuple[Waiting, ...] = ()
    requeue_after: float | None = None


def plan_sets(snapshot: MachineDeploymentSnapshot, deployment: MachineDeployment) -> Sets:
    """One round: the current set is made if there is none, and every set gets the size and marks that it needs."""
    if snapshot.orphans:
        # Adopted in this round; only then is it known which sets there are.
        return Sets(deployment)
    current = snapshot.current
    made = None
    if current is None and deployment.spec.paused:
        current = max(_living(snapshot), key=by_age, default=None)
    if current is None:
        why = _blocked(snapshot)
        if why:
            return _waiting_to_create(snapshot, deployment, why)
        meta = deployment.metadata
        taken = [s.metadata.name for s in snapshot.machine_sets]
        counter = next(islice(free_counters(meta.annotations, meta.uid, taken), 1))
        current = made = new_machine_set(deployment, suffix(meta.uid, counter))
        deployment = _with_annotations(deployment, {NAMED_ANNOTATION: str(counter + 1)})
    return _carry_out(snapshot, deployment, current, made)


def _history(deployment: MachineDeployment, number: str) -> dict[str, str]:
    """The present template among those that can come back."""
    if deployment.spec.paused or not number.isdigit():
        return {}
    template = encode(deployment.spec.template.spec)
    return {ROLLOUT_HISTORY_ANNOTATION: with_revision(deployment.metadata.annotations, int(number), template)}


def _living(snapshot: MachineDeploymentSnapshot) -> list[MachineSet]:
    return [s for s in snapshot.machine_sets if s.metadata.deletion_timestamp is None]


def _carry_out(
    snapshot: MachineDeploymentSnapshot, deployment: MachineDeployment, current: MachineSet, made: MachineSet | None
) -> Sets:
    old = sorted((s for s in snapshot.machine_sets if s.metadata.name != current.metadata.name), key=by_age)
    rollout = plan_rollout(_fleet(snapshot, current, old))
    revision = {} if deployment.spec.paused else revision_annotations(current, old)
    if revision and made is None:
        rollout.notes.setdefault(current.metadata.name, []).insert(0, _NOW_CURRENT)
    actions: list[Action] = []
    for machine_set in old:
        if machine_set.metadata.deletion_timestamp is None:
            actions.extend(_old_set(snapshot, rollout, machine_set))
    after = _planned(snapshot, rollout, current, {**_current_marks(rollout), **revision}, is_current=True)
    if made is not None:
        # A new set is told from which ones it receives when it is made, so that they may begin at once.
        actions = [*_create(snapshot, rollout, after), *actions]
    else:
        actions.extend(_update(current, after, rollout, is_current=True))
    number = after.metadata.annotations.get(REVISION_ANNOTATION) or "1"
    noted = _with_annotations(deployment, {REVISION_ANNOTATION: number, **_history(deployment, number)})
    return Sets(noted, tuple(actions), _waiting(snapshot, current, old))


def _fleet(snapshot: MachineDeploymentSnapshot, current: MachineSet, old: list[MachineSet]) -> Fleet:
    names = {s.metadata.uid: s.metadata.name for s in snapshot.machine_sets}
    by_set: dict[str, list[Machine]] = {}
    for machine in snapshot.machines:
        owner = next((ref.uid for ref in machine.metadata.owner_references if ref.controller), "")
        if owner in names:
            by_set.setdefault(names[owner], []).append(machine)
    # Who is on the way out asks for nothing any more, whatever the spec says.
    going = [s if s.metadata.deletion_timestamp is None else _without_replicas(s) for s in old]
    return Fleet(
        deployment=snapshot.deployment,
        current=current,
        old=tuple(going),
        machines=by_set,
        updatable=snapshot.updatable,
    )


def _without_replicas(machine_set: MachineSet) -> MachineSet:
    return msgspec.structs.replace(machine_set, spec=msgspec.structs.replace(machine_set.spec, replicas=0))


def _current_marks(rollout: Rollout) -> dict[str, str]:
    marks = {}
    if rollout.receive_from:
        marks[RECEIVE_MACHINES_ANNOTATION] = ",".join(rollout.receive_from)
    if rollout.acknowledged:
        marks[ACKNOWLEDGED_MOVE_ANNOTATION] = ",".join(rollout.acknowledged)
    return marks


def _old_set(snapshot: MachineDeploymentSnapshot, rollout: Rollout, machine_set: MachineSet) -> Iterator[Action]:
    if _is_complete(snapshot) and _is_empty(machine_set):
        meta = machine_set.metadata
        target = ObjectRef(MACHINE_SET.resource(), Key(meta.namespace, meta.name), meta.uid)
        refused = Emit(name="FailedDelete", type="Warning", reason=f'Failed to delete MachineSet "{meta.name}"')
        reason = "the rollout is complete and the set has no Machines any more"
        yield Delete(target=target, reason=reason, on_failure=refused)
        yield Emit(name="SuccessfulDelete", reason=f'Deleted MachineSet "{meta.name}"')
        return
    target_set = rollout.move_to.get(machine_set.metadata.name)
    marks = {} if target_set is None else {MOVE_MACHINES_ANNOTATION: target_set}
    after = _planned(snapshot, rollout, machine_set, marks, is_current=False)
    yield from _update(machine_set, after, rollout, is_current=False)


def _is_complete(snapshot: MachineDeploymentSnapshot) -> bool:
    """Whether all that is wanted is there, and nothing else (4.7)."""
    status, wanted = snapshot.deployment.status, snapshot.desired
    seen = (status.observed_generation or 0) >= snapshot.deployment.metadata.generation
    return seen and wanted == status.replicas == status.up_to_date_replicas == status.available_replicas


def _is_empty(machine_set: MachineSet) -> bool:
    seen = (machine_set.status.observed_generation or 0) >= machine_set.metadata.generation
    return seen and not machine_set.spec.replicas and not machine_set.status.replicas


def _planned(
    snapshot: MachineDeploymentSnapshot,
    rollout: Rollout,
    machine_set: MachineSet,
    marks: Mapping[str, str],
    *,
    is_current: bool,
) -> MachineSet:
    after = in_step(snapshot.deployment, machine_set, marks, is_current=is_current)
    size = rollout.size(machine_set)
    if machine_set.spec.replicas == size:
        return after
    return msgspec.structs.replace(after, spec=msgspec.structs.replace(after.spec, replicas=size))


def _create(snapshot: MachineDeploymentSnapshot, rollout: Rollout, machine_set: MachineSet) -> Iterator[Action]:
    name = machine_set.metadata.name
    others = len(snapshot.machine_sets)
    why = f"MachineDeployment {snapshot.deployment.metadata.name} has no MachineSet"
    reason = f"{why} with its present template" if others else why
    notes = rollout.notes.get(name, ())
    if others and notes:
        reason += f"; {replicas_of(machine_set)} replicas: {', '.join(notes)}"
    place = f"MachineSet {machine_set.metadata.namespace}/{name}"
    refused = Emit(name="FailedCreate", type="Warning", reason=f"Failed to create {place}")
    yield Create(
        resource=MACHINE_SET.resource(),
        object=intent_of(machine_set),
        manager=MANAGER,
        reason=reason,
        on_failure=refused,
    )
    yield Emit(name="SuccessfulCreate", reason=f"Created {place} with {replicas_of(machine_set)} replicas")


def _update(before: MachineSet, after: MachineSet, rollout: Rollout, *, is_current: bool) -> Iterator[Action]:
    """One write to a set that exists, and an Event when its size changes."""
    name, old, new = before.metadata.name, replicas_of(before), replicas_of(after)
    what = "current MachineSet" if is_current else "old MachineSet"
    reason = f"{what} {name} follows its deployment"
    if old != new:
        why = ", ".join(rollout.notes.get(name, ()))
        reason = f"scale {what} {name} from {old} to {new}: {why}"
    refused = _refused(before, scaled_only=rollout.paused and old != new)
    have, intent, resource = shown(before, before.spec), intent_of(after), MACHINE_SET.resource()
    yield from plan_apply(resource, have, intent, MANAGER, reason, claim=IN_PLACE, on_failure=refused)
    if rollout.paused and old != new:
        place = f"{before.metadata.namespace}/{name}"
        yield Emit(name="SuccessfulScale", reason=f"Scaled MachineSet {place}: {old} -> {new}")
    elif old != new:
        word = "up" if new > old else "down"
        yield Emit(name="SuccessfulScale", reason=f"Scaled {word} MachineSet {name}: {old} -> {new}")


def _refused(machine_set: MachineSet, *, scaled_only: bool) -> Emit:
    """What is told when the set cannot be changed."""
    place = f"MachineSet {machine_set.metadata.namespace}/{machine_set.metadata.name}"
    if scaled_only:
        return Emit(name="FailedScale", type="Warning", reason=f"Failed to scale {place}")
    return Emit(name="FailedUpdate", type="Warning", reason=f"Failed to update {place}")


def _waiting(snapshot: MachineDeploymentSnapshot, current: MachineSet, old: list[MachineSet]) -> tuple[Waiting, ...]:
    outdated = sum(max(replicas_of(s), s.status.replicas or 0) for s in old)
    if outdated:
        text = f"MachineDeployment waits for {outdated} Machine(s) of older MachineSets to be replaced"
        return (Waiting("RollingOut", "RollingOut", text),)
    wanted, available = snapshot.desired, current.status.available_replicas or 0
    if available >= wanted:
        return ()
    name = current.metadata.name
    text = f"MachineDeployment waits for MachineSet {name}: {available} of {wanted} Machine(s) are available"
    return (Waiting("Available", "NotAvailable", text),)


def _with_annotations(deployment: MachineDeployment, wanted: dict[str, str]) -> MachineDeployment:
    have = deployment.metadata.annotations
    if wanted.items() <= have.items():
        return deployment
    return with_metadata(deployment, annotations={**have, **wanted})


def _blocked(snapshot: MachineDeploymentSnapshot) -> list[str]:
    """Why no set can be made now; each in a few words."""
    why = [f.problem or f"{f.kind} {f.name} does not exist" for f in snapshot.templates if f.object is None]
    if snapshot.deployment.spec.paused:
        why.append("spec.paused is true")
    if snapshot.cluster is not None and snapshot.cluster.metadata.deletion_timestamp is not None:
        why.append(f"Cluster {snapshot.cluster.metadata.name} is being deleted")
    return why


def _waiting_to_create(snapshot: MachineDeploymentSnapshot, deployment: MachineDeployment, why: list[str]) -> Sets:
    text = "MachineDeployment waits to create its MachineSet: " + "; ".join(why)
    waiting = (Waiting("ScalingUp", "ScalingUp", text),)
    if all(found.object is not None for found in snapshot.templates):
        return Sets(deployment, (), waiting)
    left = patience_left(deployment.metadata.creation_timestamp, snapshot.now)
    told = Emit(name="TemplateNotFound", type="Warning", reason=f"{text}: create it, or correct spec.template.spec")
    return Sets(deployment, (told,) if not left else (), waiting, left or None)
