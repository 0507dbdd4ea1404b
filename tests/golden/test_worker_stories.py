"""What users may read of workers that are scaled, replaced, repaired, held up and updated, line by line."""

from __future__ import annotations

from typing import Any

from capstan.api.objects import Obj
from tests.golden.workerstory import Story
from tests.unit.controllers.lab import CLUSTER_LABEL, CORE, joined, provide
from tests.unit.controllers.machine.test_inplace import Updater
from tests.unit.controllers.world import World

NEWER = {"template": {"spec": {"version": "v1.34.2"}}}


def health_check(**remediation: Any) -> Obj:
    check = {"type": "Ready", "status": "False", "timeoutSeconds": 300}
    spec = {
        "clusterName": "homelab",
        "selector": {"matchLabels": {"cluster.x-k8s.io/deployment-name": "workers"}},
        "checks": {"unhealthyNodeConditions": [check]},
        "remediation": remediation,
    }
    meta = {"name": "workers", "namespace": "default", "labels": {CLUSTER_LABEL: "homelab"}}
    return {"apiVersion": CORE, "kind": "MachineHealthCheck", "metadata": meta, "spec": spec}


def watched(world: World, **remediation: Any) -> World:
    world.put(health_check(**remediation))
    world.settle(provide)
    return world


def test_too_many_are_unhealthy_at_once() -> None:
    story = Story(watched(joined(4), triggerIf={"unhealthyInRange": "[1-2]"}), "unhealthyInRange [1-2], 4 workers")
    story.does("three kubelets stop: more than a broken host, rather a broken switch")
    stopped = story.machines()[:3]
    story.breaks(*stopped)
    story.settle()
    story.later(301)
    story.says("MachineHealthCheck", "workers", "RemediationAllowed")
    story.does("one of them comes back")
    heal(story, stopped[0])
    story.settle()
    story.says("MachineHealthCheck", "workers", "RemediationAllowed")
    story.write("story_unhealthy_in_range.txt")


def heal(story: Story, machine: Obj) -> None:
    world, name = story.world, machine["metadata"]["name"]
    found = world.get("Node", name)
    ready = [{**c, "status": "True"} if c["type"] == "Ready" else c for c in found["status"]["conditions"]]
    world.put({**found, "status": {**found["status"], "conditions": ready}})


def test_one_remediation_at_a_time() -> None:
    world = joined(4)
    world.edit("MachineDeployment", "workers", {"spec": {"remediation": {"maxInFlight": "25%"}}})
    story = Story(watched(world), "maxInFlight 25 %, 4 workers")
    story.does("two kubelets stop")
    story.breaks(*story.machines()[:2])
    story.later(301)
    story.says("MachineDeployment", "workers", "Remediating", "Available")
    story.write("story_max_in_flight.txt")


def test_nothing_is_made_before_the_control_plane_is_ready_for_it() -> None:
    story = Story(joined(1), "preflight checks of a MachineSet")
    story.does("the control plane is being upgraded, and one more worker is wanted")
    story.world.edit("LabControlPlane", "homelab", {"spec": {"version": "v1.35.0"}})
    story.world.edit("MachineDeployment", "workers", {"spec": {"replicas": 2}})
    story.settle()
    (found,) = story.world.all("MachineSet")
    story.says("MachineSet", found["metadata"]["name"], "ScalingUp")
    story.edit("the upgrade is taken back", {"spec": {"version": "v1.34.1"}}, "LabControlPlane", "homelab")
    story.settle()
    story.edit(
        "workers are to be newer than the control plane", {"spec": {"template": {"spec": {"version": "v1.36.0"}}}}
    )
    story.settle()
    newest = max(story.world.all("MachineSet"), key=lambda s: int(s["metadata"]["annotations"][REVISION]))
    story.says("MachineSet", newest["metadata"]["name"], "ScalingUp")
    marks = {"machineset.cluster.x-k8s.io/skip-preflight-checks": "KubernetesVersionSkew"}
    story.edit("somebody insists", {"metadata": {"annotations": marks}})
    story.settle()
    story.counts()
    story.write("story_preflight.txt")


REVISION = "machinedeployment.clusters.x-k8s.io/revision"


def test_a_paused_rollout_scales_in_proportion() -> None:
    story = Story(joined(6), "spec.paused in the middle of a rollout, 6 workers")
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}}
    story.edit("a new version, two more at a time", {"spec": {**NEWER, "rollout": {"strategy": strategy}}})
    while not any(s["spec"]["replicas"] == 4 for s in story.world.all("MachineSet")):
        provide(story.world)
        story.world.round()
    story.world.edit("MachineDeployment", "workers", {"spec": {"paused": True}})
    story.settle()
    story.counts()
    story.edit("paused, and twice as many are wanted", {"spec": {"replicas": 12}})
    story.settle()
    story.counts()
    story.edit("a third of them is enough", {"spec": {"replicas": 4}})
    story.settle()
    story.counts()
    story.edit("the rollout goes on", {"spec": {"paused": False}})
    story.settle()
    story.counts()
    story.says("MachineDeployment", "workers", "Available")
    story.write("story_paused.txt")


def test_on_delete_replaces_what_somebody_deletes() -> None:
    story = Story(joined(3), "OnDelete, 3 workers")
    story.edit("OnDelete and a new version", {"spec": {**NEWER, "rollout": {"strategy": {"type": "OnDelete"}}}})
    story.settle()
    story.counts()
    story.says("MachineDeployment", "workers", "RollingOut")
    story.does("one Machine is deleted by hand")
    story.world.delete("Machine", story.machines()[0]["metadata"]["name"])
    story.settle()
    story.counts()
    story.edit("one worker fewer", {"spec": {"replicas": 2}})
    story.settle()
    story.counts()
    story.write("story_on_delete.txt")


def test_who_goes_first() -> None:
    world = joined(5)
    for minute, machine in enumerate(m for m in world.all("Machine") if m["metadata"]["name"].startswith("workers")):
        created = {**machine["metadata"], "creationTimestamp": f"2025-12-0{minute + 1}T00:00:00Z"}
        world.put({**machine, "metadata": created})
    world.settle(provide)
    story = Story(world, "deletion.order Oldest, 5 workers; A is the oldest")
    story.edit("the oldest go first", {"spec": {"deletion": {"order": "Oldest"}}})
    story.settle()
    marked, unhealthy = story.machines()[4], story.machines()[3]
    story.does("E is marked for deletion, the kubelet of D stops")
    marks = {"metadata": {"annotations": {"cluster.x-k8s.io/delete-machine": ""}}}
    story.world.edit("Machine", marked["metadata"]["name"], marks)
    story.breaks(unhealthy)
    story.settle()
    for replicas in (4, 3, 2):
        story.edit(f"{replicas} workers are enough", {"spec": {"replicas": replicas}})
        story.settle()
    story.write("story_deletion_order.txt")


def test_workers_are_updated_in_place() -> None:
    updater = Updater()
    world = joined(updater=updater)
    updater.world = world
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    world.edit("MachineDeployment", "workers", {"spec": {"rollout": {"strategy": strategy}}})
    world.settle(provide)
    story = Story(world, "an updater takes over, 2 workers, maxUnavailable 1")
    story.edit("an older version", {"spec": {"template": {"spec": {"version": "v1.34.0"}}}})
    story.settle()
    story.counts()
    updater.can = False
    story.edit("a change that the updater cannot make", {"spec": {"template": {"spec": {"version": "v1.33.9"}}}})
    story.settle()
    story.counts()
    story.write("story_in_place.txt")
