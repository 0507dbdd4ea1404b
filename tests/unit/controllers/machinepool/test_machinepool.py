"""MachinePool: what it takes over from its provider, its Nodes, its Machines, its phase, and how it goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.controllers.poolworld import POOL_LABEL, PoolWorld, infra_machine
from tests.unit.controllers.world import condition

from capstan.api.errors import ApiError
from capstan.runtime.nodeactions import PatchNode
from capstan.runtime.plan import Action


def running(*names: str, replicas: int = 2) -> PoolWorld:
    world = PoolWorld(replicas)
    world.provide(*(names or ("a", "b")))
    world.settle()
    return world


def test_it_takes_over_what_its_provider_says() -> None:
    world = running()
    spec, status = world.pool["spec"], world.pool["status"]
    assert spec["providerIDList"] == ["lab://a", "lab://b"]
    assert spec["template"]["spec"]["bootstrap"]["dataSecretName"] == "pool-data"
    assert status["initialization"] == {"bootstrapDataSecretCreated": True, "infrastructureProvisioned": True}
    assert [(ref["name"], ref["kind"], ref["apiVersion"]) for ref in status["nodeRefs"]] == [
        ("a", "Node", "v1"),
        ("b", "Node", "v1"),
    ]
    assert world.counts() == (2, 2, 2, 2)
    assert status["versions"] == [{"version": "v1.34.1", "replicas": 2}]
    assert world.phase == "Running"
    assert world.events == ["Normal SuccessfulSetNodeRefs: 2 Nodes belong to the pool: a, b"]
    legacy = {c["type"]: c["status"] for c in status["deprecated"]["v1beta1"]["conditions"]}
    assert legacy == {"Ready": "True", "BootstrapReady": "True", "InfrastructureReady": "True", "ReplicasReady": "True"}


def test_it_owns_and_labels_what_it_names() -> None:
    world = running()
    for kind in ("LabConfig", "LabMachinePool"):
        meta = world.get(kind, "pool")["metadata"]
        assert meta["labels"]["cluster.x-k8s.io/cluster-name"] == "homelab"
        assert [(r["kind"], r["controller"]) for r in meta["ownerReferences"]] == [("MachinePool", True)]
    meta = world.pool["metadata"]
    assert [(r["kind"], r.get("controller")) for r in meta["ownerReferences"]] == [("Cluster", None)]
    assert meta["finalizers"] == ["machinepool.cluster.x-k8s.io"]
    assert meta["labels"]["cluster.x-k8s.io/cluster-name"] == "homelab"


def test_idle_writes_nothing() -> None:
    world = running()
    for _ in range(30):
        world.now += timedelta(minutes=1)
        assert world.round() == 0


def test_nodes_carry_their_pool_and_lose_the_taint() -> None:
    world = running()
    node = world.get("Node", "a")
    assert node["metadata"]["labels"] == {"node-role.kubernetes.io/pool": ""}
    assert node["metadata"]["annotations"] == {
        "cluster.x-k8s.io/cluster-name": "homelab",
        "cluster.x-k8s.io/cluster-namespace": "default",
        "cluster.x-k8s.io/owner-kind": "MachinePool",
        "cluster.x-k8s.io/owner-name": "pool",
        "cluster.x-k8s.io/labels-from-machine": "node-role.kubernetes.io/pool",
    }
    assert not node["spec"].get("taints")
    world.edit(
        "MachinePool", "pool", {"spec": {"template": {"metadata": {"labels": {"node-role.kubernetes.io/pool": None}}}}}
    )
    world.settle()
    assert world.get("Node", "a")["metadata"].get("labels", {}) == {}


def test_nodes_of_machines_that_left_are_removed() -> None:
    world = running()
    world.provide("b")
    world.settle()
    assert world.find("Node", "a") is None
    assert [ref["name"] for ref in world.pool["status"]["nodeRefs"]] == ["b"]
    assert world.phase == "ScalingUp"


def test_a_new_node_of_an_old_name_is_left_alone() -> None:
    world = running()
    world.objects = {p: o for p, o in world.objects.items() if (p[0].kind, p[1].name) != ("Node", "a")}
    world.join("a")
    world.edit("Node", "a", {"spec": {"providerID": "lab://other"}})
    world.provide("b")
    world.settle()
    assert world.find("Node", "a") is not None


@pytest.mark.parametrize(
    ("wanted", "managed", "phase"),
    [
        (2, "", "Running"),
        (3, "", "ScalingUp"),
        (1, "", "ScalingDown"),
        (3, "autoscaler", "Scaling"),
        (3, "false", "ScalingUp"),
    ],
)
def test_phases_of_a_pool_that_runs(wanted: int, managed: str, phase: str) -> None:
    world = running(replicas=wanted)
    if managed:
        annotation = {"cluster.x-k8s.io/replicas-managed-by": managed}
        world.edit("MachinePool", "pool", {"metadata": {"annotations": annotation}})
        world.settle()
    assert world.phase == phase


def test_phases_on_the_way() -> None:
    world = PoolWorld()
    world.settle()
    assert world.phase == "Pending"
    found = condition(world.pool, "InfrastructureReady")
    assert (found["status"], found["reason"]) == ("False", "ObjectDoesNotExist")
    assert found["message"].startswith("LabMachinePool does not exist: create LabMachinePool pool")
    world.provide()
    world.edit("LabMachinePool", "pool", {"status": {"initialization": {"provisioned": False}}})
    world.settle()
    assert world.phase == "Provisioning"
    world.provide("a", "b", ready=False)
    world.settle()
    assert world.phase == "ScalingUp"
    legacy = world.pool["status"]["deprecated"]["v1beta1"]["conditions"]
    waiting = next(c for c in legacy if c["type"] == "ReplicasReady")
    assert (waiting["status"], waiting["reason"]) == ("False", "WaitingForReplicasReady")


def test_providers_of_the_older_contract_and_those_that_only_say_ready() -> None:
    for contract in ("v1beta1", "v1beta2"):
        world = PoolWorld()
        world.contract = contract
        world.provide("a", "b")
        world.edit("LabMachinePool", "pool", {"status": {"initialization": None, "ready": True}})
        world.edit("LabConfig", "pool", {"status": {"ready": True}})
        world.settle()
        assert world.phase == "Running"


def test_what_somebody_else_controls_is_not_taken() -> None:
    world = PoolWorld()
    world.provide("a", "b")
    other = {"apiVersion": "x/v1", "kind": "Other", "name": "o", "uid": "u", "controller": True}
    world.edit("LabMachinePool", "pool", {"metadata": {"ownerReferences": [other]}})
    world.settle()
    assert world.get("LabMachinePool", "pool")["metadata"]["ownerReferences"] == [other]
    assert "controlled by another object" in condition(world.pool, "InfrastructureReady")["message"]


def test_machines_stand_for_the_single_machines_of_the_provider() -> None:
    world = PoolWorld()
    world.provide("a", "b", kind="LabMachine")
    for name in "ab":
        world.put(infra_machine(name))
    world.settle()
    machine = world.get("Machine", "a")
    assert machine["metadata"]["labels"] == {
        "cluster.x-k8s.io/cluster-name": "homelab",
        POOL_LABEL: "pool",
        "node-role.kubernetes.io/pool": "",
        "plain": "x",
    }
    assert [(r["kind"], r["controller"]) for r in machine["metadata"]["ownerReferences"]] == [("MachinePool", True)]
    assert machine["spec"]["infrastructureRef"]["kind"] == "LabMachine"
    assert machine["spec"]["bootstrap"] == {"dataSecretName": ""}
    assert machine["spec"]["version"] == "v1.34.1"
    assert world.counts() == (2, 0, 0, 2)
    assert "annotations" not in world.get("Node", "a")["metadata"], "the Machine marks its Node"
    world.edit("Machine", "a", {"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Ready"}]}})
    world.edit("Machine", "b", {"metadata": {"labels": {"plain": "y"}}})
    world.settle()
    assert world.counts() == (2, 1, 0, 2)
    assert world.get("Machine", "b")["metadata"]["labels"]["plain"] == "x"
    world.provide("a", kind="LabMachine")
    world.objects = {p: o for p, o in world.objects.items() if (p[0].kind, p[1].name) != ("LabMachine", "b")}
    world.settle()
    assert world.find("Machine", "b") is not None, "it goes with its provider's object, not by the pool"
    world.edit("Machine", "b", {"metadata": {"finalizers": ["held/by-test"]}})
    world.delete("Machine", "b")
    world.settle()
    told = condition(world.get("Machine", "b"), "UpToDate")
    assert (told["status"], told["reason"], told["message"]) == ("False", "NotUpToDate", "Machine is being deleted")
    assert world.counts()[3] == 1


def test_deletion_waits_for_the_provider_then_removes_the_nodes() -> None:
    world = running()
    world.delete("MachinePool", "pool")
    world.settle()
    assert world.phase == "Deleting"
    found = condition(world.pool, "Deleting")
    assert (found["status"], found["reason"]) == ("True", "WaitingForInfrastructureDeletion")
    assert found["message"] == "waiting for the deletion of LabConfig pool, LabMachinePool pool"
    world.let_go()
    world.settle()
    assert world.find("MachinePool", "pool") is None
    assert world.all("Node") == []


def test_deletion_gives_up_on_nodes_after_the_timeout() -> None:
    world = running()
    world.reachable = False
    world.delete("MachinePool", "pool")
    world.round()
    world.let_go()
    world.round()
    assert condition(world.pool, "Deleting")["reason"] == "DeletingNode"
    world.now += timedelta(seconds=11)
    world.settle()
    assert world.find("MachinePool", "pool") is None
    assert len(world.all("Node")) == 2


def test_a_pool_whose_cluster_is_gone_can_be_deleted() -> None:
    world = running()
    world.delete("Cluster", "homelab")
    world.delete("MachinePool", "pool")
    world.settle()
    world.let_go()
    world.settle()
    assert world.find("MachinePool", "pool") is None


def test_paused() -> None:
    world = running()
    world.edit("Cluster", "homelab", {"spec": {"paused": True}})
    world.provide("a", "b", "c")
    world.settle()
    assert world.pool["spec"]["providerIDList"] == ["lab://a", "lab://b"]
    assert condition(world.pool, "Paused")["message"] == "Cluster spec.paused is set to true"


def test_nodes_that_cannot_be_seen_stay_in_the_status() -> None:
    world = running()
    world.reachable = False
    world.settle()
    assert [ref["name"] for ref in world.pool["status"]["nodeRefs"]] == ["a", "b"]
    assert "waiting to see the Nodes" in condition(world.pool, "InfrastructureReady")["message"]


def test_nodes_that_cannot_be_seen_while_they_are_awaited_are_told_of() -> None:
    world = PoolWorld()
    world.reachable = False
    world.provide("a", "b")
    world.settle()
    assert set(world.events) == {
        "Warning FailedSetNodeRef: failed to get Node references: the API server of cluster default/homelab does not "
        "answer"
    }
    world.reachable = True
    world.settle()
    assert world.events[-1] == "Normal SuccessfulSetNodeRefs: 2 Nodes belong to the pool: a, b"
    world.reachable, count = False, len(world.events)
    world.settle()
    assert len(world.events) == count, "all are known: nothing is awaited"


def test_a_node_that_refuses_its_marks_does_not_hold_up_the_others() -> None:
    world = PoolWorld()
    world.provide("a", "b")

    def refuse(action: Action) -> ApiError | None:
        is_first = isinstance(action, PatchNode) and action.before.metadata.name == "a"
        return ApiError(403, "Forbidden", "a webhook says no") if is_first else None

    world.refuse = refuse
    world.settle()
    assert "Warning FailedSetNodeRef: error marking Node a: a webhook says no" in world.events
    assert "cluster.x-k8s.io/owner-name" in world.get("Node", "b")["metadata"]["annotations"]
    assert [ref["name"] for ref in world.pool["status"]["nodeRefs"]] == ["a", "b"]


def test_clients_of_v1beta1_are_told_of_a_lost_pool_until_it_is_back() -> None:
    def told() -> tuple[str | None, str, str]:
        old = world.pool["status"]["deprecated"]["v1beta1"]
        found = next(c for c in old["conditions"] if c["type"] == "InfrastructureReady")
        return old.get("failureReason"), found["status"], found.get("reason", "")

    world = PoolWorld()
    world.settle()
    assert told() == (None, "False", "IncorrectExternalRef"), "it is not there yet"
    world.provide("a", "b")
    world.settle()
    assert told() == (None, "True", "")
    world.delete("LabMachinePool", "pool")
    world.let_go()
    world.settle()
    assert told() == ("InvalidConfiguration", "False", "IncorrectExternalRef")
    world.delete("LabConfig", "pool")
    world.let_go()
    world.provide("a", "b")
    world.settle()
    assert told() == (None, "True", "")


def test_what_was_stripped_comes_back() -> None:
    world = running()
    world.edit("MachinePool", "pool", {"metadata": {"ownerReferences": None, "finalizers": None}})
    world.edit("LabMachinePool", "pool", {"metadata": {"ownerReferences": None}})
    world.settle()
    assert world.pool["metadata"]["ownerReferences"] and world.pool["metadata"]["finalizers"]
    assert world.get("LabMachinePool", "pool")["metadata"]["ownerReferences"]
