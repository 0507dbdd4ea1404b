"""Cluster: what it takes over, what it says it waits for, and the order in which it goes."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from tests.unit.controllers.lab import cluster, declared, joined, machine_set, provide, templates
from tests.unit.controllers.world import CONTROL_PLANE, INFRA, NAMESPACE, START, World, condition, conflict

from capstan.api.objects import GroupKind
from capstan.api.rules.certificates import Authority, Subject, Validity, is_issued_by, self_signed_ca, subject_of
from capstan.runtime.client.kubeconfig import parse_kubeconfig
from capstan.runtime.nodes import CONNECTING, UNREACHABLE
from capstan.sim.keys import SeededKeys

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
    assert [action.summary for action in plan.actions] == ["event Provisioning", "update Cluster homelab"]
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
    assert not [event for event in world.events if event.startswith("Warning")]
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


def test_another_clusters_objects_are_neither_taken_nor_deleted() -> None:
    world = joined()
    kinds = ("LabCluster", "LabControlPlane", "Cluster")
    before = {kind: world.get(kind, "homelab")["metadata"] for kind in kinds}
    first = world.get("Cluster", "homelab")
    second = {**first, "metadata": {"namespace": NAMESPACE, "name": "twin"}, "status": {}}
    world.put(second)
    world.settle()
    assert {kind: world.get(kind, "homelab")["metadata"] for kind in kinds} == before
    for type, kind in (("InfrastructureReady", "LabCluster"), ("ControlPlaneAvailable", "LabControlPlane")):
        found = condition(world.get("Cluster", "twin"), type)
        assert (found["status"], found["reason"]) == ("Unknown", "OwnedByAnother")
        assert f"{kind} homelab belongs to Cluster homelab, and Cluster twin leaves it alone" in found["message"]
    world.delete("Cluster", "twin")
    world.settle()
    assert world.find("Cluster", "twin") is None
    assert all("deletionTimestamp" not in world.get(kind, "homelab")["metadata"] for kind in kinds)


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


def test_what_is_reached_is_told_once() -> None:
    world = joined()
    told = [event for event in world.events if "Cluster homelab" in event]
    assert told == [
        "Normal Provisioning: Cluster homelab is Provisioning",
        "Normal InfrastructureReady: Cluster homelab InfrastructureProvisioned is now True",
        "Normal Provisioned: Cluster homelab is Provisioned",
        "Normal ControlPlaneInitialized: Cluster homelab ControlPlaneInitialized is now True",
    ]
    world.events.clear()
    world.settle(provide)
    world.delete("Cluster", "homelab")
    world.round()
    assert "Normal Deleting: Cluster homelab is Deleting" in world.events


def without_control_plane(**secret: bytes) -> World:
    """A Cluster whose user brings the machines, and perhaps the CA."""
    world = alone(controlPlaneRef=None, controlPlaneEndpoint={"host": "2001:db8::1", "port": 6443})
    if secret:
        data = {name.replace("_", "."): base64.b64encode(value).decode() for name, value in secret.items()}
        meta = {"name": "homelab-ca", "namespace": NAMESPACE}
        world.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})
    return world


def authority() -> Authority:
    validity = Validity(START, START + timedelta(days=3650))
    return self_signed_ca(SeededKeys("ca").ecdsa_p256(), Subject(common_name="kubernetes"), validity, 7)


def test_without_a_control_plane_object_the_kubeconfig_is_made_from_the_ca() -> None:
    ca = authority()
    world = without_control_plane(tls_crt=ca.certificate_pem, tls_key=ca.key_pem)
    world.settle()
    secret = world.get("Secret", "homelab-kubeconfig")
    assert secret["type"] == "cluster.x-k8s.io/secret"
    assert secret["metadata"]["labels"] == {"cluster.x-k8s.io/cluster-name": "homelab"}
    assert [(r["kind"], r["name"]) for r in secret["metadata"]["ownerReferences"]] == [("Cluster", "homelab")]
    config = parse_kubeconfig(base64.b64decode(secret["data"]["value"]))
    assert config.server == "https://[2001:db8::1]:6443"
    assert is_issued_by(config.certificate_pem, ca.certificate_pem)
    assert subject_of(config.certificate_pem).organizations == ("system:masters",)
    assert "PRIVATE" not in repr(world.trace)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "Cluster waits for Secret homelab-ca (keys tls.crt and tls.key)"),
        ({"tls_crt": b"x"}, "Secret homelab-ca has no key tls.key"),
    ],
)
def test_a_kubeconfig_that_cannot_be_made_is_waited_for(given: dict[str, bytes], says: str) -> None:
    world = without_control_plane(**given)
    world.settle()
    assert world.find("Secret", "homelab-kubeconfig") is None
    assert any(says in text for text in waiting(world))


def test_a_kubeconfig_of_somebody_else_stays() -> None:
    ca = authority()
    world = without_control_plane(tls_crt=ca.certificate_pem, tls_key=ca.key_pem)
    meta = {"name": "homelab-kubeconfig", "namespace": NAMESPACE}
    world.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"value": "bWluZQ=="}})
    world.settle()
    assert world.get("Secret", "homelab-kubeconfig")["data"] == {"value": "bWluZQ=="}


def test_a_deletion_that_cannot_go_on_names_who_holds_it() -> None:
    world = alone(controlPlaneRef=None)
    provider = {"apiVersion": f"{INFRA}/v1", "kind": "LabCluster"}
    world.put({**provider, "metadata": {"name": "homelab", "namespace": NAMESPACE, "finalizers": ["a/b", "c/d"]}})
    world.put(machine_set(replicas=0))
    world.settle()
    world.edit("MachineSet", "pool", {"metadata": {"finalizers": ["cluster.x-k8s.io/machineset", "user/keeps"]}})
    world.delete("Cluster", "homelab")
    world.settle()
    assert reported(world, "Deleting") == (
        "True",
        "WaitingForWorkersDeletion",
        "* MachineSets: pool\n* MachineSet pool is held by finalizer user/keeps",
    )
    world.edit("MachineSet", "pool", {"metadata": {"finalizers": []}})
    world.settle()
    assert reported(world, "Deleting")[1:] == (
        "WaitingForInfrastructureDeletion",
        "Waiting for LabCluster to be deleted: LabCluster homelab is held by finalizers a/b, c/d",
    )


def test_a_machine_that_takes_long_to_go_says_why() -> None:
    world = joined(replicas=1)
    name = next(m["metadata"]["name"] for m in world.all("Machine") if m["metadata"]["name"] != "homelab-cp")
    world.edit(
        "Machine", name, {"metadata": {"annotations": {"pre-terminate.delete.hook.machine.cluster.x-k8s.io/b": ""}}}
    )
    world.delete("Cluster", "homelab")
    world.settle(provide)
    assert f"* Machine {name}:" not in reported(world, "Deleting")[2]
    plan = world.reconcile(world.controllers[0], next(k for p, k in world.objects if p.kind == "Cluster"))
    assert plan is not None and plan.requeue_after is not None and 0 < plan.requeue_after <= 300
    world.now += timedelta(minutes=6)
    world.settle(provide)
    assert f"* Machine {name}: " in reported(world, "Deleting")[2]
    assert "pre-terminate" in reported(world, "Deleting")[2]


def test_a_pool_counts_through_itself_and_goes_with_the_cluster() -> None:
    world = joined(replicas=1)
    uid = world.get("Cluster", "homelab")["metadata"]["uid"]
    owner = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "name": "homelab", "uid": uid}
    meta = {"name": "pool", "namespace": NAMESPACE, "labels": {"cluster.x-k8s.io/cluster-name": "homelab"}}
    counts = {"replicas": 3, "readyReplicas": 2, "availableReplicas": 2, "upToDateReplicas": 3}
    world.put(
        {
            "apiVersion": "cluster.x-k8s.io/v1beta2",
            "kind": "MachinePool",
            "metadata": {**meta, "ownerReferences": [owner]},
            "spec": {"clusterName": "homelab", "replicas": 4},
            "status": {**counts, "versions": [{"version": "v1.34.1", "replicas": 3}]},
        }
    )
    world.settle(provide)
    workers = world.get("Cluster", "homelab")["status"]["workers"]
    assert (workers["desiredReplicas"], workers["replicas"], workers["readyReplicas"]) == (5, 4, 3)
    assert workers["versions"] == [{"version": "v1.34.1", "replicas": 4}]
    world.edit("MachinePool", "pool", {"metadata": {"finalizers": ["machinepool.cluster.x-k8s.io"]}})
    world.delete("Cluster", "homelab")
    world.settle(provide)
    assert world.get("MachinePool", "pool")["metadata"]["deletionTimestamp"]
    assert reported(world, "Deleting")[1:] == ("WaitingForWorkersDeletion", "* MachinePools: pool")
