"""A small world with one MachinePool, its provider's objects, and the Nodes of its machines."""

from __future__ import annotations

import base64
from typing import Any, cast

from capstan.api.cluster.kinds import MACHINE_POOL
from capstan.api.cluster.machinepool import MachinePool
from capstan.api.objects import GroupKind, Key, Obj
from capstan.api.struct import encode
from capstan.controllers.machinepool.controller import MachinePoolController
from capstan.runtime.nodeactions import DeleteNode, PatchNode
from capstan.runtime.plan import Action
from tests.unit.controllers.lab import CLUSTER_LABEL, CORE, _object, _ref
from tests.unit.controllers.world import _CORE, BOOTSTRAP, INFRA, NAMESPACE, World

_CORE[MachinePool] = MACHINE_POOL.resource()
POOL_LABEL = "cluster.x-k8s.io/pool-name"


class PoolWorld(World):
    """Only the controller of MachinePools; the provider is moved by the tests."""

    def __init__(self, replicas: int = 2, **spec: Any) -> None:
        super().__init__()
        self.controllers = [MachinePoolController(cast(Any, None))]
        self.served[GroupKind(INFRA, "LabMachinePool")] = "labmachinepools"
        self.put(_object(CORE, "Cluster", "homelab", {}))
        kubeconfig = {"value": base64.b64encode(b"kubeconfig").decode()}
        meta = {"name": "homelab-kubeconfig", "namespace": NAMESPACE}
        self.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": kubeconfig})
        template = {
            "metadata": {"labels": {"node-role.kubernetes.io/pool": "", "plain": "x"}},
            "spec": {
                "clusterName": "homelab",
                "version": "v1.34.1",
                "bootstrap": {"configRef": _ref(BOOTSTRAP, "LabConfig", "pool")},
                "infrastructureRef": _ref(INFRA, "LabMachinePool", "pool"),
                "deletion": {"nodeDeletionTimeoutSeconds": 10},
            },
        }
        wanted = {"clusterName": "homelab", "replicas": replicas, "template": template, **spec}
        self.put(_object(CORE, "MachinePool", "pool", wanted))

    def _apply(self, action: Action) -> None:
        if isinstance(action, PatchNode):
            self.writes += 1
            self._update(encode(action.before), encode(action.after))
        elif isinstance(action, DeleteNode):
            self.writes += 1
            self.objects.pop((GroupKind("", "Node"), Key("", action.name)), None)
        else:
            super()._apply(action)

    # What the provider does

    def provide(self, *names: str, ready: bool = True, kind: str = "") -> None:
        """The provider has made these machines; their Nodes join."""
        if self.find("LabConfig", "pool") is None:
            self.put(_object(f"{BOOTSTRAP}/v1", "LabConfig", "pool", {}, finalizers=["lab/provider"]))
            self.put(_object(f"{INFRA}/v1", "LabMachinePool", "pool", {}, finalizers=["lab/provider"]))
        self.edit("LabConfig", "pool", {"status": _config_status()})
        status: Obj = {"initialization": {"provisioned": True}, "replicas": len(names)}
        if kind:
            status["infrastructureMachineKind"] = kind
        ids = [f"lab://{name}" for name in names]
        self.edit("LabMachinePool", "pool", {"spec": {"providerIDList": ids}, "status": status})
        for name in names:
            self.join(name, ready)

    def join(self, name: str, ready: bool = True) -> None:
        old = self.find("Node", name) or {"metadata": {"name": name}, "spec": _node_spec(name)}
        conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
        status = {"conditions": conditions, "nodeInfo": {"kubeletVersion": "v1.34.1"}}
        self.put({"apiVersion": "v1", "kind": "Node", **old, "status": status})

    def let_go(self) -> None:
        """The provider has removed what is being deleted."""
        for kind in ("LabConfig", "LabMachinePool"):
            for obj in self.all(kind):
                if obj["metadata"].get("deletionTimestamp"):
                    self.put({**obj, "metadata": {**obj["metadata"], "finalizers": []}})

    # What users see

    @property
    def pool(self) -> Obj:
        return self.get("MachinePool", "pool")

    @property
    def phase(self) -> str:
        return str(self.pool["status"]["phase"])

    def counts(self) -> tuple[int | None, ...]:
        """Replicas, ready, available, up to date."""
        names = ("replicas", "readyReplicas", "availableReplicas", "upToDateReplicas")
        return tuple(self.pool["status"].get(name) for name in names)


def _config_status() -> Obj:
    return {"initialization": {"dataSecretCreated": True}, "dataSecretName": "pool-data"}


def _node_spec(name: str) -> Obj:
    taint = {"key": "node.cluster.x-k8s.io/uninitialized", "effect": "NoSchedule"}
    return {"providerID": f"lab://{name}", "taints": [taint]}


def infra_machine(name: str) -> Obj:
    """One of the provider's single machines."""
    labels = {CLUSTER_LABEL: "homelab", POOL_LABEL: "pool"}
    return _object(f"{INFRA}/v1", "LabMachine", name, {"providerID": f"lab://{name}"}, labels=labels)
