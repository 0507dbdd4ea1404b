"""What holds up the deletion of a Machine, for how long, and what it says meanwhile (2.5, 2.8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.controllers.lab import joined, provide
from tests.unit.controllers.machine.test_machine import annotate, reported, step, worker
from tests.unit.controllers.pods import attachment, pod, put_pods, volume
from tests.unit.controllers.world import CONTROL_PLANE, World, WorldReader

from capstan.api.errors import ApiError
from capstan.api.objects import GroupKind, Key, Obj
from capstan.controllers.machine.plan.drain.eviction import EvictPods
from capstan.runtime.nodeactions import DeleteNode, PatchNode
from capstan.runtime.nodes import CONNECTING
from capstan.runtime.plan import Action

NO_DRAIN = "machine.cluster.x-k8s.io/exclude-node-draining"
NO_WAIT = "machine.cluster.x-k8s.io/exclude-wait-for-node-volume-detach"


def forbidden(action: Action) -> ApiError | None:
    text = 'nodes "worker" is forbidden'
    return ApiError(403, "Forbidden", text) if isinstance(action, DeleteNode) else None


def without_drain(world: World, *, timeout: int | None) -> str:
    name = worker(world)
    annotate(world, name, NO_DRAIN)
    annotate(world, name, NO_WAIT)
    world.edit("Machine", name, {"spec": {"deletion": {"nodeDeletionTimeoutSeconds": timeout}}})
    world.delete("Machine", name)
    return name


def legacy(world: World, name: str) -> dict[str, Obj]:
    listed = world.get("Machine", name)["status"]["deprecated"]["v1beta1"]["conditions"]
    return {c["type"]: c for c in listed}


@pytest.mark.parametrize("after", ["", "/mine", ".example.com/mine"])
@pytest.mark.parametrize("prefix", ["pre-drain", "pre-terminate"])
def test_every_annotation_that_begins_like_a_hook_is_one(prefix: str, after: str) -> None:
    world = joined()
    name = worker(world)
    hook = f"{prefix}.delete.hook.machine.cluster.x-k8s.io{after}"
    annotate(world, name, hook)
    world.delete("Machine", name)
    world.settle(provide)
    text = f"Waiting for {prefix} hooks to succeed (hooks: {hook})"
    assert reported(world, name, "Deleting")[2] == text
    assert reported(world, name, "Ready")[:2] == ("False", "NotReady")


def test_hooks_in_the_older_conditions() -> None:
    world = joined()
    name = worker(world)
    before, after = (f"{w}.delete.hook.machine.cluster.x-k8s.io/mine" for w in ("pre-drain", "pre-terminate"))
    annotate(world, name, before)
    annotate(world, name, after)
    world.delete("Machine", name)
    world.settle(provide)
    waits = {"status": "False", "severity": "Info", "reason": "WaitingExternalHook"}
    assert waits.items() <= legacy(world, name)["PreDrainDeleteHookSucceeded"].items()
    assert "PreTerminateDeleteHookSucceeded" not in legacy(world, name)
    annotate(world, name, before, None)
    world.settle(provide)
    assert legacy(world, name)["PreDrainDeleteHookSucceeded"]["status"] == "True"
    assert waits.items() <= legacy(world, name)["PreTerminateDeleteHookSucceeded"].items()
    assert legacy(world, name)["DrainingSucceeded"]["status"] == "True"


def test_a_control_plane_that_cannot_be_looked_at_holds_the_deletion() -> None:
    world = joined()
    name = worker(world)
    kind = GroupKind(CONTROL_PLANE, "LabControlPlane")
    text = "the API server is shutting down"

    class Reader(WorldReader):
        async def get_object(self, group_kind: GroupKind, namespace: str, name: str) -> Obj | None:
            if group_kind == kind:
                raise ApiError(500, "InternalError", text)
            return await super().get_object(group_kind, namespace, name)

    world.delete("Machine", name)
    controller = world.controllers[3]
    coroutine = controller.observe(Reader(world), Key("default", name))
    with pytest.raises(StopIteration) as answer:
        coroutine.send(None)
    plan = controller.plan(answer.value.value)
    assert plan.actions == ()
    assert plan.requeue_after == 30
    waits = f"Waiting to know whether Node {name} may be deleted: {text}"
    assert [(w.reason, w.message) for w in plan.waiting_on] == [("InternalError", waits)]


def test_a_control_plane_of_a_kind_that_is_gone_holds_nothing() -> None:
    world = joined()
    name = worker(world)
    del world.served[GroupKind(CONTROL_PLANE, "LabControlPlane")]
    world.delete("Machine", name)
    world.settle(provide)
    assert world.find("Machine", name) is None


def test_a_control_plane_without_machines_keeps_its_nodes_clean() -> None:
    world = joined()
    name = worker(world)
    world.objects.pop((GroupKind("cluster.x-k8s.io", "Machine"), Key("default", "homelab-cp")))
    world.edit("LabControlPlane", "homelab", {"status": {"externalManagedControlPlane": True}})
    world.delete("Machine", name)
    step(world, name)
    assert reported(world, name, "Deleting")[1] == "DrainingNode"
    for _ in range(6):
        provide(world)
        if world.find("Machine", name):
            step(world, name)
    assert world.find("Node", name) is None


@pytest.mark.parametrize(("timeout", "waits"), [(None, True), (0, True), (60, True), (10, False)])
def test_a_node_that_may_not_be_deleted_holds_only_until_the_timeout(timeout: int | None, waits: bool) -> None:
    world = joined()
    name = without_drain(world, timeout=timeout)
    world.refuse = forbidden
    for _ in range(12):
        if world.find("Machine", name):
            step(world, name)
        provide(world)
        world.now += timedelta(seconds=2)
    assert (world.find("Machine", name) is not None) is waits
    assert 'Warning FailedDeleteNode: error deleting Machine\'s Node: nodes "worker" is forbidden' in world.events
    assert world.find("Node", name) is not None
    if waits:
        text = f'Deleting Node {name}: nodes "worker" is forbidden'
        assert reported(world, name, "Deleting")[1:] == ("DeletingNode", text)
        failed = {"status": "False", "severity": "Warning", "reason": "DeletionFailed"}
        assert failed.items() <= legacy(world, name)["NodeHealthy"].items()
        world.refuse = None
        world.settle(provide)
        assert world.find("Machine", name) is None
        assert world.find("Node", name) is None


def test_a_node_is_tried_once_even_after_the_timeout() -> None:
    world = joined()
    name = without_drain(world, timeout=10)
    world.now += timedelta(hours=1)
    world.settle(provide)
    assert world.find("Machine", name) is None
    assert world.find("Node", name) is None


def test_a_silence_that_is_new_leaves_no_node_behind() -> None:
    """As when the address of the control plane moves to another machine."""
    world = joined()
    name = without_drain(world, timeout=10)
    world.now += timedelta(hours=1)
    world.reachable, world.silence = False, CONNECTING
    world.settle(provide)
    assert reported(world, name, "Deleting")[1] == "DeletingNode"
    assert not [event for event in world.events if "FailedDeleteNode" in event]
    world.reachable = True
    world.settle(provide)
    assert world.find("Machine", name) is None
    assert world.find("Node", name) is None


def test_ready_says_for_how_long_and_why() -> None:
    world = joined()
    name = worker(world)
    annotate(world, name, "pre-drain.delete.hook.machine.cluster.x-k8s.io/mine")
    world.delete("Machine", name)
    step(world, name)
    short = "* Deleting: Machine deletion in progress, stage: WaitingForPreDrainHook"
    assert reported(world, name, "Ready") == ("False", "NotReady", short)
    world.now += timedelta(minutes=15)
    step(world, name)
    assert reported(world, name, "Ready")[2] == short, "no longer than that"
    world.now += timedelta(seconds=1)
    step(world, name)
    long = "* Deleting: Machine deletion in progress since more than 15m, stage: WaitingForPreDrainHook"
    assert reported(world, name, "Ready")[2] == long


def test_what_is_rightly_gone_is_no_issue_of_its_own() -> None:
    world = joined()
    name = without_drain(world, timeout=None)
    world.refuse = forbidden
    for _ in range(6):
        step(world, name)
        provide(world)
    assert reported(world, name, "InfrastructureReady")[1:] == ("ObjectDeleted", "LabMachine has been deleted")
    assert reported(world, name, "BootstrapConfigReady")[1:] == ("ObjectDeleted", "LabConfig has been deleted")
    assert reported(world, name, "Ready")[2] == "* Deleting: Machine deletion in progress, stage: DeletingNode"
    deleted = {"status": "False", "severity": "Info", "reason": "Deleted"}
    assert deleted.items() <= legacy(world, name)["InfrastructureReady"].items()
    assert deleted.items() <= legacy(world, name)["BootstrapReady"].items()


@pytest.mark.parametrize("what", ["pods", "cordon", "eviction"])
def test_a_drain_that_fails_is_told_of(what: str) -> None:
    world = joined()
    name = worker(world)
    put_pods(world, pod("web", name))
    refused = {"cordon": PatchNode, "eviction": EvictPods}.get(what, DeleteNode)
    world.refuse = lambda action: ApiError(500, "InternalError", "no etcd") if isinstance(action, refused) else None
    world.unreadable = {"pods"} if what == "pods" else set()
    world.delete("Machine", name)
    for _ in range(3):
        step(world, name)
        world.now += timedelta(seconds=20)
    why = "failed to get Pods for eviction: pods is forbidden" if what == "pods" else "no etcd"
    assert f'Warning FailedDrainNode: error draining Machine\'s node "{name}": {why}' in world.events
    assert reported(world, name, "Deleting")[1] == "DrainingNode"


def test_volumes_that_cannot_be_looked_at_are_told_of() -> None:
    world = joined()
    name = worker(world)
    world.put(volume("pv-db", "db"))
    world.put(attachment("a", name, "pv-db"))
    world.unreadable = {"volumeattachments"}
    annotate(world, name, NO_DRAIN)
    world.delete("Machine", name)
    for _ in range(3):
        step(world, name)
        world.now += timedelta(seconds=20)
    told = [event for event in world.events if "FailedWaitForVolumeDetach" in event]
    text = f'Warning FailedWaitForVolumeDetach: error waiting for node volumes detaching, Machine\'s node "{name}": '
    assert told and all(event.startswith(text) and "volumeattachments is forbidden" in event for event in told)
