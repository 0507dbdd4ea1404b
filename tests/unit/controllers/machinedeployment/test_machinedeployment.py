"""MachineDeployment: its MachineSets, made, sized and replaced; what is rolling out is told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.controllers.lab import declared, joined, provide
from tests.unit.controllers.world import INFRA, World, condition

from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.objects import Key, Obj
from capstan.api.struct import decode
from capstan.controllers.machinedeployment.controller import MachineDeploymentController
from capstan.controllers.machinedeployment.plan.limits import max_surge, max_unavailable

PREFIX = "machinedeployment.clusters.x-k8s.io"


def step(world: World) -> Any:
    controller = next(c for c in world.controllers if isinstance(c, MachineDeploymentController))
    return world.reconcile(controller, Key("default", "workers"))


def reported(world: World, type: str) -> tuple[str, str, str]:
    found = condition(world.get("MachineDeployment", "workers"), type)
    return found["status"], found["reason"], found["message"]


def edit(world: World, **spec: Any) -> None:
    world.edit("MachineDeployment", "workers", {"spec": spec})


def the_set(world: World) -> Obj:
    (found,) = world.all("MachineSet")
    return found


def test_makes_one_set_with_the_marks_that_it_needs() -> None:
    world = joined(2)
    made = the_set(world)
    meta = made["metadata"]
    assert meta["name"].startswith("workers-")
    unique = meta["labels"]["machine-template-hash"]
    assert unique.endswith(meta["name"].removeprefix("workers"))
    assert made["spec"]["selector"]["matchLabels"]["machine-template-hash"] == unique
    assert made["spec"]["template"]["metadata"]["labels"]["machine-template-hash"] == unique
    assert meta["annotations"][f"{PREFIX}/revision"] == "1"
    assert meta["annotations"][f"{PREFIX}/desired-replicas"] == "2"
    assert meta["annotations"][f"{PREFIX}/max-replicas"] == "3"
    assert world.get("MachineDeployment", "workers")["metadata"]["annotations"][f"{PREFIX}/revision"] == "1"
    assert all(value != {} for value in made["spec"].values()), "empty objects are refused by the schema"


def test_an_empty_selector_takes_its_own() -> None:
    world = declared(1)
    world.edit("MachineDeployment", "workers", {"spec": {"selector": {"matchLabels": None}}})
    world.settle(provide)
    labels = the_set(world)["spec"]["selector"]["matchLabels"]
    assert labels["cluster.x-k8s.io/deployment-name"] == "workers"
    assert world.get("MachineDeployment", "workers")["status"]["readyReplicas"] == 1


def test_scales_its_set() -> None:
    world = joined(2)
    edit(world, replicas=5)
    plan = step(world)
    assert "from 2 to 5" in plan.actions[0].reason
    name = the_set(world)["metadata"]["name"]
    assert world.events[-1] == f"Normal SuccessfulScale: Scaled up MachineSet {name}: 2 -> 5"
    assert the_set(world)["spec"]["replicas"] == 5
    assert the_set(world)["metadata"]["annotations"][f"{PREFIX}/max-replicas"] == "6"


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ({"version": "v1.35.0"}, "* Version v1.34.1, v1.35.0 required"),
        (
            {"infrastructureRef": {"apiGroup": INFRA, "kind": "LabMachineTemplate", "name": "other"}},
            "* LabMachine is not up-to-date",
        ),
        ({"bootstrap": {"configRef": {"name": "other"}}}, "* LabConfig is not up-to-date"),
    ],
)
def test_what_needs_new_machines_makes_a_new_set_and_is_told(template: Obj, line: str) -> None:
    world = joined(2)
    old = the_set(world)["metadata"]["name"]
    machines = {m["metadata"]["name"] for m in world.all("Machine")}
    edit(world, template={"spec": template})
    world.settle(provide)
    assert machines <= {m["metadata"]["name"] for m in world.all("Machine")}, "nothing new is ready: the old ones stay"
    sizes = {s["metadata"]["name"]: s["spec"]["replicas"] for s in world.all("MachineSet")}
    assert sizes.pop(old) == 2
    assert list(sizes.values()) == ([1] if "version" in template else []), "no set is made of what is not there"
    status, reason, message = reported(world, "RollingOut")
    assert (status, reason) == ("True", "RollingOut")
    assert message.splitlines() == ["Rolling out 2 not up-to-date replicas", line]
    assert line in reported(world, "MachinesUpToDate")[2]


def test_a_change_rolls_out_and_the_empty_set_goes() -> None:
    world = joined(3)
    before = {m["metadata"]["name"] for m in world.all("Machine") if "workers" in m["metadata"]["name"]}
    old = the_set(world)["metadata"]["name"]
    edit(world, template={"spec": {"failureDomain": "a"}})
    world.settle(provide)
    after = [m for m in world.all("Machine") if "workers" in m["metadata"]["name"]]
    assert len(after) == 3
    assert not before & {m["metadata"]["name"] for m in after}
    assert {m["spec"]["failureDomain"] for m in after} == {"a"}
    made = the_set(world)
    assert made["metadata"]["name"] != old
    assert made["metadata"]["annotations"][f"{PREFIX}/revision"] == "2"
    assert world.get("MachineDeployment", "workers")["metadata"]["annotations"][f"{PREFIX}/revision"] == "2"
    assert reported(world, "RollingOut") == ("False", "NotRollingOut", "")
    assert f'Normal SuccessfulDelete: Deleted MachineSet "{old}"' in world.events


def test_the_set_of_an_earlier_template_becomes_current_again() -> None:
    world = joined(2)
    first = the_set(world)["metadata"]["name"]
    edit(world, rollout={"strategy": {"type": "OnDelete"}}, template={"spec": {"failureDomain": "a"}})
    world.settle(provide)
    sets = {s["metadata"]["name"]: s for s in world.all("MachineSet")}
    assert sets[first]["metadata"]["annotations"]["cluster.x-k8s.io/disable-machine-create"] == "true"
    assert [s["spec"]["replicas"] for s in sets.values() if s is not sets[first]] == [0]
    edit(world, template={"spec": {"failureDomain": None}})
    world.settle(provide)
    annotations = world.get("MachineSet", first)["metadata"]["annotations"]
    assert annotations[f"{PREFIX}/revision"] == "3"
    assert annotations[f"{PREFIX}/revision-history"] == "1"
    assert annotations["cluster.x-k8s.io/disable-machine-create"] == "false"


def test_a_template_that_comes_back_is_no_rollout() -> None:
    world = joined(1)
    edit(world, template={"spec": {"version": "v1.35.0"}})
    world.settle(provide)
    edit(world, template={"spec": {"version": "v1.34.1"}})
    world.settle(provide)
    assert reported(world, "RollingOut") == ("False", "NotRollingOut", "")
    assert reported(world, "MachinesUpToDate")[0] == "True"


def test_in_place_changes_flow_through_the_set() -> None:
    world = joined(1)
    edit(
        world,
        template={"metadata": {"labels": {"tier": "gold"}}, "spec": {"deletion": {"nodeDrainTimeoutSeconds": 9}}},
        deletion={"order": "Newest"},
    )
    world.settle(provide)
    made = the_set(world)
    assert made["spec"]["deletion"] == {"order": "Newest"}
    worker = next(m for m in world.all("Machine") if "workers" in m["metadata"]["name"])
    assert worker["metadata"]["labels"]["tier"] == "gold"
    assert worker["spec"]["deletion"] == {"nodeDrainTimeoutSeconds": 9}
    assert reported(world, "RollingOut")[0] == "False"


def test_marks_that_leave_the_deployment_leave_all_that_had_them_from_it() -> None:
    world = joined(1)
    skip = "machineset.cluster.x-k8s.io/skip-preflight-checks"
    marks = {"labels": {"tier": "gold", "zone": "a"}, "annotations": {"note": "n"}}
    world.edit("MachineDeployment", "workers", {"metadata": {"annotations": {skip: "All"}}})
    edit(world, template={"metadata": marks})
    world.settle(provide)
    (name,) = [m["metadata"]["name"] for m in world.all("Machine") if m["metadata"]["name"].startswith("workers")]
    (found,) = world.all("MachineSet")
    assert found["metadata"]["annotations"][skip] == "All"
    for kind in ("Machine", "LabMachine", "LabConfig"):
        meta = world.get(kind, name)["metadata"]
        assert (meta["labels"]["tier"], meta["labels"]["zone"], meta["annotations"]["note"]) == ("gold", "a", "n")
        world.edit(kind, name, {"metadata": {"labels": {"own": "mine"}}})
    world.edit("MachineDeployment", "workers", {"metadata": {"annotations": {skip: None}}})
    edit(world, template={"metadata": {"labels": {"zone": None}, "annotations": None}})
    world.settle(provide)
    (found,) = world.all("MachineSet")
    assert skip not in found["metadata"]["annotations"]
    assert "zone" not in found["metadata"]["labels"]
    for kind in ("Machine", "LabMachine", "LabConfig"):
        meta = world.get(kind, name)["metadata"]
        assert (meta["labels"]["tier"], meta["labels"]["own"]) == ("gold", "mine"), kind
        assert "zone" not in meta["labels"], kind
        assert "note" not in meta.get("annotations", {}), kind
        assert meta["labels"]["cluster.x-k8s.io/cluster-name"] == "homelab"
    before = world.writes
    world.settle(provide)
    assert world.writes == before


def test_missing_templates_block_the_set() -> None:
    world = declared(2)
    world.delete("LabMachineTemplate", "workers")
    world.settle(provide)
    assert world.all("MachineSet") == []
    message = "Scaling up from 0 to 2 replicas is blocked because LabMachineTemplate does not exist"
    advice = ": create LabMachineTemplate workers, or correct the reference in spec.template.spec"
    assert reported(world, "ScalingUp") == ("True", "ScalingUp", message + advice)


def test_a_paused_deployment_makes_no_set_but_scales() -> None:
    world = declared(2)
    edit(world, paused=True)
    world.settle(provide)
    assert world.all("MachineSet") == []
    edit(world, paused=None)
    world.settle(provide)
    edit(world, paused=True, replicas=1)
    world.settle(provide)
    assert the_set(world)["spec"]["replicas"] == 1


def test_a_set_deleted_by_hand_comes_back_under_another_name() -> None:
    world = joined(1)
    before = the_set(world)["metadata"]["name"]
    world.delete("MachineSet", before)
    world.settle(provide)
    assert the_set(world)["metadata"]["name"] != before
    assert reported(world, "Available")[0] == "True"


def test_goes_after_its_sets() -> None:
    world = joined(2)
    world.delete("MachineDeployment", "workers")
    step(world)
    assert reported(world, "Deleting") == ("True", "Deleting", "Deleting 2 Machines")
    assert reported(world, "Available") == ("True", "Available", ""), "all its Machines are still there"
    for _ in range(9):
        world.round()
    assert reported(world, "Available") == ("False", "NotAvailable", "Deletion in progress")
    world.settle(provide)
    assert world.find("MachineDeployment", "workers") is None
    assert world.all("MachineSet") == []


def test_unavailable_says_how_many_are_needed() -> None:
    world = declared(3)
    edit(world, rollout={"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}})
    for _ in range(3):
        world.round()
    expected = (
        "0 available replicas, at least 2 required (spec.strategy.rollout.maxUnavailable is 1, spec.replicas is 3)"
    )
    assert reported(world, "Available") == ("False", "NotAvailable", expected)


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (10, None, None, (1, 0)),
        (10, "25%", "25%", (3, 2)),
        (10, 2, 20, (2, 10)),
        (3, 0, 0, (0, 1)),
        (3, "10%", "10%", (1, 0)),
        (0, 1, 1, (1, 0)),
    ],
)
def test_limits(replicas: int, surge: object, unavailable: object, expected: tuple[int, int]) -> None:
    update = {k: v for k, v in (("maxSurge", surge), ("maxUnavailable", unavailable)) if v is not None}
    spec = {"replicas": replicas, "rollout": {"strategy": {"type": "RollingUpdate", "rollingUpdate": update}}}
    deployment = decode({"spec": spec}, MachineDeployment)
    assert (max_surge(deployment), max_unavailable(deployment)) == expected


def test_on_delete_has_no_limits() -> None:
    deployment = decode({"spec": {"replicas": 3, "rollout": {"strategy": {"type": "OnDelete"}}}}, MachineDeployment)
    assert (max_surge(deployment), max_unavailable(deployment)) == (0, 0)
