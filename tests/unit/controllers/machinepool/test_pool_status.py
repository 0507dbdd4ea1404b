"""What a pool's status says, case by case: Nodes that count, versions, phases, and the older counters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controllers.poolworld import PoolWorld, infra_machine
from tests.unit.controllers.world import INFRA

YOUNG, OLD = timedelta(seconds=5), timedelta(minutes=5)


def set_node(
    world: PoolWorld, name: str, *, ready: str = "True", age: timedelta | None = OLD, kubelet: str = ""
) -> None:
    """The Node has been so for `age`; None when it does not say since when."""
    entry: dict[str, Any] = {"type": "Ready", "status": ready}
    if age is not None:
        entry["lastTransitionTime"] = (world.now - age).strftime("%Y-%m-%dT%H:%M:%SZ")
    info = {"nodeInfo": {"kubeletVersion": kubelet}} if kubelet else {}
    world.edit("Node", name, {"status": {"conditions": [entry], **info}})


def older(world: PoolWorld) -> dict[str, Any]:
    found: dict[str, Any] = world.pool["status"]["deprecated"]["v1beta1"]
    return found


def replicas_ready(world: PoolWorld) -> tuple[str, str]:
    found = next(c for c in older(world)["conditions"] if c["type"] == "ReplicasReady")
    return found["status"], found.get("reason", "")


@pytest.mark.parametrize(
    ("seconds", "ready", "age", "expected"),
    [
        (None, "True", None, (1, 1, 0)),
        (0, "True", YOUNG, (1, 1, 0)),
        (10, "True", OLD, (1, 1, 0)),
        (10, "True", YOUNG, (1, 0, 1)),
        (10, "True", None, (1, 0, 1)),
        (10, "False", OLD, (0, 0, 1)),
        (None, "False", OLD, (0, 0, 1)),
        (None, "Unknown", OLD, (0, 0, 1)),
    ],
)
def test_a_node_is_available_when_it_was_ready_for_long_enough(
    seconds: int | None, ready: str, age: timedelta | None, expected: tuple[int, int, int]
) -> None:
    world = PoolWorld(1)
    world.edit("MachinePool", "pool", {"spec": {"template": {"spec": {"minReadySeconds": seconds}}}})
    world.provide("a")
    set_node(world, "a", ready=ready, age=age)
    world.settle()
    found = older(world)
    counts = found.get("readyReplicas", 0), found.get("availableReplicas", 0), found.get("unavailableReplicas", 0)
    assert counts == expected
    assert replicas_ready(world) == (("True", "") if expected[0] else ("False", "WaitingForReplicasReady"))


def test_time_makes_a_node_available() -> None:
    world = PoolWorld(1)
    world.edit("MachinePool", "pool", {"spec": {"template": {"spec": {"minReadySeconds": 10}}}})
    world.provide("a")
    set_node(world, "a", age=YOUNG)
    world.settle()
    assert older(world).get("availableReplicas", 0) == 0
    world.now += timedelta(seconds=6)
    world.settle()
    assert older(world)["availableReplicas"] == 1


def listed(world: PoolWorld, *ids: str, replicas: int) -> None:
    world.edit("LabMachinePool", "pool", {"spec": {"providerIDList": list(ids)}, "status": {"replicas": replicas}})


@pytest.mark.parametrize(
    ("ids", "replicas", "names", "ready"),
    [
        (("lab://a", "lab://b"), 2, ["a", "b"], ("True", "")),
        (("lab://a", "", "lab://b"), 2, ["a", "b"], ("True", "")),
        (("lab://a", "lab://nobody"), 2, ["a"], ("False", "WaitingForReplicasReady")),
        (("lab://a", "lab://b"), 3, ["a", "b"], ("False", "WaitingForReplicasReady")),
        (("lab://a",), 1, ["a"], ("True", "")),
        (("other://a",), 1, [], ("False", "WaitingForReplicasReady")),
        ((), 0, [], ("True", "")),
    ],
)
def test_the_nodes_of_a_pool_are_those_of_its_provider_ids(
    ids: tuple[str, ...], replicas: int, names: list[str], ready: tuple[str, str]
) -> None:
    world = PoolWorld(2)
    world.provide("a", "b")
    listed(world, *ids, replicas=replicas)
    world.settle()
    assert [ref["name"] for ref in world.pool["status"].get("nodeRefs", [])] == names
    assert replicas_ready(world) == ready


def test_a_node_that_is_there_and_not_ready_is_not_all_that_is_missing() -> None:
    """As many are ready as there are replicas, but there are more Nodes."""
    world = PoolWorld(1)
    world.provide("a", "b")
    set_node(world, "b", ready="False")
    listed(world, "lab://a", "lab://b", replicas=1)
    world.settle()
    assert replicas_ready(world) == ("False", "WaitingForReplicasReady")


def test_versions_come_from_nodes_in_order() -> None:
    world = PoolWorld(3)
    world.provide("a", "b", "c")
    for name, kubelet in (("a", "v1.35.0"), ("b", "v1.34.9"), ("c", "v1.35.0")):
        set_node(world, name, kubelet=kubelet)
    world.settle()
    assert world.pool["status"]["versions"] == [
        {"version": "v1.34.9", "replicas": 1},
        {"version": "v1.35.0", "replicas": 2},
    ]


def test_versions_come_from_machines_where_there_are_machines() -> None:
    world = PoolWorld(2)
    world.provide("a", "b", kind="LabMachine")
    for name in "ab":
        world.put(infra_machine(name))
    world.settle()
    set_node(world, "b", kubelet="v1.36.0")
    world.edit("Machine", "a", {"status": {"nodeInfo": {"kubeletVersion": "v1.35.2"}}})
    world.edit("Machine", "b", {"spec": {"version": "v1.33.0"}})
    seen = {m["metadata"]["name"]: m["spec"]["version"] for m in world.all("Machine")}
    world.settle()
    told = world.pool["status"]["versions"]
    assert {"version": "v1.35.2", "replicas": 1} in told
    assert sum(entry["replicas"] for entry in told) == len(seen) == 2


@pytest.mark.parametrize(
    ("wanted", "had", "reported", "nodes", "phase"),
    [
        (0, 1, 1, ("a",), "ScalingDown"),
        (0, 1, 0, (), "Running"),
        (1, 0, 0, (), "ScalingUp"),
        (1, 0, 1, ("a",), "Running"),
        (3, 2, 2, ("a", "b"), "ScalingUp"),
    ],
)
def test_phases_from_and_to_zero(wanted: int, had: int, reported: int, nodes: tuple[str, ...], phase: str) -> None:
    world = PoolWorld(had)
    world.provide(*("a", "b", "c")[:had])
    world.settle()
    assert world.phase == "Running"
    world.edit("MachinePool", "pool", {"spec": {"replicas": wanted}})
    world.provide(*nodes)
    listed(world, *(f"lab://{name}" for name in nodes), replicas=reported)
    world.settle()
    assert world.phase == phase


def test_nodes_that_could_never_be_seen_count_as_none() -> None:
    world = PoolWorld(2)
    world.reachable = False
    world.provide("a", "b")
    world.settle()
    assert world.phase == "ScalingUp"


def test_a_running_pool_stays_so_with_another_bootstrap_config() -> None:
    world = PoolWorld(1)
    world.provide("a")
    world.settle()
    config = world.get("LabConfig", "pool")
    meta = {"name": "next", "namespace": "default"}
    world.put({"apiVersion": config["apiVersion"], "kind": "LabConfig", "metadata": meta, "spec": {}})
    ref = {**world.pool["spec"]["template"]["spec"]["bootstrap"]["configRef"], "name": "next"}
    world.edit("MachinePool", "pool", {"spec": {"template": {"spec": {"bootstrap": {"configRef": ref}}}}})
    world.settle()
    assert world.phase == "Running"
    assert world.pool["status"]["initialization"]["bootstrapDataSecretCreated"] is False
    assert world.pool["spec"]["template"]["spec"]["bootstrap"]["dataSecretName"] == "pool-data", "of before"
    status = {"initialization": {"dataSecretCreated": True}, "dataSecretName": "next-data"}
    world.edit("LabConfig", "next", {"status": status})
    world.settle()
    assert world.phase == "Running"
    assert world.pool["spec"]["template"]["spec"]["bootstrap"]["dataSecretName"] == "next-data"


def test_a_config_that_is_ready_without_a_secret_names_none() -> None:
    world = PoolWorld(1)
    world.provide("a")
    world.edit("LabConfig", "pool", {"status": {"initialization": {"dataSecretCreated": True}, "dataSecretName": None}})
    world.settle()
    assert not world.pool["spec"]["template"]["spec"]["bootstrap"].get("dataSecretName")


def test_what_clients_of_v1beta1_read_of_a_lost_provider_object() -> None:
    world = PoolWorld(1)
    world.settle()
    found = next(c for c in older(world)["conditions"] if c["type"] == "InfrastructureReady")
    text = "could not find infra reference of kind LabMachinePool with name pool"
    assert (found["severity"], found["message"]) == ("Error", text)
    world.provide("a")
    world.settle()
    world.delete("LabMachinePool", "pool")
    world.let_go()
    world.settle()
    assert older(world)["failureMessage"] == (
        "MachinePool infrastructure resource LabMachinePool default/pool has been deleted after being ready"
    )


def test_what_the_provider_says_of_its_failure() -> None:
    world = PoolWorld(1)
    world.provide("a")
    world.edit("LabMachinePool", "pool", {"status": {"failureReason": "Broken", "failureMessage": "no quota"}})
    world.settle()
    assert (older(world)["failureReason"], older(world)["failureMessage"]) == (
        "Broken",
        f'Failure detected from referenced resource {INFRA}/v1, Kind=LabMachinePool with name "pool": no quota',
    )


@pytest.mark.parametrize(
    ("bootstrap", "infrastructure", "expected"),
    [
        ({"status": "True"}, {"status": "True"}, ("True", "", "")),
        (
            {"status": "False", "severity": "Info", "reason": "Custom", "message": "one moment"},
            {"status": "True"},
            ("False", "Custom", "one moment"),
        ),
        ({"status": "True"}, {"status": "False", "severity": "Info", "reason": "Custom", "message": "one moment"},
         ("False", "Custom", "one moment")),
        (None, {"status": "True"}, ("False", "WaitingForDataSecret", "")),
        ({"status": "True"}, None, ("False", "WaitingForInfrastructure", "")),
    ],
)  # fmt: skip
def test_the_older_summary(
    bootstrap: dict[str, str] | None, infrastructure: dict[str, str] | None, expected: tuple[str, str, str]
) -> None:
    world = PoolWorld(1)
    world.contract = "v1beta1"
    world.provide("a")
    for kind, flag, entry in (("LabConfig", "ready", bootstrap), ("LabMachinePool", "ready", infrastructure)):
        done = entry is not None and entry["status"] == "True"
        conditions = [{"type": "Ready", **entry}] if entry is not None else []
        world.edit(kind, "pool", {"status": {flag: done, "initialization": None, "conditions": conditions}})
    world.settle()
    found = next(c for c in older(world)["conditions"] if c["type"] == "Ready")
    assert (found["status"], found.get("reason", ""), found.get("message", "")) == expected
