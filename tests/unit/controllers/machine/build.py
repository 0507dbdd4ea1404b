"""Snapshots of one Machine, as little as a test needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.unit.controllers.world import BOOTSTRAP, INFRA, START

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.core.node import Node
from capstan.api.objects import GroupKind, Obj, Resource
from capstan.api.rules.contract import External
from capstan.api.struct import decode
from capstan.controllers.machine.snapshot import MachineSnapshot


def at(**ago: float) -> str:
    """An instant so long before the start, as it stands on the wire."""
    return (START - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def said(type: str, status: str, message: str = "", reason: str = "Foo", **more: Any) -> Obj:
    return {"type": type, "status": status, "reason": reason, "message": message, **more}


def provider(kind: str, *conditions: Obj, **fields: Any) -> External:
    """The host or bootstrap config of Machine `m`, as it is there."""
    group = BOOTSTRAP if kind == "LabConfig" else INFRA
    status = {**({"conditions": list(conditions)} if conditions else {}), **fields.pop("status", {})}
    metadata = {"name": "m", "namespace": "default", "uid": kind, **fields.pop("metadata", {})}
    obj = {"kind": kind, "metadata": metadata, "status": status, **fields}
    return External(GroupKind(group, kind), "m", Resource(group, "v1", f"{kind.lower()}s", kind), object=obj)


def missing(kind: str) -> External:
    return External(GroupKind(INFRA, kind), "m")


def unreadable(kind: str) -> External:
    return External(GroupKind(INFRA, kind), "m", problem="no answer", problem_reason="InternalError")


REACHED: Obj = {
    "initialization": {"infrastructureProvisioned": True, "controlPlaneInitialized": True},
    "conditions": [said("ControlPlaneInitialized", "True", lastTransitionTime=at(seconds=5))],
}


def cluster(*, deleting: bool = False, status: Obj | None = None) -> Cluster:
    meta: Obj = {"name": "homelab", "namespace": "default", "uid": "c"}
    if deleting:
        meta["deletionTimestamp"] = at(minutes=1)
    return decode({"metadata": meta, "status": REACHED if status is None else status}, Cluster)


def machine(
    *, deleting: float | None = None, spec: Obj | None = None, status: Obj | None = None, **meta: Any
) -> Machine:
    """`deleting` is for how many minutes it has been going."""
    metadata: Obj = {
        "name": "m",
        "namespace": "default",
        "uid": "m",
        "finalizers": ["machine.cluster.x-k8s.io"],
        **meta,
    }
    if deleting is not None:
        metadata["deletionTimestamp"] = at(minutes=deleting)
    refs = {
        "clusterName": "homelab",
        "bootstrap": {"configRef": {"apiGroup": BOOTSTRAP, "kind": "LabConfig", "name": "m"}},
        "infrastructureRef": {"apiGroup": INFRA, "kind": "LabMachine", "name": "m"},
    }
    return decode({"metadata": metadata, "spec": {**refs, **(spec or {})}, "status": status or {}}, Machine)


def node(*conditions: Obj, name: str = "n", **fields: Any) -> Node:
    status = {"conditions": list(conditions), **fields.pop("status", {})}
    return decode({"metadata": {"name": name, **fields.pop("metadata", {})}, "status": status, **fields}, Node)


def snapshot(found: Machine | None = None, **parts: Any) -> MachineSnapshot:
    """Of a cluster that answers, in which the Machine has no Node yet."""
    known: dict[str, Any] = {
        "cluster": cluster(),
        "infrastructure": provider("LabMachine"),
        "bootstrap": provider("LabConfig"),
        "nodes_problem": "",
        "kubeconfig": b"k",
    }
    return MachineSnapshot(machine=found or machine(), now=START, **{**known, **parts})
