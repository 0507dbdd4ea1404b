"""Machines that change in place: from an edit of the deployment to a finished rollout, and what may go wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controllers.lab import joined, provide
from tests.unit.controllers.world import World, condition

from capstan.api.errors import ApiError
from capstan.api.objects import Key, Obj
from capstan.controllers.machine.controller import MachineController
from capstan.runtime.updater import Templates, UpdateAnswer

IN_PROGRESS = "in-place-updates.internal.cluster.x-k8s.io/update-in-progress"
HOOKS = "runtime.cluster.x-k8s.io/pending-hooks"


class Updater:
    """Each host needs to be asked twice; then its kubelet has the version that the Machine asks for."""

    def __init__(self, *, can: bool = True) -> None:
        self.can = can
        self.needed = 2
        self.asked: list[str] = []
        self.compared: list[tuple[str, str]] = []
        self.broken = False
        self.world: World | None = None

    async def can_update(self, current: Templates, desired: Templates) -> bool:
        assert current.infrastructure is not None
        assert desired.bootstrap is not None
        versions = [t.machine_set["spec"]["template"]["spec"]["version"] for t in (current, desired)]
        self.compared.append((versions[0], versions[1]))
        return self.can

    async def update(self, machine: Obj, infrastructure: Obj, bootstrap: Obj | None) -> UpdateAnswer:
        name = machine["metadata"]["name"]
        if self.broken:
            raise ApiError(500, "InternalError", "the disk of the host is full")
        self.asked.append(name)
        if self.asked.count(name) < self.needed:
            return UpdateAnswer(retry_after=5, message="kubelet is being replaced")
        assert self.world is not None
        version = machine["spec"]["version"]
        self.world.edit("Node", name, {"status": {"nodeInfo": {"kubeletVersion": version}}})
        return UpdateAnswer()


def world_with(updater: Updater) -> World:
    world = joined(updater=updater)
    updater.world = world
    # One at a time and no surge: with one, a new Machine would take the place of the first.
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    template = {"spec": {"version": "v1.34.0"}}
    world.edit("MachineDeployment", "workers", {"spec": {"template": template, "rollout": {"strategy": strategy}}})
    return world


def workers(world: World) -> list[Obj]:
    return [m for m in world.all("Machine") if "workers" in m["metadata"]["name"]]


def annotations(obj: Obj) -> dict[str, Any]:
    return dict(obj["metadata"].get("annotations") or {})


def step(world: World, name: str) -> list[str]:
    controller = next(c for c in world.controllers if isinstance(c, MachineController))
    plan = world.reconcile(controller, Key("default", name))
    assert plan is not None
    return [action.summary for action in plan.actions]


def test_a_rollout_in_place_from_edit_to_end() -> None:
    updater = Updater()
    before = {m["metadata"]["uid"] for m in workers(joined(updater=updater))}
    world = world_with(updater)
    hosts = {o["metadata"]["uid"] for o in world.all("LabMachine")}
    phases: set[str] = set()

    def watch(world: World) -> bool:
        phases.update(m["status"].get("phase", "") for m in workers(world))
        return provide(world)

    world.settle(watch)
    assert len(before) == len(workers(world)) == 2
    assert {m["spec"]["version"] for m in workers(world)} == {"v1.34.0"}
    assert hosts - {o["metadata"]["uid"] for o in world.all("LabMachine")} == set(), "no host was replaced"
    assert "Updating" in phases
    for obj in [*workers(world), *world.all("LabMachine"), *world.all("LabConfig")]:
        assert IN_PROGRESS not in annotations(obj)
        assert HOOKS not in annotations(obj)
    for machine in workers(world):
        assert condition(machine, "Updating")["reason"] == "NotUpdating"
        assert condition(machine, "UpToDate")["status"] == "True"
        assert machine["status"]["phase"] == "Running"
    assert updater.compared == [("v1.34.1", "v1.34.0")], "two sets are compared once"
    assert condition(world.get("MachineDeployment", "workers"), "Available")["status"] == "True"


def test_a_rollout_after_a_time_replaces_machines_although_they_could_be_updated() -> None:
    updater = Updater()
    world = joined(updater=updater)
    updater.world = world
    hosts = {o["metadata"]["uid"] for o in world.all("LabMachine")}
    world.now += timedelta(seconds=5)
    after = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    world.now += timedelta(seconds=5)
    world.edit("MachineDeployment", "workers", {"spec": {"rollout": {"after": after}}})
    world.settle(provide)
    left = {o["metadata"]["uid"] for o in world.all("LabMachine") if "workers" in o["metadata"]["name"]}
    assert not hosts & left, "each was replaced"
    assert updater.compared == []


def updating(updater: Updater) -> tuple[World, str]:
    """A world whose first Machine is to be updated now."""
    world = world_with(updater)
    for _ in range(60):
        world.round()
        provide(world)
        for machine in workers(world):
            if IN_PROGRESS in annotations(machine) and "UpdateMachine" in annotations(machine).get(HOOKS, ""):
                return world, str(machine["metadata"]["name"])
    raise AssertionError("\n".join(world.trace[-20:]))


def test_it_says_how_far_it_is() -> None:
    updater = Updater()
    updater.needed = 99
    world, name = updating(updater)
    world.round()
    world.edit("Machine", name, {"metadata": {"annotations": {HOOKS: "Other,UpdateMachine"}}})
    text = "In-place update in progress: kubelet is being replaced"
    step(world, name)
    machine = world.get("Machine", name)
    assert condition(machine, "Updating")["message"] == text
    assert (condition(machine, "UpToDate")["reason"], condition(machine, "UpToDate")["message"]) == (
        "Updating",
        f"* {text}",
    )
    updater.needed = 1
    world.settle(provide)
    assert annotations(world.get("Machine", name))[HOOKS] == "Other", "other hooks stay"


def test_a_failure_is_told_and_tried_again() -> None:
    updater = Updater()
    updater.broken = True
    world, name = updating(updater)
    step(world, name)
    found = condition(world.get("Machine", name), "Updating")
    assert (found["status"], found["reason"]) == ("True", "InPlaceUpdateFailed")
    assert found["message"] == "UpdateMachine hook failed: please check controller logs for errors"
    updater.broken = False
    world.settle(provide)
    assert condition(world.get("Machine", name), "Updating")["status"] == "False"


def test_without_its_host_it_cannot_go_on() -> None:
    updater = Updater()
    updater.broken = True
    world, name = updating(updater)
    world.objects.pop(next(p for p in world.objects if p[0].kind == "LabMachine" and p[1].name == name))
    assert step(world, name) == []
    found = condition(world.get("Machine", name), "Updating")
    assert found["reason"] == "InPlaceUpdateFailed"
    assert found["message"] == "In-place update not possible: InfraMachine not found"


@pytest.mark.parametrize("marked", ["LabMachine", "LabConfig"])
def test_marks_that_a_crash_left_are_removed(marked: str) -> None:
    world = joined(updater=Updater())
    name = workers(world)[0]["metadata"]["name"]
    world.edit(marked, name, {"metadata": {"annotations": {IN_PROGRESS: ""}}})
    world.edit("Machine", name, {"metadata": {"annotations": {HOOKS: "UpdateMachine"}}})
    assert step(world, name) == [f"update {marked} {name}", f"update Machine {name}"]
    assert IN_PROGRESS not in annotations(world.get(marked, name))
    assert HOOKS not in annotations(world.get("Machine", name))
    assert step(world, name) == []


def test_what_cannot_change_in_place_is_replaced() -> None:
    updater = Updater(can=False)
    world = world_with(updater)
    names = {m["metadata"]["name"] for m in workers(world)}
    world.settle(provide)
    assert not names & {m["metadata"]["name"] for m in workers(world)}
    assert updater.asked == []
