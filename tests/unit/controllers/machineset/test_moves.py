"""MachineSet: Machines that are handed to another set and updated there in place; one that fails holds up no other."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.controllers.lab import machine_set
from tests.unit.controllers.world import BOOTSTRAP, INFRA, START

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machineset import MachineSet
from capstan.api.objects import GroupKind, Obj, Resource
from capstan.api.rules.contract import External
from capstan.api.struct import decode
from capstan.controllers.machineset.plan.inplace import plan_updates
from capstan.controllers.machineset.plan.scale import plan_scale
from capstan.controllers.machineset.snapshot import MachineSetSnapshot, Template
from capstan.runtime.plan import Action, Apply, Delete, Emit, Update

IN_PLACE = "in-place-updates.internal.cluster.x-k8s.io"
UPDATING, PENDING = f"{IN_PLACE}/update-in-progress", f"{IN_PLACE}/pending-acknowledge-move"
MOVE, RECEIVE = f"{IN_PLACE}/move-machines-to-machineset", f"{IN_PLACE}/receive-machines-from-machinesets"
ACKNOWLEDGED = f"{IN_PLACE}/acknowledged-move"
HOOKS = "runtime.cluster.x-k8s.io/pending-hooks"
UNIQUE = "machine-template-hash"
UNHEALTHY = {"HealthCheckSucceeded": "False", "OwnerRemediated": "False"}


def machine(
    name: str,
    minute: int = 0,
    *,
    marks: tuple[str, ...] = (),
    hook: bool = False,
    node: bool = True,
    going: bool = False,
    bootstrap: bool = True,
    **conditions: str,
) -> Machine:
    annotations = {**dict.fromkeys(marks, ""), **({HOOKS: "UpdateMachine"} if hook else {})}
    owner = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachineSet", "name": "pool", "uid": "uid-pool"}
    metadata: Obj = {
        "name": name,
        "namespace": "default",
        "uid": f"uid-{name}",
        "labels": {UNIQUE: "123"},
        "annotations": annotations,
        "creationTimestamp": f"2026-01-01T11:{minute:02}:00Z",
        "ownerReferences": [{**owner, "controller": True}],
        **({"deletionTimestamp": "2026-01-01T11:59:00Z"} if going else {}),
    }
    spec: Obj = {"infrastructureRef": {"apiGroup": INFRA, "kind": "LabMachine", "name": name}}
    if bootstrap:
        spec["bootstrap"] = {"configRef": {"apiGroup": BOOTSTRAP, "kind": "LabConfig", "name": name}}
    found = [{"type": type, "status": status, "reason": "Test"} for type, status in conditions.items()]
    status = {"conditions": found, **({"nodeRef": {"name": name}} if node else {})}
    return decode({"metadata": metadata, "spec": spec, "status": status}, Machine)


def a_set(name: str, replicas: int, labels: Obj | None = None, order: str = "", **annotations: str) -> MachineSet:
    declared = machine_set(name, replicas)
    declared["metadata"].update(uid=f"uid-{name}", annotations=annotations, labels=labels or {UNIQUE: "123"})
    if order:
        declared["spec"]["deletion"] = {"order": order}
    return decode(declared, MachineSet)


def template(group: str, kind: str, names: list[str], *, there: bool = True) -> Template:
    body = {"metadata": {"name": "workers", "namespace": "default"}, "spec": {"template": {"spec": {"size": 2}}}}
    made = Resource(group, "v1", f"{kind.lower()}s", kind)
    identity = {"namespace": "default", "uid": "uid", "resourceVersion": "1"}
    objects = tuple(
        {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": name, **identity}, "spec": {}}
        for name in names
    )
    external = External(GroupKind(group, f"{kind}Template"), "workers", object=body if there else None)
    return Template(external, made, objects)


def snapshot(
    own: MachineSet,
    *machines: Machine,
    target: MachineSet | None = None,
    without: str = "",
    no_template: str = "",
    bootstrap: bool = True,
) -> MachineSetSnapshot:
    """`without` is the kind of which no object is there."""
    names = [m.metadata.name for m in machines]
    made = {
        kind: template(group, kind, [] if kind == without else names, there=kind != no_template)
        for group, kind in ((BOOTSTRAP, "LabConfig"), (INFRA, "LabMachine"))
    }
    return MachineSetSnapshot(
        machine_set=own,
        now=START,
        cluster=decode({"metadata": {"name": "homelab"}}, Cluster),
        machines=machines,
        bootstrap=made["LabConfig"] if bootstrap else None,
        infrastructure=made["LabMachine"],
        move_target=target,
    )


def changed(actions: Any) -> list[str]:
    return [a.after.metadata.name for a in actions if isinstance(a, Update) and not isinstance(a.after, dict)]


def deleted(actions: Any) -> list[str]:
    return [a.target.key.name for a in actions if isinstance(a, Delete)]


OTHER = a_set("other", 2, {UNIQUE: "456"}, **{RECEIVE: "pool,third"})
GIVES = {MOVE: "other"}


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (None, "MachineSet other, which is to take its Machines over, does not exist"),
        (a_set("other", 2, {UNIQUE: "456"}, **{RECEIVE: "third"}), "MachineSet other does not accept Machines of"),
        (a_set("other", 2, {"a": "b"}, **{RECEIVE: "pool"}), f"MachineSet other does not have the {UNIQUE} label"),
    ],
)
def test_nothing_moves_that_both_sets_do_not_agree_on(target: MachineSet | None, text: str) -> None:
    scale = plan_scale(snapshot(a_set("pool", 1, **GIVES), machine("m1"), machine("m2"), target=target), a_set("p", 1))
    assert changed(scale.actions) == deleted(scale.actions) == []
    assert text in scale.waiting_on[0].message


@pytest.mark.parametrize(
    ("replicas", "order", "machines", "moved", "removed"),
    [
        (2, "Newest", [machine(f"m{at}", at) for at in (1, 2, 3, 4)], ["m4", "m3"], []),
        # Unhealthy ones are not worth an update; but a mark alone, of a Machine that healed, does not make it so.
        (0, "Newest", [machine("m1", 1, node=False, **UNHEALTHY), machine("m2", 2, node=False)], [], ["m1"]),
        (1, "", [machine("m1", OwnerRemediated="False"), machine("m2")], ["m1"], []),
        (0, "", [machine("m1", node=False), machine("m2", node=False)], [], []),
        (2, "Newest", [machine(f"m{at}", at, going=at == 4) for at in (1, 2, 3, 4)], ["m3"], []),
        (2, "", [machine("m1"), machine("m2", marks=(UPDATING,)), machine("m3"), machine("m4")], ["m1", "m3"], []),
        (2, "", [machine("m1"), machine("m2", hook=True), machine("m3"), machine("m4")], ["m1", "m3"], []),
    ],
)
def test_who_moves(replicas: int, order: str, machines: list[Machine], moved: list[str], removed: list[str]) -> None:
    own = a_set("pool", replicas, order=order, **GIVES)
    actions = plan_scale(snapshot(own, *machines, target=OTHER), own).actions
    assert (changed(actions), deleted(actions)) == (moved, removed)


def test_one_patch_hands_a_machine_over() -> None:
    own = a_set("pool", 0, **GIVES)
    (update,) = plan_scale(snapshot(own, machine("m1"), target=OTHER), own).actions
    assert isinstance(update, Update)
    meta = update.after.metadata
    assert [(ref.name, ref.controller) for ref in meta.owner_references] == [("other", True)]
    assert meta.labels == {UNIQUE: "456"}
    assert meta.annotations == {UPDATING: "", PENDING: ""}
    assert update.part == "m1", "one that is refused keeps no other from moving"


@pytest.mark.parametrize(
    ("own", "machines", "removed"),
    [
        # Those that nobody has counted yet are beside the number that is wanted.
        (a_set("pool", 2, **{RECEIVE: "x"}), [machine("m1"), machine("m2"), machine("m3", marks=(PENDING,))], []),
        (
            a_set("pool", 1, **{RECEIVE: "x"}),
            [machine("m1"), machine("m2"), machine("m3", marks=(PENDING, UPDATING))],
            ["m1"],
        ),
        (a_set("pool", 2), [machine("m1"), machine("m2"), machine("m3", marks=(UPDATING,))], ["m3"]),
        (a_set("pool", 2, order="Newest"), [machine(f"m{at}", at) for at in (1, 2, 3, 4)], ["m4", "m3"]),
        (
            a_set("pool", 2, order="Newest"),
            [machine(f"m{at}", at, going=at in (2, 4)) for at in (1, 2, 3, 4)],
            [],
        ),
        (a_set("pool", 2, order="Newest"), [machine(f"m{at}", at, going=at == 4) for at in (1, 2, 3, 4)], ["m3"]),
    ],
)
def test_who_is_deleted(own: MachineSet, machines: list[Machine], removed: list[str]) -> None:
    assert deleted(plan_scale(snapshot(own, *machines), own).actions) == removed


def test_a_machine_that_is_refused_keeps_no_other_from_going_and_is_told() -> None:
    own = a_set("pool", 0)
    actions = plan_scale(snapshot(own, machine("m1"), machine("m2")), own).actions
    first, told, second, _ = actions
    assert (first.part, told.part, second.part) == ("m1", "m1", "m2")
    assert isinstance(told, Emit)
    assert (told.name, told.reason) == ("SuccessfulDelete", 'Deleted Machine "m1"')
    assert first.on_failure is not None
    failure = first.on_failure
    assert (failure.type, failure.name, failure.reason) == ("Warning", "FailedDelete", 'Failed to delete Machine "m1"')


MOVED = (UPDATING, PENDING)
TAKES = a_set("pool", 3, **{RECEIVE: "old"})
COUNTED = a_set("pool", 3, **{RECEIVE: "old", ACKNOWLEDGED: "m1,m2"})


def begun(own: MachineSet, found: Machine, **parts: Any) -> tuple[list[str], list[str], list[Action]]:
    """Which objects change, what is waited for, and the actions."""
    actions, waiting = plan_updates(snapshot(own, found, **parts))
    kinds = [a.resource.kind for a in actions if isinstance(a, Apply | Update)]
    return kinds, [w.message for w in waiting], actions


@pytest.mark.parametrize(
    ("own", "found", "parts", "kinds", "waits"),
    [
        (TAKES, machine("m1"), {}, [], ""),
        (TAKES, machine("m1", marks=(UPDATING,), hook=True), {}, [], ""),
        (TAKES, machine("m1", marks=(UPDATING,)), {"without": "LabMachine"}, [], "LabMachine m1 does not exist"),
        (TAKES, machine("m1", marks=(UPDATING,)), {"no_template": "LabMachine"}, [], "LabMachineTemplate workers does"),
        (TAKES, machine("m1", marks=(UPDATING,)), {"without": "LabConfig"}, [], "LabConfig m1 does not exist"),
        (TAKES, machine("m1", marks=(UPDATING,)), {"no_template": "LabConfig"}, [], "LabConfigTemplate workers does"),
        (TAKES, machine("m1", marks=MOVED), {}, [], "waits to be counted by its MachineDeployment"),
        (COUNTED, machine("m1", marks=MOVED), {}, ["LabMachine", "LabConfig", "Machine"], ""),
        (a_set("pool", 3), machine("m1", marks=MOVED), {}, ["LabMachine", "LabConfig", "Machine"], ""),
        (COUNTED, machine("m1", marks=MOVED, bootstrap=False), {"bootstrap": False}, ["LabMachine", "Machine"], ""),
    ],
)
def test_when_an_update_in_place_begins(
    own: MachineSet, found: Machine, parts: Obj, kinds: list[str], waits: str
) -> None:
    changes, waiting, _ = begun(own, found, **parts)
    assert changes == kinds
    assert waits in "".join(waiting) and bool(waits) == bool(waiting)


def test_the_hook_is_the_last_thing_that_is_written_and_is_told_of_the_machine() -> None:
    _, _, actions = begun(COUNTED, machine("m1", marks=MOVED))
    *_, update, told = actions
    assert isinstance(update, Update) and isinstance(told, Emit)
    annotations = update.after.metadata.annotations
    assert (annotations[HOOKS], PENDING in annotations, UPDATING in annotations) == ("UpdateMachine", False, True)
    assert update.after.spec.version == "v1.34.1"
    assert (told.name, told.reason) == ("SuccessfulStartInPlaceUpdate", "Machine starting in-place update")
    assert told.about is not None and told.about.key.name == "m1"
    assert {action.part for action in actions} == {"m1"}
