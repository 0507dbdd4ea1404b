"""The update of a Machine in place: begun by its set, carried out here, and its marks taken away again (7.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import (
    PENDING_HOOKS_ANNOTATION,
    UPDATE_IN_PROGRESS_ANNOTATION,
    UPDATE_MACHINE_HOOK,
)
from capstan.api.objects import Obj
from capstan.api.rules.contract import External
from capstan.api.rules.owners import with_metadata
from capstan.api.struct import encode
from capstan.controllers.machine.snapshot import RESOURCE, MachineSnapshot
from capstan.runtime.plan import Action, Update, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMachine(Action):
    """Have the host changed into what its objects say. One that goes on is an UpdateInProgressError: what follows in
    the plan is for when it is done."""

    machine: Obj
    infrastructure: Obj
    bootstrap: Obj | None = None

    @property
    def summary(self) -> str:
        return f"update the host of Machine {self.machine['metadata']['name']} in place"


def is_updating(machine: Machine) -> bool:
    """Whether the Machine is on its way to another template."""
    return UPDATE_IN_PROGRESS_ANNOTATION in machine.metadata.annotations


def is_update_pending(machine: Machine) -> bool:
    """Whether its objects have been changed, so that the host can follow."""
    return UPDATE_MACHINE_HOOK in _hooks(machine)


def plan_update(snapshot: MachineSnapshot) -> tuple[tuple[Action, ...], tuple[Waiting, ...]]:
    """The decision table: marks without an update are removed, an update without its objects waits for them."""
    machine = snapshot.machine
    if not is_update_pending(machine):
        return (), ()
    if not is_updating(machine):
        return tuple(_finish(snapshot, machine)), ()
    if not is_update_due(snapshot):
        text = "Machine waits for its Node before it is updated in place"
        return (), (Waiting("Updating", "InPlaceUpdating", text),)
    if trouble := update_trouble(snapshot):
        return (), (Waiting("Updating", "InPlaceUpdateFailed", trouble),)
    if waits := unmarked(snapshot):
        return (), (
            Waiting("Updating", "InPlaceUpdating", f"Machine waits for {waits} to be changed by its MachineSet"),
        )
    infrastructure, bootstrap = snapshot.infrastructure.object, snapshot.bootstrap
    assert infrastructure is not None
    ask = UpdateMachine(
        machine=encode(machine),
        infrastructure=infrastructure,
        bootstrap=bootstrap.object if bootstrap is not None else None,
        reason=f"Machine {machine.metadata.name} takes the template of its MachineSet without being replaced",
    )
    without = _without_mark(machine)
    unmark = Update(resource=RESOURCE, before=machine, after=without, reason="its update is done")
    return (ask, unmark, *_finish(snapshot, without)), ()


def is_update_due(snapshot: MachineSnapshot) -> bool:
    """Whether both marks are there, and there is a host that runs as its first objects said."""
    status = snapshot.machine.status
    has_data = snapshot.bootstrap is None or status.initialization.bootstrap_data_secret_created is True
    is_running = status.initialization.infrastructure_provisioned is True and status.node_ref is not None
    return is_updating(snapshot.machine) and is_update_pending(snapshot.machine) and has_data and is_running


def update_trouble(snapshot: MachineSnapshot) -> str:
    """Why the update cannot go on until somebody acts; empty when it can."""
    if snapshot.infrastructure.object is None:
        return "In-place update not possible: InfraMachine not found"
    return "" if snapshot.can_update else "In-place update not possible: nothing that updates Machines is configured"


def unmarked(snapshot: MachineSnapshot) -> str:
    """The object that its MachineSet has not changed yet; empty when all are."""
    for found in (snapshot.infrastructure, snapshot.bootstrap):
        if found is not None and found.object is not None and not _is_marked(found.object):
            return f"{found.kind} {found.name}"
    return ""


def _finish(snapshot: MachineSnapshot, machine: Machine) -> Iterator[Action]:
    """The marks go from the provider objects, then the hook: a crash in between ends here again."""
    for found in (snapshot.infrastructure, snapshot.bootstrap):
        yield from _unmark(found)
    hooks = [hook for hook in _hooks(machine) if hook != UPDATE_MACHINE_HOOK]
    annotations = {k: v for k, v in machine.metadata.annotations.items() if k != PENDING_HOOKS_ANNOTATION}
    if hooks:
        annotations[PENDING_HOOKS_ANNOTATION] = ",".join(hooks)
    after = with_metadata(machine, annotations=annotations)
    reason = "no update of its host is due"
    yield Update(resource=RESOURCE, before=machine, after=after, reason=reason, guarded=False)


def _unmark(found: External | None) -> Iterator[Update]:
    if found is None or found.object is None or found.resource is None or not _is_marked(found.object):
        return
    metadata = found.object["metadata"]
    annotations = {k: v for k, v in metadata["annotations"].items() if k != UPDATE_IN_PROGRESS_ANNOTATION}
    after = {**found.object, "metadata": {**metadata, "annotations": annotations}}
    reason = f"the update of {found.kind} {found.name} is done"
    yield Update(resource=found.resource, before=found.object, after=after, reason=reason)


def _without_mark(machine: Machine) -> Machine:
    annotations = {k: v for k, v in machine.metadata.annotations.items() if k != UPDATE_IN_PROGRESS_ANNOTATION}
    return with_metadata(machine, annotations=annotations)


def _is_marked(obj: Obj) -> bool:
    return UPDATE_IN_PROGRESS_ANNOTATION in (obj["metadata"].get("annotations") or {})


def _hooks(machine: Machine) -> list[str]:
    return [hook for hook in machine.metadata.annotations.get(PENDING_HOOKS_ANNOTATION, "").split(",") if hook]
