"""How a Machine's node is emptied, story by story: what is done, and what its condition says meanwhile."""

from __future__ import annotations

from datetime import timedelta

from capstan.api.objects import GroupKind, Key
from capstan.controllers.machine.controller import MachineController
from tests.golden.text import assert_golden
from tests.unit.controllers.lab import joined, provide
from tests.unit.controllers.pods import (
    attachment,
    budget,
    drain_rule,
    machine_name,
    pod,
    put_pods,
    stop_pods,
    volume,
)
from tests.unit.controllers.world import World, condition, strings


class Story:
    """One Machine that is deleted; `lines` is what a reader sees."""

    def __init__(self, title: str) -> None:
        self.world: World = joined()
        self.name = machine_name(self.world)
        self.lines = [f"# {title}", ""]

    def delete(self) -> None:
        self.world.delete("Machine", self.name)

    def say(self, text: str) -> None:
        self.lines += ["", f"-- {text}"]

    def look(self, *, after: float = 20, rounds: int = 2) -> None:
        """Time passes, then the controller has its rounds."""
        world = self.world
        world.now += timedelta(seconds=after)
        controller = next(c for c in world.controllers if isinstance(c, MachineController))
        for _ in range(rounds):
            if world.find("Machine", self.name) is None:
                break
            world.trace.clear()
            world.events.clear()
            world.reconcile(controller, Key("default", self.name))
            self.lines += [*(line.partition(": ")[2] for line in world.trace), *(f"event {e}" for e in world.events)]
        if world.find("Machine", self.name) is None:
            self.lines.append("gone")
            return
        machine = world.get("Machine", self.name)
        deleting = condition(machine, "Deleting")
        self.lines.append(f"Deleting: {deleting['reason']}")
        self.lines += [f"  {line}" for line in deleting["message"].splitlines()]
        self.lines.append(f"Ready: {condition(machine, 'Ready')['message'].splitlines()[0]}")

    def text(self) -> str:
        return strings(self.lines).replace(self.name, "worker")


def test_a_budget_forbids_and_then_allows() -> None:
    story = Story("a disruption budget forbids an eviction, then allows it")
    put_pods(story.world, pod("api", story.name), pod("web", story.name))
    story.world.budgets["api"] = budget("api", needed=1, healthy=1)
    story.delete()
    story.look(after=0)
    story.say("web has stopped; twenty minutes later")
    stop_pods(story.world)
    story.look(after=1200)
    story.say("another api pod is ready elsewhere")
    story.world.budgets.clear()
    story.look()
    story.say("it has stopped")
    stop_pods(story.world)
    story.look()
    story.say("the host is gone")
    provide(story.world)
    story.look(after=1, rounds=1)
    provide(story.world)
    story.look(after=1, rounds=3)
    assert_golden("drain_budget.txt", story.text())


def test_groups_go_one_after_the_other() -> None:
    story = Story("drain rules: batch jobs are waited for, the proxy goes last, the agent stays")
    world = story.world
    for obj in (
        drain_rule("agent", "Skip", pods=[{"selector": {"matchLabels": {"app": "agent"}}}]),
        drain_rule("batch", "WaitCompleted", pods=[{"selector": {"matchLabels": {"app": "batch"}}}]),
        drain_rule(
            "proxy",
            "Drain",
            10,
            pods=[
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "web"}},
                    "selector": {"matchLabels": {"app": "proxy"}},
                }
            ],
        ),
        drain_rule("elsewhere", "Skip", machines=[{"selector": {"matchLabels": {"pool": "other"}}}]),
    ):
        world.put(obj)
    put_pods(
        world,
        *(pod(f"shop-{n}", story.name) for n in range(5)),
        pod("agent", story.name, labels={"app": "agent"}),
        pod("job", story.name, owner="Job", labels={"app": "batch"}),
        pod("proxy", story.name, labels={"app": "proxy"}),
        pod("kube-proxy", story.name, owner="DaemonSet"),
    )
    world.put({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "kube-proxy", "namespace": "web"}})
    story.delete()
    story.look(after=0)
    story.say("the shop has stopped")
    stop_pods(world)
    story.look()
    story.say("the job is completed")
    world.edit("Pod", "job", {"status": {"phase": "Succeeded"}})
    story.look()
    story.say("the proxy has stopped")
    stop_pods(world)
    story.look()
    assert_golden("drain_order.txt", story.text())


def test_an_unreachable_node() -> None:
    story = Story("nothing is heard of the node's kubelet: nobody will report that a pod has ended")
    put_pods(story.world, pod("web", story.name))
    node = story.world.get("Node", story.name)
    conditions = [{**c, "status": "Unknown"} for c in node["status"]["conditions"]]
    story.world.edit("Node", story.name, {"status": {"conditions": conditions}})
    story.world.put(attachment("a", story.name, "pv"))
    story.delete()
    story.look(after=0)
    story.say("later; the pod is still there")
    story.look()
    assert_golden("drain_unreachable.txt", story.text())


def test_volumes_are_waited_for() -> None:
    story = Story("the node is empty, its volumes are not detached yet")
    world = story.world
    put_pods(
        world,
        pod(
            "agent",
            story.name,
            labels={"cluster.x-k8s.io/drain": "skip"},
            volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "agent"}}],
        ),
    )
    for obj in (
        volume("pv-agent", "agent"),
        volume("pv-db", "db", handle="7"),
        volume("pv-bare", ""),
        attachment("a", story.name, "pv-agent"),
        attachment("b", story.name, "pv-bare"),
        attachment("c", story.name, "pv-lost"),
        attachment("d", "elsewhere", "pv-other"),
        attachment("e", story.name, "pv-done", attached=False),
    ):
        world.put(obj)
    reported = [{"name": n, "devicePath": ""} for n in ("kubernetes.io/csi/csi.lab^7", "kubernetes.io/other/9")]
    world.edit("Node", story.name, {"status": {"volumesAttached": reported}})
    story.delete()
    story.look(after=0)
    story.say("all but that of the pod that stays are detached")
    world.edit("Node", story.name, {"status": {"volumesAttached": None}})
    for name in ("b", "c"):
        world.objects.pop((GroupKind("storage.k8s.io", "VolumeAttachment"), Key("", name)))
    story.look()
    assert_golden("drain_volumes.txt", story.text())


def test_hooks_and_timeouts() -> None:
    story = Story("hooks before the drain and before the end; the drain has a minute")
    world = story.world
    pre_drain, pre_terminate = (
        f"{w}.delete.hook.machine.cluster.x-k8s.io/backup" for w in ("pre-drain", "pre-terminate")
    )
    world.edit("Machine", story.name, {"metadata": {"annotations": {pre_drain: "", pre_terminate: ""}}})
    world.edit("Machine", story.name, {"spec": {"deletion": {"nodeDrainTimeoutSeconds": 60}}})
    put_pods(world, pod("stuck", story.name))
    world.budgets["stuck"] = budget("stuck", needed=2, healthy=2)
    story.delete()
    story.look(after=0)
    story.say("the first hook is taken away")
    world.edit("Machine", story.name, {"metadata": {"annotations": {pre_drain: None}}})
    story.look()
    story.say("after a minute")
    story.look(after=60)
    story.say("the second hook is taken away")
    world.edit("Machine", story.name, {"metadata": {"annotations": {pre_terminate: None}}})
    story.look()
    assert_golden("drain_hooks.txt", story.text())
