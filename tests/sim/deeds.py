"""What users do to their clusters in random lives: each deed draws what it needs from what is there, and says what it
did; nothing when there was nothing to do it to."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC
from random import Random

from capstan.api.cluster.names import DELETE_MACHINE_ANNOTATION, PAUSED_ANNOTATION
from capstan.api.cluster.rollouthistory import ROLLOUT_AFTER_ANNOTATION, earlier, read_history
from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import Key, Obj
from capstan.runtime.client.protocol import Client
from tests.sim.homelab import document
from tests.sim.journeys import health_check
from tests.sim.life import CLUSTERS, CP_LABEL, PARTS, Life, attempt, left_of, manifests_of
from tests.sim.test_drain import BUDGETS, guard_web, run_pod

Deed = Callable[[Life, Random], Awaitable[str]]
MEMORIES = (3072, 4096, 5120)
VERSIONS = ("v1.33.4", "v1.33.5", "v1.34.0")
_STRATEGIES: tuple[Obj, ...] = (
    {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": 1}},
    {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "50%"}},
    {"type": "OnDelete", "rollingUpdate": None},
)
_CP_STRATEGIES: tuple[Obj, ...] = (
    {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
    {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}},
    {"type": "OnDelete", "rollingUpdate": None},
)


async def scale_workers(life: Life, rng: Random) -> str:
    cluster, replicas = await life.pick_cluster(rng), rng.randint(0, 4)
    return await _patch(life, "MachineDeployment", cluster, "workers", {"spec": {"replicas": replicas}})


async def scale_control_plane(life: Life, rng: Random) -> str:
    cluster, replicas = await life.pick_cluster(rng), rng.choice((1, 3, 3, 5))
    return await _patch(life, "TalosControlPlane", cluster, "control-plane", {"spec": {"replicas": replicas}})


async def change_workers_template(life: Life, rng: Random) -> str:
    cluster = await life.pick_cluster(rng)
    name = await _template(life, cluster, "workers", rng) if cluster else ""
    patch = {"spec": {"template": {"spec": {"infrastructureRef": {"name": name}}}}}
    return await _patch(life, "MachineDeployment", cluster, "workers", patch)


async def change_control_plane_template(life: Life, rng: Random) -> str:
    cluster = await life.pick_cluster(rng)
    name = await _template(life, cluster, "control-plane", rng) if cluster else ""
    patch = {"spec": {"infrastructureTemplate": {"name": name}}}
    return await _patch(life, "TalosControlPlane", cluster, "control-plane", patch)


async def _template(life: Life, cluster: str, part: str, rng: Random) -> str:
    """The template of machines with so much memory; made when it is not there yet."""
    memory = rng.choice(MEMORIES)
    template = document(manifests_of(cluster, 1, 1), "ProxmoxMachineTemplate", f"{cluster}-{part}")
    name = template["metadata"]["name"] = f"{cluster}-{part}-{memory}"
    template["spec"]["template"]["spec"]["memoryMiB"] = memory
    if name not in {t["metadata"]["name"] for t in await life.all("ProxmoxMachineTemplate")}:
        await attempt(life, f"create ProxmoxMachineTemplate {name}", life.add(template))
    return str(name)


async def change_control_plane_version(life: Life, rng: Random) -> str:
    patch = {"spec": {"version": rng.choice(VERSIONS)}}
    return await _patch(life, "TalosControlPlane", await life.pick_cluster(rng), "control-plane", patch)


async def change_workers_version(life: Life, rng: Random) -> str:
    cluster = await life.pick_cluster(rng)
    found = await life.all("TalosControlPlane", cluster) if cluster else []
    if not found:
        return ""
    allowed = [v for v in VERSIONS if v <= found[0]["spec"]["version"]]
    patch = {"spec": {"template": {"spec": {"version": rng.choice(allowed)}}}}
    return await _patch(life, "MachineDeployment", cluster, "workers", patch)


async def change_workers_strategy(life: Life, rng: Random) -> str:
    patch = {"spec": {"rollout": {"strategy": rng.choice(_STRATEGIES)}}}
    return await _patch(life, "MachineDeployment", await life.pick_cluster(rng), "workers", patch)


async def change_control_plane_strategy(life: Life, rng: Random) -> str:
    patch = {"spec": {"rolloutStrategy": rng.choice(_CP_STRATEGIES)}}
    return await _patch(life, "TalosControlPlane", await life.pick_cluster(rng), "control-plane", patch)


async def restart_workers(life: Life, rng: Random) -> str:
    patch = {"spec": {"rollout": {"after": _stamp(life)}}}
    return await _patch(life, "MachineDeployment", await life.pick_cluster(rng), "workers", patch)


async def restart_control_plane(life: Life, rng: Random) -> str:
    patch = {"metadata": {"annotations": {ROLLOUT_AFTER_ANNOTATION: _stamp(life)}}}
    return await _patch(life, "TalosControlPlane", await life.pick_cluster(rng), "control-plane", patch)


async def undo(life: Life, rng: Random) -> str:
    cluster = await life.pick_cluster(rng)
    found = await life.all("MachineDeployment", cluster) if cluster else []
    before = earlier(read_history(found[0]["metadata"].get("annotations", {}))) if found else None
    if before is None:
        return ""
    patch = {"spec": {"template": {"spec": before.template}}}
    return await _patch(life, "MachineDeployment", cluster, "workers", patch)


async def pause_cluster(life: Life, rng: Random) -> str:
    cluster, seconds = await life.pick_cluster(rng), rng.choice((20, 300, 3000))
    if not cluster:
        return ""
    what = f"pause Cluster {cluster} for {seconds} s"
    if await attempt(life, what, life.patch("Cluster", cluster, {"spec": {"paused": True}})):
        life.later(seconds, what, lambda: _ignore(life.patch("Cluster", cluster, {"spec": {"paused": None}})))
    return what


async def pause_object(life: Life, rng: Random) -> str:
    kinds = ("MachineDeployment", "TalosControlPlane", "MachineSet", "Machine", "ProxmoxMachine", "ProxmoxCluster")
    kind, seconds = rng.choice((*kinds, "TalosConfig")), rng.choice((20, 300, 3000))
    name = _any(await life.all(kind), rng)
    if not name:
        return ""
    what = f"pause {kind} {name} for {seconds} s"
    if await attempt(life, what, life.patch(kind, name, _annotated(PAUSED_ANNOTATION, "true"))):
        life.later(seconds, what, lambda: _ignore(life.patch(kind, name, _annotated(PAUSED_ANNOTATION, None))))
    return what


async def delete_machine(life: Life, rng: Random) -> str:
    """Any but the last of a control plane, which nobody could make anew with its data."""
    cluster = await life.pick_cluster(rng)
    machines = await life.machines(cluster) if cluster else []
    staying = [m for m in machines if "deletionTimestamp" not in m["metadata"]]
    if sum(CP_LABEL in m["metadata"].get("labels", {}) for m in staying) < 3 or not await _is_whole(life, cluster):
        staying = [m for m in staying if f"{cluster}-workers" in m["metadata"]["name"]]
    name = _any(staying, rng)
    if not name:
        return ""
    life.meddled = life.now()
    await attempt(life, f"delete Machine {name}", life.delete("Machine", name))
    return f"delete Machine {name}"


async def delete_workers(life: Life, rng: Random) -> str:
    """All of them, with their deployment; it is made again later."""
    cluster = await life.pick_cluster(rng)
    if not cluster:
        return ""
    life.meddled = life.now()
    name = f"{cluster}-workers"
    await attempt(life, f"delete MachineDeployment {name}", life.delete("MachineDeployment", name))
    life.written.pop(("MachineDeployment", name), None)
    manifest = document(manifests_of(cluster, 1, rng.randint(0, 2)), "MachineDeployment")
    what = f"MachineDeployment {name} is gone, from {life.now():.0f}"
    life.later(rng.choice((1.0, 30.0, 600.0)), what, lambda: _once_gone(life, manifest))
    return f"delete MachineDeployment {name}"


async def _once_gone(life: Life, manifest: Obj) -> None:
    """As users do who wait for `kubectl delete`, for a while."""
    name = manifest["metadata"]["name"]
    for _ in range(120):
        if name not in {o["metadata"]["name"] for o in await life.all("MachineDeployment")}:
            break
        await asyncio.sleep(10)
    if name.removesuffix("-workers") in await life.living():
        await attempt(life, f"create MachineDeployment {name}", life.add(manifest))


async def guard_pods(life: Life, rng: Random) -> str:
    """A pod on a worker that a disruption budget lets nobody evict, for a while."""
    cluster = await life.pick_cluster(rng)
    machines = await life.machines(cluster, control_plane=False) if cluster else []
    nodes = sorted(m["status"]["nodeRef"]["name"] for m in machines if m.get("status", {}).get("nodeRef"))
    secrets = [s for s in await life.all("Secret", cluster) if s["metadata"]["name"] == f"{cluster}-kubeconfig"]
    if not nodes or not secrets:
        return ""
    kubeconfig = base64.b64decode(secrets[0]["data"]["value"])
    client = await life.lab.world.datacenter.workload_clients.client(Key("default", cluster), kubeconfig)
    node = rng.choice(nodes)
    try:
        with suppress(ApiError):
            await guard_web(client)
        await run_pod(client, f"web-{rng.randrange(10**6)}", node)
    except (ApiError, TransientError) as error:
        return f"no pod of {cluster} is guarded: {error}"
    what = f"pods of {cluster} are guarded from {life.now():.0f}"
    life.later(rng.choice((60.0, 900.0)), what, lambda: _unguard(client))
    return f"a pod on {node} is guarded"


async def _unguard(client: Client) -> None:
    """Asked again while the cluster does not answer; one that is gone never does."""
    for _ in range(30):
        try:
            with suppress(ApiError):
                await client.delete(BUDGETS, "web", "web")
        except TransientError:
            await asyncio.sleep(10)
        else:
            return


async def _is_whole(life: Life, cluster: str) -> bool:
    """Nothing is wrong with the control plane, so that one of its Machines can be spared."""
    machines = [m for m in await life.machines(cluster, control_plane=True) if "status" in m]
    vms = {vm.name for vm in life.vms(cluster) if vm.running}
    return all(m["metadata"]["name"] in vms and m["status"].get("nodeRef") for m in machines)


async def scale_down_one_of(life: Life, rng: Random) -> str:
    """The user names who goes."""
    cluster = await life.pick_cluster(rng)
    found = await life.all("MachineDeployment", cluster) if cluster else []
    name = _any(await life.machines(cluster, control_plane=False), rng) if found else ""
    replicas = found[0]["spec"].get("replicas", 0) if found else 0
    if not name or not replicas:
        return ""
    await attempt(life, name, life.patch("Machine", name, _annotated(DELETE_MACHINE_ANNOTATION, "yes")))
    patch = {"spec": {"replicas": replicas - 1}}
    return await _patch(life, "MachineDeployment", cluster, "workers", patch) + f", not Machine {name}"


async def label_workers(life: Life, rng: Random) -> str:
    part, value = rng.choice(("labels", "annotations")), rng.choice(("a", "b", None))
    key = rng.choice(("node-role.kubernetes.io/worker", "chaos.example/mood"))
    patch = {"spec": {"template": {"metadata": {part: {key: value}}}}}
    return await _patch(life, "MachineDeployment", await life.pick_cluster(rng), "workers", patch)


async def taint_workers(life: Life, rng: Random) -> str:
    taint = {"key": "chaos.example/taint", "value": "x", "effect": "NoSchedule", "propagation": "Always"}
    patch = {"spec": {"template": {"spec": {"taints": rng.choice(([taint], None))}}}}
    return await _patch(life, "MachineDeployment", await life.pick_cluster(rng), "workers", patch)


async def give_workers_time(life: Life, rng: Random) -> str:
    """What flows into Machines that exist."""
    deletion = rng.choice(({"nodeDrainTimeoutSeconds": 30}, {"nodeDrainTimeoutSeconds": 120}, None))
    patch = {"spec": {"template": {"spec": {"deletion": deletion}}}}
    return await _patch(life, "MachineDeployment", await life.pick_cluster(rng), "workers", patch)


async def label_machine(life: Life, rng: Random) -> str:
    name = _any(await life.all("Machine"), rng)
    part, value = rng.choice(("labels", "annotations")), rng.choice(("a", "b", None))
    patch = {"metadata": {part: {"node.cluster.x-k8s.io/chaos": value}}}
    if name:
        await attempt(life, f"label Machine {name}", life.patch("Machine", name, patch))
    return f"patch Machine {name} {patch}" if name else ""


async def check_health(life: Life, rng: Random) -> str:
    cluster = await life.pick_cluster(rng)
    if not cluster:
        return ""
    part, seconds = rng.choice(("workers", "control-plane")), rng.choice((30, 300))
    await attempt(life, f"check {part}", life.add(check_of(cluster, part, seconds)))
    return f"MachineHealthCheck {cluster}-{part} of {seconds} s"


def check_of(cluster: str, part: str, seconds: int, startup: int = 1200) -> Obj:
    """Health checks of all machines of a part."""
    own = {CP_LABEL: ""} if part == "control-plane" else {"cluster.x-k8s.io/deployment-name": f"{cluster}-workers"}
    labels = {**own, "cluster.x-k8s.io/cluster-name": cluster}
    check = health_check(seconds, name=f"{cluster}-{part}", labels=labels)
    check["spec"]["clusterName"] = cluster
    check["spec"]["checks"]["nodeStartupTimeoutSeconds"] = startup
    return check


async def stop_checking_health(life: Life, rng: Random) -> str:
    name = _any(await life.all("MachineHealthCheck"), rng)
    if name:
        await attempt(life, name, life.delete("MachineHealthCheck", name))
    return f"delete MachineHealthCheck {name}" if name else ""


async def create_cluster(life: Life, rng: Random) -> str:
    """One that is not there, or has gone for good."""
    there = {c["metadata"]["name"] for c in await life.all("Cluster")}
    free = [c for c in CLUSTERS if c not in there and not await left_of(life, c)]
    if not free:
        return ""
    cluster, control_planes, workers = free[0], rng.choice((1, 3)), rng.randint(0, 2)
    life.ending.discard(cluster)
    life.made[cluster] = life.made.get(cluster, 0) + 1
    for manifest in manifests_of(cluster, control_planes, workers):
        await attempt(life, f"create {manifest['kind']}", life.add(manifest))
    return f"create Cluster {cluster} with {control_planes}+{workers}"


async def delete_cluster(life: Life, rng: Random) -> str:
    """With all its manifests at once, or only the Cluster; then the templates and the Secret follow."""
    cluster, whole = await life.pick_cluster(rng), rng.random() < 0.5
    if not cluster:
        return ""
    life.ending.add(cluster)
    if whole:
        for manifest in manifests_of(cluster, 1, 1):
            if manifest["kind"] != "Secret":
                kind, name = manifest["kind"], manifest["metadata"]["name"]
                await attempt(life, f"delete {kind} {name}", life.delete(kind, name))
        return f"delete all of Cluster {cluster}"
    await attempt(life, f"delete Cluster {cluster}", life.delete("Cluster", cluster))
    return f"delete Cluster {cluster}"


async def strip(life: Life, rng: Random) -> str:
    """Owner references, finalizers or labels of something that is not being deleted."""
    kind, what = rng.choice(PARTS), rng.choice(("ownerReferences", "finalizers", "labels"))
    found = [o for o in await life.all(kind) if "deletionTimestamp" not in o["metadata"] and o["metadata"].get(what)]
    name = _any(found, rng)
    if not name:
        return ""
    value = None if what != "labels" else {"cluster.x-k8s.io/cluster-name": None}
    await attempt(life, f"strip {kind} {name}", life.patch(kind, name, {"metadata": {what: value}}))
    return f"strip {what} of {kind} {name}"


_PRECIOUS = ("-ca", "-talos", "-proxmox", "-etcd", "-sa", "-proxy")


async def delete_by_hand(life: Life, rng: Random) -> str:
    """Something that controllers made, and that holds no keys of the cluster."""
    kind = rng.choice(("Secret", "IPAddress", "MachineSet", "ProxmoxMachine", "TalosConfig"))
    found = [o for o in await life.all(kind) if not o["metadata"]["name"].endswith(_PRECIOUS)]
    if kind in ("ProxmoxMachine", "TalosConfig"):
        found = [o for o in found if "-control-plane-" not in o["metadata"]["name"]]
    name = _any(found, rng)
    if not name:
        return ""
    life.meddled = life.now()
    if kind == "ProxmoxMachine":
        life.hurts(name)
    await attempt(life, f"delete {kind} {name}", life.delete(kind, name))
    return f"delete {kind} {name}"


async def _patch(life: Life, kind: str, cluster: str, part: str, patch: Obj) -> str:
    if not cluster:
        return ""
    what = f"patch {kind} {cluster}-{part} {patch}"
    await attempt(life, what, life.patch(kind, f"{cluster}-{part}", patch))
    return what


async def _ignore(change: Awaitable[object]) -> None:
    await change


def _annotated(name: str, value: str | None) -> Obj:
    return {"metadata": {"annotations": {name: value}}}


def _any(found: list[Obj], rng: Random) -> str:
    return str(rng.choice(sorted(o["metadata"]["name"] for o in found))) if found else ""


def _stamp(life: Life) -> str:
    return life.lab.world.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


#: Each deed by its name, with how often it is drawn.
DEEDS: dict[str, tuple[Deed, int]] = {
    "scale-workers": (scale_workers, 6),
    "scale-control-plane": (scale_control_plane, 4),
    "workers-template": (change_workers_template, 5),
    "control-plane-template": (change_control_plane_template, 3),
    "control-plane-version": (change_control_plane_version, 3),
    "workers-version": (change_workers_version, 3),
    "workers-strategy": (change_workers_strategy, 3),
    "control-plane-strategy": (change_control_plane_strategy, 2),
    "restart-workers": (restart_workers, 2),
    "restart-control-plane": (restart_control_plane, 2),
    "undo": (undo, 3),
    "pause-cluster": (pause_cluster, 2),
    "pause-object": (pause_object, 3),
    "delete-machine": (delete_machine, 5),
    "delete-workers": (delete_workers, 1),
    "guard-pods": (guard_pods, 2),
    "scale-down-one-of": (scale_down_one_of, 2),
    "label-workers": (label_workers, 3),
    "taint-workers": (taint_workers, 2),
    "give-workers-time": (give_workers_time, 2),
    "label-machine": (label_machine, 2),
    "check-health": (check_health, 4),
    "stop-checking-health": (stop_checking_health, 1),
    "create-cluster": (create_cluster, 3),
    "delete-cluster": (delete_cluster, 1),
    "strip": (strip, 4),
    "delete-by-hand": (delete_by_hand, 4),
}
