"""What a Cluster's status makes of its providers, its descendants and its connection (1.2, 1.4, 1.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controllers.cluster.test_cluster import alone, reported
from tests.unit.controllers.lab import declared, joined, machine_set, node, provide, templates
from tests.unit.controllers.world import BOOTSTRAP, CONTROL_PLANE, INFRA, NAMESPACE, World, WorldReader, condition

from capstan.api.errors import ApiError
from capstan.api.objects import GroupKind, Key, Obj
from capstan.runtime.nodes import CONNECTING, UNREACHABLE
from capstan.runtime.plan import Outcomes, Plan

HOMELAB = Key("default", "homelab")
CP_KIND = GroupKind(CONTROL_PLANE, "LabControlPlane")
INFRA_KIND = GroupKind(INFRA, "LabCluster")


def legacy(world: World, type: str) -> tuple[str, str, str, str]:
    """Status, severity, reason and message of an older condition."""
    listed = world.get("Cluster", "homelab")["status"]["deprecated"]["v1beta1"]["conditions"]
    found = next(c for c in listed if c["type"] == type)
    return found["status"], found.get("severity", ""), found.get("reason", ""), found.get("message", "")


def status(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.get("Cluster", "homelab")["status"]
    return found


def seen_when_unreadable(world: World, kind: GroupKind) -> tuple[Plan, dict[str, tuple[str, str]]]:
    """One round of the Cluster while objects of a kind cannot be read: the plan, and its conditions."""

    class Reader(WorldReader):
        async def get_object(self, group_kind: GroupKind, namespace: str, name: str) -> Obj | None:
            if group_kind == kind:
                raise ApiError(500, "InternalError", "etcd is not there")
            return await super().get_object(group_kind, namespace, name)

    controller = world.controllers[0]
    coroutine = controller.observe(Reader(world), HOMELAB)
    with pytest.raises(StopIteration) as answer:
        coroutine.send(None)
    snapshot = answer.value.value
    after = controller.compute_status(snapshot, Outcomes())
    assert after is not None
    return controller.plan(snapshot), {c.type: (c.status, c.reason) for c in after.status.conditions}


# The connection


def test_a_failed_probe_says_when_the_cluster_answered_last() -> None:
    world = joined()
    world.reachable, world.silence, world.last_seen = False, UNREACHABLE, world.now - timedelta(minutes=1)
    world.settle()
    text = f"Remote connection probe failed, probe last succeeded at {world.last_seen:%Y-%m-%dT%H:%M:%SZ}"
    assert reported(world, "RemoteConnectionProbe") == ("False", "ProbeFailed", text)


def test_a_cluster_that_never_answered_is_given_time() -> None:
    world = declared()
    world.reachable, world.silence = False, CONNECTING
    world.settle(provide)
    text = "Remote connection not established yet"
    assert reported(world, "RemoteConnectionProbe") == ("False", "ProbeFailed", text)
    world.silence = UNREACHABLE
    world.settle(provide)
    assert reported(world, "RemoteConnectionProbe") == ("False", "ProbeFailed", "Remote connection probe failed")
    world.silence = CONNECTING
    world.settle(provide)
    assert reported(world, "RemoteConnectionProbe")[2] == "Remote connection probe failed", "what is known stays"


def test_a_cluster_on_its_way_out_is_still_probed() -> None:
    world = joined()
    world.edit("MachineDeployment", "workers", {"metadata": {"finalizers": ["hold/it"]}})
    world.delete("Cluster", "homelab")
    world.reachable, world.silence = False, UNREACHABLE
    world.reconcile(world.controllers[0], HOMELAB)
    assert reported(world, "RemoteConnectionProbe")[:2] == ("False", "ProbeFailed")


# Providers


def test_flags_stand_in_for_conditions_and_never_go_back() -> None:
    world = joined()
    world.edit("LabCluster", "homelab", {"status": {"initialization": {"provisioned": False}}})
    no_flag = {"initialization": {"controlPlaneInitialized": False}, "conditions": []}
    world.edit("LabControlPlane", "homelab", {"status": no_flag})
    world.settle()
    assert reported(world, "InfrastructureReady") == ("True", "Ready", "")
    assert reported(world, "ControlPlaneAvailable") == ("True", "Available", "")
    assert reported(world, "ControlPlaneInitialized") == ("True", "Initialized", "")
    assert status(world)["initialization"] == {"infrastructureProvisioned": True, "controlPlaneInitialized": True}


def test_a_condition_without_a_reason_is_given_one() -> None:
    world = joined()
    world.edit("LabCluster", "homelab", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    world.settle()
    assert reported(world, "InfrastructureReady") == ("True", "Ready", "")
    world.edit("LabCluster", "homelab", {"status": {"conditions": [{"type": "Ready"}]}})
    world.settle()
    assert reported(world, "InfrastructureReady")[:2] == ("Unknown", "InvalidConditionReported")


def test_a_control_plane_names_the_endpoint_only_once_it_is_initialized() -> None:
    world = alone()
    meta = {"name": "homelab", "namespace": NAMESPACE}
    world.put({"apiVersion": f"{INFRA}/v1", "kind": "LabCluster", "metadata": meta})
    world.edit("LabCluster", "homelab", {"status": {"initialization": {"provisioned": True}}})
    spec = {"controlPlaneEndpoint": {"host": "192.0.2.1", "port": 6443}}
    world.put({"apiVersion": f"{CONTROL_PLANE}/v1", "kind": "LabControlPlane", "metadata": meta, "spec": spec})
    world.settle()
    assert "controlPlaneEndpoint" not in world.get("Cluster", "homelab")["spec"]
    world.edit("LabControlPlane", "homelab", {"status": {"initialization": {"controlPlaneInitialized": True}}})
    world.settle()
    assert world.get("Cluster", "homelab")["spec"]["controlPlaneEndpoint"] == spec["controlPlaneEndpoint"]


def test_nothing_is_taken_over_from_infrastructure_on_its_way_out() -> None:
    world = joined()
    world.delete("LabCluster", "homelab")
    world.edit("LabCluster", "homelab", {"status": {"failureDomains": []}})
    world.settle()
    assert [d["name"] for d in status(world)["failureDomains"]] == ["a", "b"]


def test_failures_are_passed_on_to_old_readers_only() -> None:
    world = joined()
    world.edit("LabCluster", "homelab", {"status": {"failureReason": "Broken", "failureMessage": "it broke"}})
    world.settle()
    old = status(world)["deprecated"]["v1beta1"]
    whose = f'{world.get("LabCluster", "homelab")["apiVersion"]}, Kind=LabCluster with name "homelab"'
    said = f"Failure detected from referenced resource {whose}: it broke"
    assert (old["failureReason"], old["failureMessage"]) == ("Broken", said)
    assert status(world)["phase"] == "Provisioned"
    assert reported(world, "Available")[0] == "True"


def test_the_older_conditions_on_the_way_in_and_out() -> None:
    world = declared()
    world.settle()
    text = "Waiting for control plane provider to indicate the control plane has been initialized"
    waits = ("False", "Info", "WaitingForControlPlaneProviderInitialized", text)
    assert legacy(world, "ControlPlaneInitialized") == waits
    assert legacy(world, "InfrastructureReady") == ("False", "Info", "WaitingForInfrastructure", "")
    assert legacy(world, "ControlPlaneReady") == ("False", "Info", "WaitingForControlPlane", "")
    assert legacy(world, "Ready") == ("False", "Info", "WaitingForControlPlane", "")
    world.settle(provide)
    assert legacy(world, "Ready") == ("True", "", "", "")
    world.edit("MachineDeployment", "workers", {"metadata": {"finalizers": ["hold/it"]}})
    world.delete("Cluster", "homelab")
    world.reconcile(world.controllers[0], HOMELAB)
    assert legacy(world, "InfrastructureReady") == ("False", "Info", "Deleting", "")
    assert legacy(world, "ControlPlaneReady") == ("False", "Info", "Deleting", "")
    assert legacy(world, "ControlPlaneInitialized")[0] == "True"


# What cannot be read


def test_what_a_control_plane_that_cannot_be_read_does_is_not_known() -> None:
    _, found = seen_when_unreadable(joined(), CP_KIND)
    for type_ in ("RollingOut", "ScalingUp", "ScalingDown", "ControlPlaneAvailable"):
        assert found[type_] == ("Unknown", "InternalError"), type_
    assert found["ControlPlaneInitialized"] == ("True", "Initialized")


@pytest.mark.parametrize(("kind", "name"), [(CP_KIND, "LabControlPlane"), (INFRA_KIND, "LabCluster")])
def test_what_cannot_be_read_is_not_taken_for_gone(kind: GroupKind, name: str) -> None:
    world = joined()
    for place in [p for p in world.objects if p[0].kind in ("Machine", "MachineSet", "MachineDeployment")]:
        world.objects.pop(place)
    if kind == INFRA_KIND:
        world.objects.pop((CP_KIND, HOMELAB))
    world.delete("Cluster", "homelab")
    plan, found = seen_when_unreadable(world, kind)
    assert plan.actions == () or all("event" in a.summary for a in plan.actions)
    assert found["Deleting"] == ("True", "InternalError")
    assert [w.message for w in plan.waiting_on] == [f"Waiting for {name} to be deleted: etcd is not there"]


# Descendants


def pool_machine(world: World, name: str) -> None:
    """A worker of somebody else's pool that a health check finds unhealthy."""
    labels = {"cluster.x-k8s.io/cluster-name": "homelab", "cluster.x-k8s.io/pool-name": "pool"}
    failed = [{"type": "HealthCheckSucceeded", "status": "False", "reason": "UnhealthyNode", "message": ""}]
    owner = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachinePool", "name": "pool", "uid": "p"}
    meta = {"name": name, "namespace": NAMESPACE, "labels": labels, "ownerReferences": [{**owner, "controller": True}]}
    spec = {
        "clusterName": "homelab",
        "bootstrap": {"dataSecretName": "x"},
        "infrastructureRef": {"apiGroup": INFRA, "kind": "LabMachine", "name": name},
    }
    status = {"conditions": failed}
    obj = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine", "metadata": meta, "spec": spec}
    world.put({**obj, "status": status})


def test_machines_of_pools_count_through_their_pool() -> None:
    world = joined()
    pool_machine(world, "pool-0")
    world.reconcile(world.controllers[0], HOMELAB)
    assert status(world)["workers"]["replicas"] == 2
    assert reported(world, "Remediating") == ("False", "NotRemediating", "")
    assert reported(world, "WorkerMachinesReady")[0] == "True"


def test_unhealthy_machines_that_nobody_is_to_remediate_are_named() -> None:
    world = joined()
    failed = [{"type": "HealthCheckSucceeded", "status": "False", "reason": "UnhealthyNode", "message": ""}]
    name = next(m["metadata"]["name"] for m in world.all("Machine") if "workers" in m["metadata"]["name"])
    world.edit(
        "Machine", name, {"status": {"conditions": [*world.get("Machine", name)["status"]["conditions"], *failed]}}
    )
    world.reconcile(world.controllers[0], HOMELAB)
    text = f"Machine {name} is not healthy (not to be remediated)"
    assert reported(world, "Remediating") == ("False", "NotRemediating", text)


def test_only_the_clusters_own_sets_and_machines_count_beside_deployments() -> None:
    world = joined()
    for obj in [machine_set("mine", replicas=1), *templates()]:
        world.put(obj)
    world.settle(provide)
    assert status(world)["workers"]["desiredReplicas"] == 3
    assert status(world)["workers"]["replicas"] == 3
    world.put(machine_set("orphan", replicas=5))
    world.reconcile(world.controllers[0], HOMELAB)
    assert status(world)["workers"]["desiredReplicas"] == 3, "whose it is is not said yet"


def test_machines_of_a_control_plane_without_an_object_are_counted() -> None:
    world = alone(controlPlaneRef=None)
    world.edit("Cluster", "homelab", {"spec": {"controlPlaneRef": None}})
    name = "solo-cp"
    labels = {"cluster.x-k8s.io/cluster-name": "homelab", "cluster.x-k8s.io/control-plane": ""}
    meta = {"name": name, "namespace": NAMESPACE, "labels": labels}
    spec = {
        "clusterName": "homelab",
        "version": "v1.34.1",
        "bootstrap": {"configRef": {"apiGroup": BOOTSTRAP, "kind": "LabConfig", "name": name}},
        "infrastructureRef": {"apiGroup": INFRA, "kind": "LabMachine", "name": name},
    }
    world.put({"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine", "metadata": meta, "spec": spec})
    world.reconcile(world.controllers[0], HOMELAB)
    world.reconcile(world.controllers[0], HOMELAB)
    counts = status(world)["controlPlane"]
    assert (counts["desiredReplicas"], counts["replicas"], counts["readyReplicas"]) == (1, 1, 0)
    text = "Waiting for the first control plane machine to have status.nodeRef set"
    assert reported(world, "ControlPlaneInitialized") == ("False", "NotInitialized", text)
    assert legacy(world, "ControlPlaneInitialized")[2] == "MissingNodeRef"
    world.put(node(name))
    world.edit("Machine", name, {"status": {"nodeRef": {"name": name}}})
    world.reconcile(world.controllers[0], HOMELAB)
    assert reported(world, "ControlPlaneInitialized")[0] == "True"


def test_what_a_cluster_waits_for_is_its_availability() -> None:
    world = joined()
    gates = [{"conditionType": "Licensed"}, {"conditionType": "Draining", "polarity": "Negative"}]
    said = [{"type": "Draining", "status": "True", "reason": "R", "message": "too many", "lastTransitionTime": None}]
    listed = [*status(world)["conditions"], *said]
    world.edit("Cluster", "homelab", {"spec": {"availabilityGates": gates}, "status": {"conditions": listed}})
    world.settle()
    text = "* Licensed: Condition not yet reported\n* Draining: too many"
    assert reported(world, "Available") == ("False", "NotAvailable", text)
    assert condition(world.get("Cluster", "homelab"), "Draining")["message"] == "too many", "others' conditions stay"
