"""Pods, budgets and volumes of the small world's workload cluster."""

from __future__ import annotations

from typing import Any

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from tests.unit.controllers.world import World


def machine_name(world: World) -> str:
    """The first worker."""
    return str(next(m["metadata"]["name"] for m in world.all("Machine") if "workers" in m["metadata"]["name"]))


def pod(name: str, node: str, *, owner: str = "ReplicaSet", labels: Obj | None = None, **parts: Any) -> Obj:
    """One that runs; `owner` is the kind of its controller, which has the pod's name."""
    refs = [{"apiVersion": "apps/v1", "kind": owner, "name": name, "uid": "u", "controller": True}] if owner else []
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "web",
            "labels": labels or {},
            "ownerReferences": refs,
            "annotations": parts.pop("annotations", {}),
        },
        "spec": {"nodeName": node, "volumes": parts.pop("volumes", [])},
        "status": {"phase": parts.pop("phase", "Running")},
    }


def put_pods(world: World, *pods: Obj) -> None:
    """With their namespaces."""
    for namespace in dict.fromkeys(p["metadata"]["namespace"] for p in pods):
        labels = {"kubernetes.io/metadata.name": namespace}
        world.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    for one in pods:
        world.put(one)


def stop_pods(world: World) -> None:
    """The kubelet: pods that are deleted are gone."""
    for obj in world.all("Pod"):
        if obj["metadata"].get("deletionTimestamp"):
            world.put({**obj, "metadata": {**obj["metadata"], "finalizers": []}})


def budget(name: str, needed: int, healthy: int) -> ApiError:
    """What an API server answers to an eviction that a disruption budget forbids."""
    cause = f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
    details = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    return ApiError(
        429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", details
    )


def drain_rule(name: str, behavior: str, order: int | None = None, **parts: Any) -> Obj:
    drain: Obj = {"behavior": behavior} if order is None else {"behavior": behavior, "order": order}
    meta = {"name": name, "namespace": "default"}
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "MachineDrainRule",
        "metadata": meta,
        "spec": {"drain": drain, **parts},
    }


def volume(name: str, claim: str, handle: str = "") -> Obj:
    spec: Obj = {"claimRef": {"kind": "PersistentVolumeClaim", "namespace": "web", "name": claim}} if claim else {}
    if handle:
        spec["csi"] = {"driver": "csi.lab", "volumeHandle": handle}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def attachment(name: str, node: str, volume_name: str, *, attached: bool = True) -> Obj:
    source = {"persistentVolumeName": volume_name} if volume_name else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": name},
        "spec": {"nodeName": node, "attacher": "csi.lab", "source": source},
        "status": {"attached": attached},
    }
