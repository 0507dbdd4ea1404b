"""The providers of the small world, and what a user declares in it."""

from __future__ import annotations

from typing import Any

from capstan.api.objects import Obj
from capstan.runtime.updater import InPlaceUpdater
from tests.unit.controllers.world import BOOTSTRAP, CONTROL_PLANE, INFRA, NAMESPACE, World, _merged

CORE = "cluster.x-k8s.io/v1beta2"
CLUSTER_LABEL = "cluster.x-k8s.io/cluster-name"
PROVIDER_FINALIZER = "lab/provider"


def _object(api_version: str, kind: str, name: str, spec: Obj, **meta: Any) -> Obj:
    metadata = {"name": name, "namespace": NAMESPACE, **meta}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _ref(group: str, kind: str, name: str) -> Obj:
    return {"apiGroup": group, "kind": kind, "name": name}


def cluster(name: str = "homelab", **spec: Any) -> Obj:
    refs = {
        "infrastructureRef": _ref(INFRA, "LabCluster", name),
        "controlPlaneRef": _ref(CONTROL_PLANE, "LabControlPlane", name),
    }
    return _object(CORE, "Cluster", name, {**refs, **spec})


def machine_spec(name: str = "homelab", version: str = "v1.34.1") -> Obj:
    return {
        "clusterName": name,
        "version": version,
        "bootstrap": {"configRef": _ref(BOOTSTRAP, "LabConfigTemplate", "workers")},
        "infrastructureRef": _ref(INFRA, "LabMachineTemplate", "workers"),
    }


def deployment(name: str = "workers", replicas: int = 2, **spec: Any) -> Obj:
    labels = {CLUSTER_LABEL: "homelab", "cluster.x-k8s.io/deployment-name": name}
    wanted = {
        "clusterName": "homelab",
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": machine_spec()},
        **spec,
    }
    return _object(CORE, "MachineDeployment", name, wanted, labels={CLUSTER_LABEL: "homelab"})


def machine_set(name: str = "pool", replicas: int = 2, **spec: Any) -> Obj:
    labels = {CLUSTER_LABEL: "homelab", "pool": name}
    wanted = {
        "clusterName": "homelab",
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": machine_spec()},
        **spec,
    }
    return _object(CORE, "MachineSet", name, wanted, labels={CLUSTER_LABEL: "homelab"})


def templates(name: str = "workers") -> list[Obj]:
    content = {"template": {"metadata": {"labels": {"from": "template"}}, "spec": {"size": 2}}}
    return [
        _object(f"{BOOTSTRAP}/v1", "LabConfigTemplate", name, content),
        _object(f"{INFRA}/v1", "LabMachineTemplate", name, content),
    ]


def declared(replicas: int = 2, updater: InPlaceUpdater | None = None) -> World:
    """A world in which a user has applied everything at once."""
    world = World(updater)
    objects = [
        deployment(replicas=replicas),
        cluster(),
        *templates(),
        _object(f"{INFRA}/v1", "LabCluster", "homelab", {}),
        _object(f"{CONTROL_PLANE}/v1", "LabControlPlane", "homelab", {"replicas": 1, "version": "v1.34.1"}),
    ]
    for obj in objects:
        world.put(obj)
    return world


def _change(world: World, obj: Obj, patch: Obj) -> bool:
    after = _merged(obj, patch)
    if after == obj:
        return False
    world.put(after)
    return True


def _held(world: World, obj: Obj) -> bool:
    """Providers hold their objects by a finalizer and let go when they are deleted."""
    if obj["metadata"].get("deletionTimestamp"):
        world.put({**obj, "metadata": {**obj["metadata"], "finalizers": []}})
        return True
    return False


def provide(world: World) -> bool:
    """Every provider object one step on. True when anything moved."""
    moved = False
    for kind, step in (
        ("LabCluster", _lab_cluster),
        ("LabControlPlane", _lab_control_plane),
        ("LabConfig", _lab_config),
        ("LabMachine", _lab_machine),
    ):
        for obj in world.all(kind):
            moved |= _held(world, obj) if kind != "LabControlPlane" and _is_deleting(obj) else step(world, obj)
    return moved | _kubelet(world)


def _is_deleting(obj: Obj) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def _owned_by(obj: Obj, kind: str) -> bool:
    return any(ref["kind"] == kind for ref in obj["metadata"].get("ownerReferences") or ())


def _lab_cluster(world: World, obj: Obj) -> bool:
    if not _owned_by(obj, "Cluster"):
        return False
    return _change(
        world,
        obj,
        {
            "metadata": {"finalizers": [PROVIDER_FINALIZER]},
            "spec": {"controlPlaneEndpoint": {"host": "192.0.2.10", "port": 6443}},
            "status": {"initialization": {"provisioned": True}, "failureDomains": [{"name": "b"}, {"name": "a"}]},
        },
    )


def _lab_control_plane(world: World, obj: Obj) -> bool:
    name = obj["metadata"]["name"]
    if _is_deleting(obj):
        for machine in world.all("Machine"):
            if "cluster.x-k8s.io/control-plane" in machine["metadata"]["labels"]:
                world.delete("Machine", machine["metadata"]["name"])
                return not _is_deleting(machine)
        return _held(world, obj)
    if not _owned_by(obj, "Cluster") or not world.get("Cluster", name).get("spec", {}).get("controlPlaneEndpoint"):
        return False
    if world.find("Machine", f"{name}-cp") is None:
        owner = {
            "apiVersion": f"{CONTROL_PLANE}/v1",
            "kind": "LabControlPlane",
            "name": name,
            "uid": obj["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        _control_plane_machine(world, name, owner)
        world.put({**obj, "metadata": {**obj["metadata"], "finalizers": [PROVIDER_FINALIZER]}})
        return True
    ready = world.find("LabMachine", f"{name}-cp") is not None and world.get("LabMachine", f"{name}-cp").get("status")
    if not ready:
        return False
    if world.find("Secret", f"{name}-kubeconfig") is None:
        secret = _object("v1", "Secret", f"{name}-kubeconfig", {}, labels={CLUSTER_LABEL: name})
        del secret["spec"]
        world.put({**secret, "data": {"value": "a3ViZWNvbmZpZw=="}})
    status = {
        "initialization": {"controlPlaneInitialized": True},
        "replicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "upToDateReplicas": 1,
        "version": "v1.34.1",
        "conditions": [
            {
                "type": "Available",
                "status": "True",
                "reason": "Available",
                "message": "",
                "lastTransitionTime": "2026-01-01T12:00:00Z",
            }
        ],
    }
    return _change(world, obj, {"status": status})


def _control_plane_machine(world: World, cluster_name: str, owner: Obj) -> None:
    name = f"{cluster_name}-cp"
    labels = {CLUSTER_LABEL: cluster_name, "cluster.x-k8s.io/control-plane": ""}
    marks: Obj = {"labels": labels, "ownerReferences": [owner]}
    world.put(_object(f"{BOOTSTRAP}/v1", "LabConfig", name, {}, **marks))
    world.put(_object(f"{INFRA}/v1", "LabMachine", name, {}, **marks))
    spec = {
        "clusterName": cluster_name,
        "version": "v1.34.1",
        "bootstrap": {"configRef": _ref(BOOTSTRAP, "LabConfig", name)},
        "infrastructureRef": _ref(INFRA, "LabMachine", name),
    }
    world.put(_object(CORE, "Machine", name, spec, **marks))


def _lab_config(world: World, obj: Obj) -> bool:
    if not _owned_by(obj, "Machine"):
        return False
    name = obj["metadata"]["name"]
    status = {"initialization": {"dataSecretCreated": True}, "dataSecretName": name}
    return _change(world, obj, {"metadata": {"finalizers": [PROVIDER_FINALIZER]}, "status": status})


def _lab_machine(world: World, obj: Obj) -> bool:
    name = obj["metadata"]["name"]
    machine = world.find("Machine", name)
    if not _owned_by(obj, "Machine") or machine is None:
        return False
    if not machine["spec"]["bootstrap"].get("dataSecretName"):
        return False
    status = {
        "initialization": {"provisioned": True},
        "addresses": [{"type": "InternalIP", "address": "192.0.2.20"}],
    }
    patch = {
        "metadata": {"finalizers": [PROVIDER_FINALIZER]},
        "spec": {"providerID": f"lab://{name}"},
        "status": status,
    }
    return _change(world, obj, patch)


def _kubelet(world: World) -> bool:
    """A provisioned machine joins once the cluster's API answers."""
    if world.find("Secret", "homelab-kubeconfig") is None:
        return False
    moved = False
    for obj in world.all("LabMachine"):
        name = obj["metadata"]["name"]
        if obj.get("status") and not _is_deleting(obj) and world.find("Node", name) is None:
            world.put(node(name))
            moved = True
    return moved


def node(name: str, ready: str = "True", provider_id: str = "") -> Obj:
    good = {"type": "Ready", "status": ready, "reason": "KubeletReady", "lastTransitionTime": "2026-01-01T12:00:00Z"}
    pressure = [{"type": t, "status": "False"} for t in ("MemoryPressure", "DiskPressure", "PIDPressure")]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {
            "providerID": provider_id or f"lab://{name}",
            "taints": [{"key": "node.cluster.x-k8s.io/uninitialized", "effect": "NoSchedule"}],
        },
        "status": {"nodeInfo": {"kubeletVersion": "v1.34.1"}, "conditions": [good, *pressure]},
    }


def joined(replicas: int = 2, updater: InPlaceUpdater | None = None) -> World:
    """The world once everything that was declared is there."""
    world = declared(replicas, updater)
    world.settle(provide)
    return world
