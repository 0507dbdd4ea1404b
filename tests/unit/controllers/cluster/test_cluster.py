"""Cluster: what it takes over, what it says it waits for, and the order in which it goes."""

from __future__ import annotations

import pytest
from tests.unit.controllers.lab import cluster, declared, joined, machine_set, provide, templates
from tests.unit.controllers.world import CONTROL_PLANE, INFRA, NAMESPACE, World, condition, conflict

from capstan.api.objects import GroupKind
from capstan.runtime.nodes import CONNECTING, UNREACHABLE

KUBEADM = {"apiGroup": CONTROL_PLANE, "kind": "KubeadmControlPlane", "name": "homelab"}


def alone(**spec: object) -> World:
    world = World()
    world.put(cluster(**spec))
    return world


def reported(world: World, type: str) -> tuple[str, str, str]:
    found = condition(world.get("Cluster", "homelab"), type)
    return found["status"], found["reason"], found["message"]


def waiting(world: World) -> list[str]:
    plan = world.reconcile(world.controllers[0], next(k for p, k in world.objects if p.kind == "Cluster"))
    assert plan is not None
    return [w.message for w in plan.waiting_on]


def test_the_finalizer_comes_first_and_alone() -> None:
    world = declared()
    plan = world.reconcile(world.controllers[0], next(k for p, k in world.objects if p.kind == "Cluster"))
    assert plan is not None
    assert len(plan.actions) == 1
    assert world.get("Cluster", "homelab")["metadata"]["finalizers"] == ["cluster.cluster.x-k8s.io"]
    assert world.writes == 1, "finalizer and status are one write"


def test_a_foreign_control_plane_is_waited_for_calmly() -> None:
    world = alone(controlPlaneRef=KUBEADM)
    world.settle()
    status, reason, message = reported(world, "ControlPlaneInitialized")
    assert (status, reason) == ("Unknown", "ProviderMissing")
    assert "KubeadmControlPlane.controlplane.cluster.x-k8s.io" in message
    assert reported(world, "ControlPlaneAvailable")[1] == "ProviderMissing"
    assert any("KubeadmControlPlane" in text for text in waiting(world))
    assert not world.events
    world.served[GroupKind(CONTROL_PLANE, "KubeadmControlPlane")] = "kubeadmcontrolplanes"
    world.settle()
    assert reported(world, "ControlPlaneAvailable") == (
        "False",
        "ObjectDoesNotExist",
        "KubeadmControlPlane does not exist: create KubeadmControlPlane homelab, or correct the reference to it",
    )
    world.delete("Cluster", "homelab")
    world.settle()
    assert world.find("Cluster", "homelab") is None


def test_an_infrastructure_object_that_is_not_there_yet() -> None:
    world = alone()
    world.settle()
    message = "LabCluster does not exist: create LabCluster homelab, or correct the reference to it"
    assert reported(world, "InfrastructureReady") == ("False", "ObjectDoesNotExist", message)
    assert world.get("Cluster", "homelab")["status"]["phase"] == "Provisioning"
    assert any("LabCluster homelab, which does not exist," in text for text in waiting(world))


def test_what_is_provisioned_stays_provisioned() -> None:
    world = joined()
    world.objects = {p: o for p, o in world.objects.items() if p[0].kind != "LabCluster"}
    world.settle()
    found = world.get("Cluster", "homelab")
    assert found["status"]["initialization"]["infrastructureProvisioned"] is True
    assert reported(world, "InfrastructureReady") == (
        "False",
        "ObjectDeleted",
        "LabCluster has been deleted while the cluster still exists",
    )
    assert reported(world, "Available")[0] == "False"


def test_endpoint_and_failure_domains_are_taken_over() -> None:
    found = joined().get("Cluster", "homelab")
    assert found["spec"]["controlPlaneEndpoint"] == {"host": "192.0.2.10", "port": 6443}
    assert [d["name"] for d in found["status"]["failureDomains"]] == ["a", "b"]
    assert found["status"]["phase"] == "Provisioned"


def test_an_endpoint_of_the_users_own_stays() -> None:
    world = declared()
    world.edit("Cluster", "homelab", {"spec": {"controlPlaneEndpoint": {"host": "own.example", "port": 443}}})
    world.settle(provide)
    assert world.get("Cluster", "homelab")["spec"]["controlPlaneEndpoint"]["host"] == "own.example"


def test_v1beta1_contract_is_enough() -> None:
    world = alone()
    provider = {"apiVersion": f"{INFRA}/v1", "metadata": {"name": "homelab", "namespace": NAMESPACE}}
    status = {"ready": True, "failureDomains": {"z": {"controlPlane": True}}}
    spec = {"controlPlaneEndpoint": {"host": "h", "port": 1}}
    world.put({**provider, "kind": "LabCluster", "spec": spec, "status": status})
    world.contract = "v1beta1"
    world.settle()
    found = world.get("Cluster", "homelab")
    assert found["status"]["initialization"]["infrastructureProvisioned"] is True
    assert found["spec"]["controlPlaneEndpoint"] == {"host": "h", "port": 1}
    assert found["status"]["failureDomains"] == [{"name": "z", "controlPlane": True}]


@pytest.mark.parametrize("how", ["spec", "annotation"])
def test_a_paused_cluster_only_says_so(how: str) -> None:
    world = declared()
    patch = {"spec": {"paused": True}}
    if how == "annotation":
        patch = {"metadata": {"annotations": {"cluster.x-k8s.io/paused": ""}}}
    world.edit("Cluster", "homelab", patch)
    world.settle()
    found = world.get("Cluster", "homelab")
    assert [(c["type"], c["status"]) for c in found["status"]["conditions"]] == [("Paused", "True")]
    assert "finalizers" not in found["metadata"]
    if how == "spec":
        deployment = condition(world.get("MachineDeployment", "workers"), "Paused")
        assert deployment["message"] == "Cluster spec.paused is set to true"


def test_unpausing_goes_on() -> None:
    world = declared()
    world.edit("Cluster", "homelab", {"spec": {"paused": True}})
    world.settle(provide)
    world.edit("Cluster", "homelab", {"spec": {"paused": None}})
    world.settle(provide)
    assert reported(world, "Available")[0] == "True"


def test_a_refused_write_reaches_the_condition() -> None:
    world = declared()
    world.settle()
    world.edit("LabCluster", "homelab", {"metadata": {"ownerReferences": None}})
    world.refuse = lambda action: (
        conflict("labclusters", "homelab", "it is guarded") if "Lab" in action.summary else None
    )
    world.round()
    status, reason, message = reported(world, "InfrastructureReady")
    assert (status, reason) == ("False", "InternalError")
    assert "it is guarded" in message
    world.refuse = None
    world.settle(provide)
    assert reported(world, "InfrastructureReady")[0] == "True"


def test_the_probe_follows_the_connection() -> None:
    world = joined()
    assert reported(world, "RemoteConnectionProbe") == ("True", "ProbeSucceeded", "")
    world.reachable, world.silence = False, CONNECTING
    world.settle()
    assert reported(world, "RemoteConnectionProbe")[0] == "True", "a short silence says nothing"
    world.silence = UNREACHABLE
    world.settle()
    assert reported(world, "RemoteConnectionProbe") == ("False", "ProbeFailed", "Remote connection probe failed")
    assert condition(world.get("Machine", "homelab-cp"), "NodeReady")["status"] == "True", "what was seen stays"
    old = world.get("Machine", "homelab-cp")["status"]["deprecated"]["v1beta1"]["conditions"]
    assert next(c["status"] for c in old if c["type"] == "NodeHealthy") == "True"
    world.reachable = True
    world.settle()
    assert reported(world, "RemoteConnectionProbe")[0] == "True"


def test_the_deletion_says_what_it_waits_for() -> None:
    world = joined()
    world.delete("Cluster", "homelab")
    world.round()
    assert reported(world, "Deleting")[:2] == ("True", "WaitingForWorkersDeletion")
    lines = reported(world, "Deleting")[2].splitlines()
    assert [line.partition(":")[0] for line in lines] == ["* MachineDeployments", "* MachineSets", "* Worker Machines"]
    world.settle(provide)
    assert world.find("LabCluster", "homelab") is None


def test_a_stand_alone_set_belongs_to_the_cluster_and_goes_with_it() -> None:
    world = alone()
    for obj in [machine_set(replicas=0), *templates()]:
        world.put(obj)
    world.settle()
    refs = world.get("MachineSet", "pool")["metadata"]["ownerReferences"]
    assert [(r["kind"], r.get("controller")) for r in refs] == [("Cluster", None)]
    world.delete("Cluster", "homelab")
    world.settle()
    assert world.find("MachineSet", "pool") is None
    assert world.find("Cluster", "homelab") is None


def test_without_infrastructure_nothing_is_waited_for() -> None:
    world = alone(infrastructureRef=None)
    world.edit("Cluster", "homelab", {"spec": {"infrastructureRef": None}})
    world.settle()
    assert reported(world, "InfrastructureReady") == ("True", "Ready", "")


def test_a_topology_is_not_ignored() -> None:
    world = World()
    topology = {"classRef": {"name": "c"}, "version": "v1.34.1"}
    obj = cluster(topology=topology)
    del obj["spec"]["infrastructureRef"], obj["spec"]["controlPlaneRef"]
    world.put(obj)
    world.settle()
    status, reason, message = reported(world, "TopologyReconciled")
    assert (status, reason) == ("False", "ReconcileFailed")
    assert "not carried out yet" in message
    assert reported(world, "InfrastructureReady")[2] == "Waiting for cluster topology to be reconciled"
