"""A simulated kubelet and what the cluster does about a silent one: a Node is made, becomes Ready, goes NotReady.

What a real kubelet does not do is not done here: no providerID unless it is configured, no Ready without a CNI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capstan.api.errors import ApiError, is_already_exists, is_not_found
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import DeleteOptions, User, Verbs, WriteOptions
from capstan.runtime.clock import Clock
from capstan.sim.trace import Trace
from capstan.sim.workload.cluster import WorkloadCluster

NODES = Resource("", "v1", "nodes", "Node", namespaced=False)

_NO_CNI = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)
_UNREACHABLE = "node.kubernetes.io/unreachable"
_NOT_READY = "node.kubernetes.io/not-ready"
_CONTROLLER_MANAGER = User("system:kube-controller-manager", ("system:masters", "system:authenticated"))


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What one machine says of itself when it registers."""

    name: str
    addresses: tuple[str, ...]
    system_uuid: str
    kubelet_version: str
    os_image: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    taints: Mapping[str, str]
    provider_id: str
    cores: int
    memory_mib: int
    boot: int


@dataclass(frozen=True, slots=True)
class NodeDelays:
    """Seconds to the registration, from there to Ready, and of silence until NotReady."""

    register: float
    ready: float
    grace: float


class Kubelet:
    """One boot of a machine's kubelet."""

    def __init__(
        self, cluster: WorkloadCluster, facts: NodeFacts, delays: NodeDelays, clock: Clock, trace: Trace
    ) -> None:
        self.cluster = cluster
        self.facts = facts
        self._delays = delays
        self._clock = clock
        self._trace = trace
        self._user = User(f"system:node:{facts.name}", ("system:nodes", "system:authenticated", "system:masters"))
        self.is_ready = False

    @property
    def _verbs(self) -> Verbs:
        return self.cluster.kubernetes.verbs(self._user)

    async def register(self) -> None:
        """Make the Node, or take over the one that has this name."""
        await self._sleep(self._delays.register)
        await self._reachable()
        facts = self.facts
        node = compute_node(facts, self._now())
        try:
            await self._verbs.create(NODES, "", node, WriteOptions(field_manager="kubelet"))
            self._trace.add("node", f"{self.cluster.name}/{facts.name} registered")
        except ApiError as error:
            if not is_already_exists(error):
                raise
            patch = {"metadata": {"labels": node["metadata"]["labels"]}}
            await self._patch(patch, {"status": node["status"]})

    async def become_ready(self) -> None:
        """Ready once the CNI runs on the node."""
        await self._sleep(self._delays.ready)
        await self._reachable()
        now = self._now()
        try:
            node = await self._verbs.get(NODES, "", self.facts.name)
            taints = [t for t in node["spec"].get("taints", ()) if t["key"] not in (_NOT_READY, _UNREACHABLE)]
            await self._patch(
                {"spec": {"taints": taints or None}}, {"status": {"conditions": compute_conditions(True, now)}}
            )
        except ApiError as error:
            if not is_not_found(error):
                raise
            return  # somebody deleted the Node: a kubelet makes it again only when it starts
        self.is_ready = True
        self._trace.add("node", f"{self.cluster.name}/{self.facts.name} Ready")

    async def fall_silent(self) -> None:
        """What the node lifecycle controller does when nothing was heard for the grace period."""
        self.is_ready = False
        await self._sleep(self._delays.grace)
        await self._reachable()
        now = self._now()
        verbs = self.cluster.kubernetes.verbs(_CONTROLLER_MANAGER)
        try:
            node = await verbs.get(NODES, "", self.facts.name)
            taints = [t for t in node["spec"].get("taints", ()) if t["key"] != _UNREACHABLE]
            taints += [{"key": _UNREACHABLE, "effect": effect} for effect in ("NoSchedule", "NoExecute")]
            await self._patch(
                {"spec": {"taints": taints}},
                {"status": {"conditions": compute_conditions(None, now)}},
                verbs,
            )
        except ApiError as error:
            if not is_not_found(error):
                raise
            return
        self._trace.add("node", f"{self.cluster.name}/{self.facts.name} NotReady")

    async def _patch(self, patch: Obj, status: Obj, verbs: Verbs | None = None) -> None:
        options = WriteOptions(field_manager="kubelet")
        await (verbs or self._verbs).commit(NODES, "", self.facts.name, patch, status, options)

    async def _reachable(self) -> None:
        await self.cluster.changed.until(lambda: self.cluster.is_available)

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self._clock.sleep(seconds)

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


async def delete_node(cluster: WorkloadCluster, name: str) -> None:
    """What `talosctl reset --graceful` leaves to do: nothing is deleted by the machine itself. For tests."""
    await cluster.kubernetes.verbs(_CONTROLLER_MANAGER).delete(NODES, "", name, DeleteOptions())


def compute_node(facts: NodeFacts, now: str) -> Obj:
    """The Node as a kubelet makes it: not ready, because no CNI runs yet."""
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": facts.name,
        "kubernetes.io/os": "linux",
        **facts.labels,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": facts.name,
            "labels": labels,
            "annotations": {"node.alpha.kubernetes.io/ttl": "0", **facts.annotations},
        },
        "spec": _node_spec(facts),
        "status": _node_status(facts, now),
    }


def _node_spec(facts: NodeFacts) -> Obj:
    taints = [
        {"key": key, "value": value.partition(":")[0], "effect": value.partition(":")[2]}
        if ":" in value
        else {"key": key, "effect": value}
        for key, value in facts.taints.items()
    ]
    spec: Obj = {"taints": [*taints, {"key": _NOT_READY, "effect": "NoSchedule"}]}
    if facts.provider_id:
        spec["providerID"] = facts.provider_id
    return spec


def _node_status(facts: NodeFacts, now: str) -> Obj:
    capacity = {
        "cpu": str(facts.cores),
        "memory": f"{facts.memory_mib * 1024}Ki",
        "ephemeral-storage": "18000Mi",
        "pods": "110",
    }
    return {
        "addresses": [
            *({"type": "InternalIP", "address": address} for address in facts.addresses),
            {"type": "Hostname", "address": facts.name},
        ],
        "capacity": capacity,
        "allocatable": capacity,
        "conditions": compute_conditions(False, now),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": f"00000000-0000-4000-8000-{facts.boot:012x}",
            "containerRuntimeVersion": "containerd://2.1.4",
            "kernelVersion": "6.12.48-talos",
            "kubeProxyVersion": "",
            "kubeletVersion": facts.kubelet_version,
            "machineID": facts.system_uuid.replace("-", ""),
            "operatingSystem": "linux",
            "osImage": facts.os_image,
            "systemUUID": facts.system_uuid,
        },
    }


def compute_conditions(is_ready: bool | None, now: str) -> list[Obj]:
    """The Node's conditions; None when nothing is heard of it."""

    def condition(kind: str, status: str, reason: str, message: str) -> Obj:
        times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
        return {"type": kind, "status": status, "reason": reason, "message": message, **times}

    kinds = (
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    )
    if is_ready is None:
        unknown = ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
        return [condition(kind, *unknown) for kind in (*(kind for kind, _r, _m in kinds), "Ready")]
    ready = ("True", "KubeletReady", "kubelet is posting ready status") if is_ready else None
    return [
        *(condition(kind, "False", reason, message) for kind, reason, message in kinds),
        condition("Ready", *(ready or ("False", "KubeletNotReady", _NO_CNI))),
    ]
