"""Machine: its node, its hooks, the order in which it goes, and what it says meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.controllers.lab import declared, joined, node, provide
from tests.unit.controllers.world import World, WorldReader, condition

from capstan.api.cluster.machine import Machine
from capstan.api.core.node import Node
from capstan.api.objects import GroupKind, Key, Obj
from capstan.api.struct import decode
from capstan.controllers.machine.controller import MachineController
from capstan.controllers.machine.snapshot import find_node
from capstan.controllers.machine.status.node import node_healthy

NODE = GroupKind("", "Node")


def worker(world: World) -> str:
    """The name of the first worker."""
    return str(next(m["metadata"]["name"] for m in world.all("Machine") if "workers" in m["metadata"]["name"]))


def reported(world: World, name: str, type: str) -> tuple[str, str, str]:
    found = condition(world.get("Machine", name), type)
    return found["status"], found["reason"], found["message"]


def step(world: World, name: str) -> list[str]:
    """One reconcile of a Machine: the summaries of its actions."""
    controller = next(c for c in world.controllers if isinstance(c, MachineController))
    plan = world.reconcile(controller, Key("default", name))
    assert plan is not None
    return [action.summary for action in plan.actions]


def annotate(world: World, name: str, key: str, value: str | None = "") -> None:
    world.edit("Machine", name, {"metadata": {"annotations": {key: value}}})


def test_another_machines_host_is_neither_taken_nor_deleted() -> None:
    world = joined()
    name = worker(world)
    first = world.get("Machine", name)
    before = {kind: world.get(kind, name) for kind in ("LabMachine", "LabConfig", "Node")}
    world.now += timedelta(minutes=1)
    world.put({**first, "metadata": {"namespace": "default", "name": "twin"}, "status": {}})
    world.settle()
    assert {kind: world.get(kind, name) for kind in before} == before
    status, reason, message = reported(world, "twin", "InfrastructureReady")
    assert (status, reason) == ("Unknown", "OwnedByAnother")
    assert f"LabMachine {name} belongs to Machine {name}, and Machine twin leaves it alone" in message
    assert f"Node {name} is Machine {name}'s: both have provider ID" in reported(world, "twin", "NodeHealthy")[2]
    world.delete("Machine", "twin")
    world.settle()
    assert world.find("Machine", "twin") is None
    assert {kind: world.get(kind, name) for kind in before} == before


def test_goes_in_order_host_bootstrap_node() -> None:
    world = joined()
    name = worker(world)
    world.delete("Machine", name)
    assert step(world, name) == [], "the beginning of the drain is written down first"
    assert reported(world, name, "Deleting")[1] == "DrainingNode"
    assert step(world, name) == [
        f"update Node {name} of cluster default/homelab",
        "event SuccessfulDrainNode",
        f"delete LabMachine default/{name}",
    ]
    assert reported(world, name, "Deleting")[1] == "WaitingForInfrastructureDeletion"
    assert reported(world, name, "Deleting")[2] == "Waiting for LabMachine to be deleted"
    assert step(world, name) == [], "deleted once, then waited for"
    provide(world)
    assert step(world, name) == [f"delete LabConfig default/{name}"]
    assert reported(world, name, "Deleting")[1] == "WaitingForBootstrapDeletion"
    provide(world)
    assert step(world, name) == [f"delete Node {name} of cluster default/homelab", f"update Machine {name}"]
    assert world.find("Machine", name) is None


@pytest.mark.parametrize(
    ("prefix", "reason", "since"),
    [
        ("pre-drain", "WaitingForPreDrainHook", "waitForPreDrainHookStartTime"),
        ("pre-terminate", "WaitingForPreTerminateHook", "waitForPreTerminateHookStartTime"),
    ],
)
def test_hooks_hold_the_deletion(prefix: str, reason: str, since: str) -> None:
    world = joined()
    name = worker(world)
    hook = f"{prefix}.delete.hook.machine.cluster.x-k8s.io/mine"
    annotate(world, name, hook)
    world.delete("Machine", name)
    step(world, name)
    step(world, name)
    assert step(world, name) == []
    assert reported(world, name, "Deleting")[1] == reason
    assert hook in reported(world, name, "Deleting")[2]
    assert world.get("Machine", name)["status"]["deletion"][since] == world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    annotate(world, name, hook, None)
    world.settle(provide)
    assert world.find("Machine", name) is None


def test_the_node_of_the_last_control_plane_machine_is_left_alone() -> None:
    world = joined()
    world.delete("Machine", "homelab-cp")
    assert step(world, "homelab-cp") == ["delete LabMachine default/homelab-cp"], "no Event about draining"
    for _ in range(4):
        world.objects.pop((GroupKind("bootstrap.cluster.x-k8s.io", "LabConfig"), Key("default", "homelab-cp")), None)
        world.objects.pop(
            (GroupKind("infrastructure.cluster.x-k8s.io", "LabMachine"), Key("default", "homelab-cp")), None
        )
        if world.find("Machine", "homelab-cp"):
            step(world, "homelab-cp")
    assert world.find("Machine", "homelab-cp") is None
    assert world.find("Node", "homelab-cp") is not None


@pytest.mark.parametrize(("timeout", "waits"), [(None, True), (0, True), (30, True), (5, False)])
def test_an_unreachable_cluster_holds_the_node_only_until_the_timeout(timeout: int | None, waits: bool) -> None:
    world = joined()
    name = worker(world)
    annotate(world, name, "machine.cluster.x-k8s.io/exclude-node-draining")
    annotate(world, name, "machine.cluster.x-k8s.io/exclude-wait-for-node-volume-detach")
    world.edit("Machine", name, {"spec": {"deletion": {"nodeDeletionTimeoutSeconds": timeout}}})
    world.reachable = False
    world.delete("Machine", name)
    for _ in range(10):
        if world.find("Machine", name):
            step(world, name)
            provide(world)
        world.now += timedelta(seconds=1)
    assert (world.find("Machine", name) is not None) is waits
    if waits:
        assert "does not answer" in reported(world, name, "Deleting")[2]
        world.reachable = True
        world.settle(provide)
        assert world.find("Machine", name) is None
        assert world.find("Node", name) is None


def test_the_host_goes_before_the_machine_even_if_it_never_joined() -> None:
    world = joined()
    world.edit("MachineDeployment", "workers", {"spec": {"replicas": 3}})
    for _ in range(3):
        world.round()
    name = next(m["metadata"]["name"] for m in world.all("Machine") if not m["status"].get("nodeRef"))
    world.delete("Machine", name)
    world.settle(provide)
    assert world.find("LabMachine", name) is None
    assert world.find("Machine", name) is None


def test_a_lost_node_is_reported() -> None:
    world = joined()
    name = worker(world)
    world.objects.pop((NODE, Key("", name)))
    world.settle()
    text = f"Node {name} has been deleted while the Machine still exists"
    assert reported(world, name, "NodeReady") == ("False", "NodeDeleted", text)
    assert reported(world, name, "Ready")[0] == "False"
    assert reported(world, name, "Available")[0] == "False"


def test_two_nodes_of_one_provider_id_are_a_problem_not_a_choice() -> None:
    world = joined()
    name = worker(world)
    world.put(node("twin", provider_id=f"lab://{name}"))
    step(world, name)
    status, reason, message = reported(world, name, "NodeHealthy")
    assert (status, reason) == ("Unknown", "InternalError")
    assert "twin" in message


def test_available_waits_for_min_ready_seconds() -> None:
    world = joined()
    name = worker(world)
    world.edit("MachineDeployment", "workers", {"spec": {"template": {"spec": {"minReadySeconds": 3600}}}})
    world.settle(provide)
    assert world.get("Machine", name)["spec"]["minReadySeconds"] == 3600
    assert reported(world, name, "Available") == ("False", "WaitingForMinReadySeconds", "")
    controller = next(c for c in world.controllers if isinstance(c, MachineController))
    plan = world.reconcile(controller, Key("default", name))
    assert plan is not None
    assert plan.requeue_after is not None
    assert 3500 < plan.requeue_after <= 3600
    world.now += timedelta(seconds=3600)
    world.settle(provide)
    assert reported(world, name, "Available") == ("True", "Available", "")


def test_metadata_reaches_the_node_and_leaves_it_again() -> None:
    world = joined()
    name = worker(world)
    marks = {
        "node.cluster.x-k8s.io/pool": "a",
        "x.node-restriction.kubernetes.io/b": "1",
        "node-role.kubernetes.io/worker": "",
        "private": "no",
    }
    world.edit("Machine", name, {"metadata": {"labels": marks}})
    annotate(world, name, "node.cluster.x-k8s.io/note", "hello")
    world.settle()
    meta = world.get("Node", name)["metadata"]
    assert meta["labels"] == {k: v for k, v in marks.items() if k != "private"}
    assert meta["annotations"]["node.cluster.x-k8s.io/note"] == "hello"
    assert meta["annotations"]["cluster.x-k8s.io/owner-kind"] == "MachineSet"
    world.edit("Machine", name, {"metadata": {"labels": {"node.cluster.x-k8s.io/pool": None}}})
    world.settle()
    assert "node.cluster.x-k8s.io/pool" not in world.get("Node", name)["metadata"]["labels"]


def test_taints_are_kept_up_or_set_once() -> None:
    world = declared()
    always = {"key": "a", "effect": "NoSchedule", "value": "1", "propagation": "Always"}
    once = {"key": "o", "effect": "NoSchedule", "propagation": "OnInitialization"}
    world.edit("MachineDeployment", "workers", {"spec": {"template": {"spec": {"taints": [always, once]}}}})
    world.settle(provide)
    name = worker(world)
    record = "cluster.x-k8s.io/taints-from-machine"
    assert world.get("Node", name)["metadata"]["annotations"][record] == "a:NoSchedule"
    taints = {t["key"]: t for t in world.get("Node", name)["spec"]["taints"]}
    assert set(taints) == {"a", "o"}
    world.edit("Node", name, {"spec": {"taints": []}})
    world.settle()
    assert [t["key"] for t in world.get("Node", name)["spec"]["taints"]] == ["a"]
    world.edit("MachineDeployment", "workers", {"spec": {"template": {"spec": {"taints": None}}}})
    world.settle()
    assert not world.get("Node", name)["spec"].get("taints")
    assert world.get("Node", name)["metadata"]["annotations"][record] == ""


def test_a_node_that_is_initialized_gets_no_taint_of_its_beginning() -> None:
    world = joined()
    name = worker(world)
    assert "taints" not in world.get("Node", name)["spec"], "the taint of an uninitialized node is removed"
    late = {"key": "o", "effect": "NoSchedule", "propagation": "OnInitialization"}
    world.edit("MachineDeployment", "workers", {"spec": {"template": {"spec": {"taints": [late]}}}})
    world.settle()
    assert world.get("Machine", name)["spec"]["taints"] == [late]
    assert not world.get("Node", name)["spec"].get("taints")


def test_a_taint_that_is_no_longer_kept_up_may_stay() -> None:
    world = joined()
    name = worker(world)
    taint = {"key": "a", "effect": "NoSchedule", "propagation": "Always"}
    world.edit("MachineDeployment", "workers", {"spec": {"template": {"spec": {"taints": [taint]}}}})
    world.settle()
    once = {**taint, "propagation": "OnInitialization"}
    world.edit("MachineDeployment", "workers", {"spec": {"template": {"spec": {"taints": [once]}}}})
    world.settle()
    assert [t["key"] for t in world.get("Node", name)["spec"]["taints"]] == ["a"]


def test_a_stand_alone_machine_belongs_to_the_cluster() -> None:
    world = joined()
    spec = {
        "clusterName": "homelab",
        "bootstrap": {"dataSecretName": "given"},
        "infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "LabMachine", "name": "solo"},
    }
    meta = {"name": "solo", "namespace": "default"}
    world.put({"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine", "metadata": meta, "spec": spec})
    world.put({"apiVersion": "infrastructure.cluster.x-k8s.io/v1", "kind": "LabMachine", "metadata": meta, "spec": {}})
    world.settle(provide)
    found = world.get("Machine", "solo")
    assert [(r["kind"], r.get("controller")) for r in found["metadata"]["ownerReferences"]] == [("Cluster", None)]
    assert found["metadata"]["labels"]["cluster.x-k8s.io/cluster-name"] == "homelab"
    assert reported(world, "solo", "BootstrapConfigReady") == ("True", "DataSecretProvided", "")
    assert found["status"]["phase"] == "Running"
    assert world.get("Cluster", "homelab")["status"]["workers"]["replicas"] == 3


def test_an_unknown_provider_is_named() -> None:
    world = joined()
    world.served = {k: v for k, v in world.served.items() if k.kind != "LabMachine"}
    name = worker(world)
    step(world, name)
    status, reason, message = reported(world, name, "InfrastructureReady")
    assert (status, reason) == ("Unknown", "ProviderMissing")
    assert "LabMachine.infrastructure.cluster.x-k8s.io" in message


def test_no_secret_in_what_is_printed() -> None:
    world = joined()
    name = worker(world)
    world.edit("Machine", name, {"metadata": {"labels": {"node.cluster.x-k8s.io/pool": "a"}}})
    controller = next(c for c in world.controllers if isinstance(c, MachineController))
    coroutine = controller.observe(WorldReader(world), Key("default", name))
    with pytest.raises(StopIteration) as answer:
        coroutine.send(None)
    snapshot = answer.value.value
    assert snapshot.kubeconfig
    plan = controller.plan(snapshot)
    assert plan.actions
    assert "kubeconfig" not in repr(snapshot) + repr(plan)


def conditions(**status: str) -> Node:
    obj: Obj = node("n")
    listed = [{"type": t, "status": s, "reason": f"{t}Reason"} for t, s in status.items()]
    return decode({**obj, "status": {"conditions": listed}}, Node)


GOOD = {"Ready": "True", "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (GOOD, ("True", "NodeHealthy", "")),
        ({**GOOD, "Ready": "False"}, ("False", "NodeNotHealthy", "* Node.Ready: Condition is False")),
        ({**GOOD, "DiskPressure": "True"}, ("False", "NodeNotHealthy", "* Node.DiskPressure: Condition is True")),
        ({**GOOD, "Ready": "Unknown"}, ("Unknown", "NodeHealthyUnknown", "* Node.Ready: Condition is Unknown")),
        (
            {**GOOD, "Ready": "Unknown", "PIDPressure": "True"},
            ("False", "NodeNotHealthy", "* Node.Ready: Condition is Unknown\n* Node.PIDPressure: Condition is True"),
        ),
        (
            dict.fromkeys(GOOD, "Unknown"),
            ("Unknown", "NodeHealthyUnknown", "* Node.AllConditions: Condition is Unknown"),
        ),
        ({}, ("Unknown", "NodeHealthyUnknown", "* Node.AllConditions: Condition not yet reported")),
    ],
)
def test_health_of_a_node(status: dict[str, str], expected: tuple[str, str, str]) -> None:
    found = node_healthy(conditions(**status))
    assert (found.status, found.reason, found.message) == expected


def test_a_known_node_is_found_by_name_while_an_id_is_missing() -> None:
    machine = decode({"metadata": {"name": "m"}, "status": {"nodeRef": {"name": "n"}}}, Machine)
    bare = decode({"metadata": {"name": "n"}}, Node)
    other = decode({"metadata": {"name": "x"}, "spec": {"providerID": "lab://m"}}, Node)
    assert find_node(machine, "lab://m", [bare]) == (bare, "")
    assert find_node(machine, "", [bare, other]) == (bare, "")
    assert find_node(machine, "lab://m", [bare, other]) == (other, "")


def test_a_silence_of_five_minutes_ends_what_was_known_of_the_node() -> None:
    world = joined()
    name = worker(world)
    world.now += timedelta(minutes=1)
    world.reachable = False
    world.last_seen = world.now
    world.silence = "WorkloadUnreachable"
    step(world, name)
    assert reported(world, name, "NodeReady")[:2] == ("True", "NodeReady")
    world.now += timedelta(minutes=5)
    step(world, name)
    assert reported(world, name, "NodeReady")[:2] == ("True", "NodeReady")
    world.now += timedelta(seconds=1)
    step(world, name)
    text = f"Last successful probe at {world.last_seen:%Y-%m-%dT%H:%M:%SZ}"
    for condition_type in ("NodeReady", "NodeHealthy"):
        assert reported(world, name, condition_type) == ("Unknown", "ConnectionDown", text)
    world.reachable = True
    step(world, name)
    assert reported(world, name, "NodeReady")[:2] == ("True", "NodeReady")


def test_a_process_that_has_just_begun_keeps_what_was_known() -> None:
    world = joined()
    name = worker(world)
    world.now += timedelta(hours=1)
    world.reachable = False
    world.silence = "WorkloadConnecting"
    step(world, name)
    assert reported(world, name, "NodeReady")[:2] == ("True", "NodeReady")
    world.silence = "WorkloadUnreachable"
    step(world, name)
    assert reported(world, name, "NodeReady") == ("Unknown", "ConnectionDown", "")


def test_a_host_that_vanishes_is_an_invalid_configuration() -> None:
    world = joined()
    name = worker(world)
    world.objects.pop(next(p for p in world.objects if p[0].kind == "LabMachine" and p[1].name == name))
    step(world, name)
    deprecated = world.get("Machine", name)["status"]["deprecated"]["v1beta1"]
    assert deprecated["failureReason"] == "InvalidConfiguration"
    assert deprecated["failureMessage"] == (
        f"Machine infrastructure resource LabMachine default/{name} has been deleted after provisioning was completed"
    )
    text = "LabMachine has been deleted while the Machine still exists"
    assert reported(world, name, "InfrastructureReady") == ("False", "ObjectDeleted", text)
