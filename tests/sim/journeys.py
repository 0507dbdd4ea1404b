"""The journeys that are broken off at every point: what comes before each, what it does, what must hold after it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from capstan.api.cluster.rollouthistory import earlier, read_history
from capstan.api.objects import Obj
from capstan.sim.datacenter import TEMPLATE_ID
from capstan.sim.proxmox.vm import Vm
from tests.sim.homelab import CONTROL_PLANE, WORKERS, HomeLab, document, documents, small
from tests.sim.invariants import etcd_clusters
from tests.sim.picture import nodes

HOURS = 3600.0
Step = Callable[[HomeLab], Awaitable[None]]
#: What the workers' new template differs in.
NEW_MEMORY_MIB = 5120
NEW_VERSION = "v1.34.0"
_LABELS_OF_WORKERS = {"cluster.x-k8s.io/deployment-name": WORKERS}


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


async def undo(lab: HomeLab) -> None:
    """The workers' new template is taken back while the first machine of it comes up."""
    await change_workers(lab)

    async def is_under_way() -> bool:
        return sum(WORKERS in vm.name and vm.running for vm in lab.world.datacenter.pve.vms.values()) == 2

    await lab.until(is_under_way, HOURS)
    deployment = await lab.get("MachineDeployment", WORKERS)
    before = earlier(read_history(deployment["metadata"]["annotations"]))
    assert before is not None
    await lab.patch("MachineDeployment", WORKERS, {"spec": {"template": {"spec": before.template}}})

    async def is_undone() -> bool:
        found = [m for m in await lab.all("ProxmoxMachine") if WORKERS in m["metadata"]["name"]]
        return all(m["spec"]["memoryMiB"] != NEW_MEMORY_MIB for m in found) and await lab.is_ready(3, 1)

    await lab.until(is_undone, 6 * HOURS)


async def remediate_control_plane(lab: HomeLab) -> None:
    """The VM of a control-plane machine that etcd was not begun on loses its power for good, and is replaced."""
    await lab.add(health_check(name=CONTROL_PLANE, labels={"cluster.x-k8s.io/control-plane": ""}))
    vm = next(vm for _, vm in sorted(lab.world.datacenter.pve.vms.items(), reverse=True) if CONTROL_PLANE in vm.name)
    pull_the_plug(lab, vm)

    async def is_replaced() -> bool:
        return vm.name not in {m["metadata"]["name"] for m in await lab.all("Machine")} and await lab.is_ready(3, 1)

    await lab.until(is_replaced, 6 * HOURS)


async def break_off(lab: HomeLab) -> None:
    """Everything is deleted while the second control-plane machine comes up."""
    await lab.apply()

    async def is_under_way() -> bool:
        return sum(CONTROL_PLANE in vm.name for vm in lab.world.datacenter.pve.vms.values()) == 2

    await lab.until(is_under_way, 6 * HOURS)
    await delete(lab)


@dataclass(frozen=True, slots=True)
class Journey:
    """`replicas` at its beginning (control planes, workers), what is done `before`, and the `step` in which the process
    ends. `quorum`: etcd keeps it all the while. `fewest` machines of both kinds run at any moment."""

    replicas: tuple[int, int]
    before: tuple[Step, ...]
    step: Step
    quorum: bool = True
    fewest: tuple[int, int] = (0, 0)


_WHOLE = (create, settle)
JOURNEYS: dict[str, Journey] = {
    "create": Journey((3, 1), (), create),
    "scale-up": Journey((1, 1), _WHOLE, scale_up, fewest=(1, 1)),
    "scale-down": Journey((3, 2), _WHOLE, scale_down, fewest=(1, 1)),
    "rolling-replacement": Journey((3, 1), _WHOLE, roll_workers, fewest=(3, 1)),
    "control-plane-replacement": Journey((3, 1), _WHOLE, roll_control_plane, fewest=(3, 1)),
    "on-delete": Journey((3, 1), _WHOLE, on_delete, fewest=(3, 0)),
    "undo": Journey((3, 1), _WHOLE, undo, fewest=(3, 1)),
    "remediation": Journey((3, 1), _WHOLE, remediate, fewest=(3, 0)),
    "control-plane-remediation": Journey((3, 1), _WHOLE, remediate_control_plane, fewest=(2, 1)),
    "delete": Journey((3, 1), _WHOLE, delete, quorum=False),
    "delete-while-creating": Journey((3, 1), (), break_off, quorum=False),
}


def lab_of(name: str) -> HomeLab:
    return HomeLab(manifests=small(documents(), *JOURNEYS[name].replicas))


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


def health_check(silent_seconds: int = 60, *, name: str = WORKERS, labels: dict[str, str] = _LABELS_OF_WORKERS) -> Obj:
    """A MachineHealthCheck of the workers, or of who else has the labels."""
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "MachineHealthCheck",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "clusterName": "homelab",
            "selector": {"matchLabels": labels},
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
    assert [len(cluster.members) for cluster in etcd_clusters(lab)] == ([len(owned)] if owned else [])
    found = [node["metadata"]["name"] for node in await nodes(lab)]
    assert sorted(found) == sorted(m["metadata"]["name"] for m in await lab.all("Machine")), "Nodes without Machines"
    await _check_orphans(lab, {TEMPLATE_ID, *(vm.vmid for vm in vms.values())})
    lines = lab.world.trace.lines
    assert len([line for line in lines if " bootstraps" in line]) == 1
    assert not [line for line in lines if "is in use by another machine" in line]
    clones = [line for line in lines if line.endswith("/clone")]
    made = {line.split()[-1] for line in lines if re.search(" api +(create|apply) proxmoxmachines ", line)}
    assert len(clones) <= len(made), f"{len(clones)} VMs were cloned for {len(made)} machines"


async def _check_orphans(lab: HomeLab, vmids: set[int]) -> None:
    storages = lab.world.datacenter.pve.storages.all()
    assert {v.vmid for s in storages for v in s.volumes.values()} <= vmids
    assert not [f.volid for s in storages for f in s.files.values() if f.image is None], "a NoCloud ISO is left"
    machines = {m["metadata"]["name"] for m in await lab.all("Machine")}
    for kind in ("ProxmoxMachine", "TalosConfig"):
        assert {o["metadata"]["name"] for o in await lab.all(kind)} <= machines, f"a {kind} without a Machine is left"
