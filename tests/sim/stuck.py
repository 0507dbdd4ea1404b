"""Ways in which a cluster does not get on, each from its manifests to the moment when somebody asks why.

A situation prepares the manifests or the world, lets time pass, and leaves everything as it is then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from capstan.api.objects import Obj, Resource
from capstan.sim.datacenter import DatacenterSettings
from capstan.sim.faults import Fault
from capstan.sim.hypervisor import DiskImage
from tests.sim.homelab import CONTROL_PLANE, SETTINGS, WORKERS, HomeLab, document
from tests.sim.journeys import pull_the_plug, worker_vm, workers_of
from tests.sim.test_drain import guard_web, run_pod, workload

Story = Callable[[HomeLab], Awaitable[None]]

FOR_EVER = 10**9
PRE_DRAIN = "pre-drain.delete.hook.machine.cluster.x-k8s.io/backup"
PRE_TERMINATE = "pre-terminate.delete.hook.machine.cluster.x-k8s.io/backup"
_VOLUMES = Resource("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", False)


@dataclass(frozen=True, slots=True)
class Situation:
    """`story` brings it about; `says` are words that the answer has to have: who, what, and what to do."""

    story: Story
    says: tuple[str, ...]
    settings: DatacenterSettings = field(default=SETTINGS)


SITUATIONS: dict[str, Situation] = {}


def situation(*says: str, **settings: Any) -> Callable[[Story], Story]:
    """A story that is told under its own name."""

    def keep(story: Story) -> Story:
        SITUATIONS[story.__name__] = Situation(story, says, replace(SETTINGS, **settings))  # type: ignore[attr-defined]
        return story

    return keep


def break_port(lab: HomeLab, port: str, operation: str = "*", **more: Any) -> None:
    lab.world.datacenter.faults.add(Fault(port, operation, times=FOR_EVER, **more))


async def begin(lab: HomeLab, seconds: float = 600) -> None:
    await lab.apply()
    await asyncio.sleep(seconds)


async def delete_a_worker(lab: HomeLab, seconds: float = 600) -> str:
    (name,) = await workers_of(lab)
    await lab.delete("Machine", name)
    await asyncio.sleep(seconds)
    return name


# -- before there is a machine


@situation("Secret default/homelab-proxmox", "create it with url, token and secret")
async def credentials_missing(lab: HomeLab) -> None:
    lab.manifests.pop(0)
    await begin(lab)


@situation("does not accept the API token", "check the token id")
async def credentials_wrong(lab: HomeLab) -> None:
    document(lab.manifests, "Secret")["stringData"]["secret"] = "deadbeef-0000-4000-8000-0000deadbeef"
    lab.hide("deadbeef-0000-4000-8000-0000deadbeef")
    await begin(lab)


@situation("Proxmox VE cannot be reached")
async def hypervisor_unreachable(lab: HomeLab) -> None:
    break_port(lab, "proxmox", message="no route to host")
    await begin(lab)


@situation("template 9000 does not exist", "capstan image ensure")
async def template_absent(lab: HomeLab) -> None:
    lab.world.datacenter.pve.vms.pop(9000)
    await begin(lab)


@situation(f"create ProxmoxMachineTemplate {WORKERS}")
async def machine_template_missing(lab: HomeLab) -> None:
    lab.manifests.remove(document(lab.manifests, "ProxmoxMachineTemplate", WORKERS))
    await begin(lab)


@situation(f"ProxmoxMachineTemplate {CONTROL_PLANE} does not exist: create it")
async def control_plane_template_missing(lab: HomeLab) -> None:
    lab.manifests.remove(document(lab.manifests, "ProxmoxMachineTemplate", CONTROL_PLANE))
    await begin(lab)


@situation("KubeadmConfigTemplate", "install the provider")
async def bootstrap_provider_missing(lab: HomeLab) -> None:
    spec = document(lab.manifests, "MachineDeployment")["spec"]["template"]["spec"]
    spec["bootstrap"]["configRef"]["kind"] = "KubeadmConfigTemplate"
    await begin(lab)


@situation("no node can take the VM", "3072 MiB of memory left", "lower spec.memoryMiB", host_memory_gib=3)
async def no_room_on_any_host(lab: HomeLab) -> None:
    await begin(lab)


@situation("no space left", "free space on the storage")
async def storage_full(lab: HomeLab) -> None:
    lab.world.datacenter.pve.storages.get("tank").total_bytes = 11 * 2**30
    await begin(lab)


@situation("InClusterIPPool homelab-v4-icip has no free address", "1 are in use")
async def no_address_left(lab: HomeLab) -> None:
    document(lab.manifests, "ProxmoxCluster")["spec"]["ipv4Config"]["addresses"] = ["192.168.0.20"]
    await begin(lab)


@situation("Paused", "spec.paused")
async def paused(lab: HomeLab) -> None:
    document(lab.manifests, "Cluster")["spec"]["paused"] = True
    await begin(lab)


# -- while it comes


@situation("look at its console")
async def image_does_not_boot(lab: HomeLab) -> None:
    volumes = lab.world.datacenter.pve.storages.get("tank").volumes.values()
    next(volume for volume in volumes if volume.vmid == 9000).disk.image = DiskImage()
    await begin(lab, 1800)


@situation("MachinesBootstrapped", "Talos")
async def talos_unreachable(lab: HomeLab) -> None:
    break_port(lab, "talos", message="no route to host")
    await begin(lab, 1800)


@situation("look at its console", "homelab-workers")
async def node_never_joins(lab: HomeLab) -> None:
    break_port(lab, "boot", f"*{WORKERS}*")
    await begin(lab, 1800)


@situation("Waiting for Cluster control plane to be initialized", "homelab-control-plane")
async def control_plane_never_initialised(lab: HomeLab) -> None:
    break_port(lab, "boot", f"*{CONTROL_PLANE}*")
    await begin(lab, 1800)


# -- once it runs


@situation("is stopped now: start it")
async def worker_stopped(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    pull_the_plug(lab, worker_vm(lab))
    await asyncio.sleep(900)


@situation("the API server of cluster default/homelab does not answer", "Waiting to drain Node homelab-workers")
async def control_plane_lost(lab: HomeLab) -> None:
    """And then fewer workers are asked for."""
    await lab.apply()
    await lab.ready(1, 1)
    vms = lab.world.datacenter.pve.vms.values()
    pull_the_plug(lab, next(vm for vm in vms if CONTROL_PLANE in vm.name))
    await asyncio.sleep(600)
    await lab.patch("MachineDeployment", WORKERS, {"spec": {"replicas": 0}})
    await asyncio.sleep(300)


@situation("nothing is heard of its cluster", "the kubeconfig is not a mapping")
async def kubeconfig_broken(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    secret = await lab.get("Secret", "homelab-ca")
    await lab.patch("Secret", "homelab-kubeconfig", {"data": {"value": secret["data"]["tls.crt"]}})
    await asyncio.sleep(900)


# -- while it goes


@situation("Drain not completed", "Pod web/web-0", "budget web")
async def drain_held_by_a_budget(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    (name,) = await workers_of(lab)
    client = await workload(lab)
    await guard_web(client)
    await run_pod(client, "web-0", name)
    await delete_a_worker(lab)


@situation("Waiting for pre-drain hooks", PRE_DRAIN)
async def held_before_the_drain(lab: HomeLab) -> None:
    await _held_by(lab, PRE_DRAIN)


@situation("Waiting for pre-terminate hooks", PRE_TERMINATE)
async def held_before_the_end(lab: HomeLab) -> None:
    await _held_by(lab, PRE_TERMINATE)


async def _held_by(lab: HomeLab, hook: str) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    (name,) = await workers_of(lab)
    await lab.patch("Machine", name, {"metadata": {"annotations": {hook: "backup-operator"}}})
    await delete_a_worker(lab)


@situation("Waiting for Node volumes to be detached", "data")
async def volume_attached(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    (name,) = await workers_of(lab)
    client = await workload(lab)
    await client.create(_VOLUMES, _attachment(name))
    await client.patch(_VOLUMES, "", "data-on-worker", {"status": {"attached": True}}, subresource="status")
    await delete_a_worker(lab)


@situation("MachineDeployment default/homelab-workers: Deleting", "Waiting for pre-terminate hooks", PRE_TERMINATE)
async def deployment_held_by_its_machine(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    (name,) = await workers_of(lab)
    await lab.patch("Machine", name, {"metadata": {"annotations": {PRE_TERMINATE: "backup-operator"}}})
    await lab.delete("MachineDeployment", WORKERS)
    await asyncio.sleep(600)


@situation(
    "TalosControlPlane default/homelab-control-plane: ", "Waiting for Machine homelab-control-plane", PRE_TERMINATE
)
async def control_plane_held_by_its_machine(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    workers = await workers_of(lab)
    names = [m["metadata"]["name"] for m in await lab.all("Machine") if m["metadata"]["name"] not in workers]
    await lab.patch("Machine", names[0], {"metadata": {"annotations": {PRE_TERMINATE: "backup-operator"}}})
    await lab.delete("TalosControlPlane", CONTROL_PLANE)
    await asyncio.sleep(600)


def _attachment(node: str) -> Obj:
    spec = {"attacher": "csi.example.org", "nodeName": node, "source": {"persistentVolumeName": "data"}}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": "data-on-worker"},
        "spec": spec,
    }


@situation("ProxmoxMachine", "disk is busy")
async def destroying_fails(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    break_port(lab, "proxmox", "DELETE /nodes/*/qemu/*", kind="fail_task", message="disk is busy")
    await delete_a_worker(lab, 1200)


@situation("example.org/inventory")
async def held_by_a_foreign_finalizer(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    infrastructure = (await lab.get("ProxmoxCluster", "homelab"))["metadata"]
    finalizers = [*infrastructure["finalizers"], "example.org/inventory"]
    await lab.patch("ProxmoxCluster", "homelab", {"metadata": {"finalizers": finalizers}})
    await lab.delete("Cluster", "homelab")
    await asyncio.sleep(600)


@situation("Proxmox VE cannot be reached", "Machine")
async def cluster_deleted_without_hypervisor(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 1)
    break_port(lab, "proxmox", message="the host burned down")
    await lab.delete("Cluster", "homelab")
    await asyncio.sleep(1200)


@situation("MachineSet version is higher than ControlPlane version", "KubernetesVersionSkew")
async def workers_newer_than_the_control_plane(lab: HomeLab) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    document(lab.manifests, "MachineDeployment")["spec"]["rollout"] = {"strategy": strategy}
    await lab.apply()
    await lab.ready(1, 1)
    before = await workers_of(lab)
    await lab.patch("MachineDeployment", WORKERS, {"spec": {"template": {"spec": {"version": "v1.34.0"}}}})
    await asyncio.sleep(600)
    assert await workers_of(lab) == before, "none of the old ones goes"
