"""The journeys that are broken off at every point: what comes before each, what it does, what must hold after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from capstan.sim.datacenter import TEMPLATE_ID
from capstan.sim.proxmox.vm import Vm
from capstan.sim.talos.etcd import EtcdCluster
from tests.sim.homelab import CONTROL_PLANE, WORKERS, HomeLab, document, documents, small

HOURS = 3600.0
Step = Callable[[HomeLab], Awaitable[None]]
#: What the workers' new template differs in.
NEW_MEMORY_MIB = 5120
NEW_VERSION = "v1.34.0"


# -- steps


async def create(lab: HomeLab) -> None:
    await lab.apply()
    control_planes, workers = (
        document(lab.manifests, kind)["spec"]["replicas"] for kind in ("TalosControlPlane", "MachineDeployment")
    )
    await lab.ready(control_planes, workers, 6 * HOURS)


async def scale_up(lab: HomeLab) -> None:
    await _scale(lab, 3, 2)


async def scale_down(lab: HomeLab) -> None:
    await _scale(lab, 1, 1)


async def _scale(lab: HomeLab, control_planes: int, workers: int) -> None:
    await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"replicas": control_planes}})
    await lab.patch("MachineDeployment", WORKERS, {"spec": {"replicas": workers}})
    await lab.ready(control_planes, workers, 6 * HOURS)


async def roll_workers(lab: HomeLab) -> None:
    await change_workers(lab)
    await rolled(lab, 3, 1)


async def on_delete(lab: HomeLab) -> None:
    await lab.patch("MachineDeployment", WORKERS, {"spec": {"rollout": {"strategy": _ON_DELETE}}})
    await change_workers(lab)
    for machine in await workers_of(lab):
        await lab.delete("Machine", machine)
    await rolled(lab, 3, 1)


_ON_DELETE = {"type": "OnDelete", "rollingUpdate": None}


async def remediate(lab: HomeLab) -> None:
    """A worker's VM loses its power for good, and the health check has it replaced."""
    await lab.add(health_check())
    vm = worker_vm(lab)
    pull_the_plug(lab, vm)

    async def is_replaced() -> bool:
        return vm.name not in await workers_of(lab) and await lab.is_ready(3, 1)

    await lab.until(is_replaced, 6 * HOURS)


async def roll_control_plane(lab: HomeLab) -> None:
    """A new version of Kubernetes, one control-plane machine after the other."""
    await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"version": NEW_VERSION}})

    async def is_rolled() -> bool:
        owned = [m for m in await lab.all("Machine") if CONTROL_PLANE in m["metadata"]["name"]]
        return all(m["spec"]["version"] == NEW_VERSION for m in owned) and await lab.is_ready(3, 1)

    await lab.until(is_rolled, 6 * HOURS)


async def delete(lab: HomeLab) -> None:
    await lab.delete_all()
    await lab.deleted(6 * HOURS)


async def settle(_lab: HomeLab) -> None:
    await asyncio.sleep(120)


#: Replicas at the beginning (control planes, workers), what is done before, and what is done while the process ends.
JOURNEYS: dict[str, tuple[tuple[int, int], tuple[Step, ...], Step]] = {
    "create": ((3, 1), (), create),
    "scale-up": ((1, 1), (create,), scale_up),
    "scale-down": ((3, 2), (create, settle), scale_down),
    "rolling-replacement": ((3, 1), (create, settle), roll_workers),
    "control-plane-replacement": ((3, 1), (create, settle), roll_control_plane),
    "on-delete": ((3, 1), (create, settle), on_delete),
    "remediation": ((3, 1), (create, settle), remediate),
    "delete": ((3, 1), (create, settle), delete),
}


def lab_of(name: str) -> HomeLab:
    (control_planes, workers), _, _ = JOURNEYS[name]
    return HomeLab(manifests=small(documents(), control_planes, workers))


# -- what they are made of


async def change_workers(lab: HomeLab) -> None:
    """The workers get a new template of machines."""
    template = document(documents(), "ProxmoxMachineTemplate", WORKERS)
    template["metadata"]["name"] = f"{WORKERS}-bigger"
    template["spec"]["template"]["spec"]["memoryMiB"] = NEW_MEMORY_MIB
    await lab.add(template)
    patch = {"spec": {"template": {"spec": {"infrastructureRef": {"name": f"{WORKERS}-bigger"}}}}}
    await lab.patch("MachineDeployment", WORKERS, patch)


async def rolled(lab: HomeLab, control_planes: int, workers: int, seconds: float = 6 * HOURS) -> None:
    """Every worker is of the new template, and everything is ready."""

    async def is_rolled() -> bool:
        found = [m for m in await lab.all("ProxmoxMachine") if "workers" in m["metadata"]["name"]]
        if any(m["spec"]["memoryMiB"] != NEW_MEMORY_MIB for m in found):
            return False
        return await lab.is_ready(control_planes, workers)

    await lab.until(is_rolled, seconds)


def health_check(silent_seconds: int = 60) -> dict[str, object]:
    """A MachineHealthCheck of the workers."""
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "MachineHealthCheck",
        "metadata": {"name": WORKERS, "namespace": "default"},
        "spec": {
            "clusterName": "homelab",
            "selector": {"matchLabels": {"cluster.x-k8s.io/deployment-name": WORKERS}},
            "checks": {
                "unhealthyNodeConditions": [
                    {"type": "Ready", "status": status, "timeoutSeconds": silent_seconds}
                    for status in ("Unknown", "False")
                ]
            },
        },
    }


async def workers_of(lab: HomeLab) -> list[str]:
    return sorted(m["metadata"]["name"] for m in await lab.all("Machine") if WORKERS in m["metadata"]["name"])


def worker_vm(lab: HomeLab) -> Vm:
    return next(vm for vm in lab.world.datacenter.pve.vms.values() if WORKERS in vm.name)


def pull_the_plug(lab: HomeLab, vm: Vm) -> None:
    lab.world.datacenter.pve.power_off(vm)
    lab.world.datacenter.trace.add("user", f"VM {vm.vmid} {vm.name} loses its power")


# -- what must hold


def watch_quorum(lab: HomeLab) -> list[str]:
    """The lines of the trace after which etcd has no quorum; it grows from now on."""
    datacenter, lost = lab.world.datacenter, list[str]()
    tell = datacenter.trace.on_line

    def look() -> None:
        if not all(cluster.has_quorum for cluster in _etcd_clusters(lab)):
            lost.append(datacenter.trace.lines[-1])
        tell()

    datacenter.trace.on_line = look
    return lost


def _etcd_clusters(lab: HomeLab) -> list[EtcdCluster]:
    machines = lab.world.datacenter.fleet.machines.values()
    return list({id(m.etcd_cluster): m.etcd_cluster for m in machines if m.etcd_cluster}.values())


async def check(lab: HomeLab) -> None:
    """One VM and one address for each machine, nothing that belongs to none, etcd begun once."""
    vms = {vm.name: vm for vmid, vm in lab.world.datacenter.pve.vms.items() if vmid != TEMPLATE_ID}
    machines = await lab.all("ProxmoxMachine")
    assert sorted(vms) == sorted(m["metadata"]["name"] for m in machines)
    assert len(lab.world.datacenter.pve.vms) - 1 == len(vms), "two VMs have one name"
    for machine in machines:
        vm = vms[machine["metadata"]["name"]]
        assert machine["spec"]["providerID"] == f"proxmox://{vm.uuid}"
        assert vm.running
    addresses = [a["spec"]["address"] for a in await lab.all("IPAddress")]
    claims = await lab.all("IPAddressClaim")
    assert len(set(addresses)) == len(addresses) == len(claims) == len(machines)
    owned = [m for m in await lab.all("Machine") if CONTROL_PLANE in m["metadata"]["name"]]
    assert [len(cluster.members) for cluster in _etcd_clusters(lab)] == ([len(owned)] if owned else [])
    await _check_orphans(lab, {TEMPLATE_ID, *(vm.vmid for vm in vms.values())})
    lines = lab.world.trace.lines
    assert len([line for line in lines if " bootstraps" in line]) == 1
    assert not [line for line in lines if "is in use by another machine" in line]
    clones = [line for line in lines if line.endswith("/clone")]
    made = {line.split()[-1] for line in lines if " api      create proxmoxmachines " in line}
    assert len(clones) <= len(made), f"{len(clones)} VMs were cloned for {len(made)} machines"


async def _check_orphans(lab: HomeLab, vmids: set[int]) -> None:
    storages = lab.world.datacenter.pve.storages.all()
    assert {v.vmid for s in storages for v in s.volumes.values()} <= vmids
    assert not [f.volid for s in storages for f in s.files.values() if f.image is None], "a NoCloud ISO is left"
    machines = {m["metadata"]["name"] for m in await lab.all("Machine")}
    for kind in ("ProxmoxMachine", "TalosConfig"):
        assert {o["metadata"]["name"] for o in await lab.all(kind)} <= machines, f"a {kind} without a Machine is left"
