"""Failures that users of today's Proxmox provider reported, each by its number: the same events, and how they end here.

The numbers are issues of the project ionos-cloud/cluster-api-provider-proxmox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import yaml

from capstan.sim.datacenter import TEMPLATE_ID
from capstan.sim.faults import Fault
from capstan.sim.plane import Plane, Ports
from capstan.sim.proxmox.access import ADMINISTRATOR
from capstan.sim.proxmox.delays import BRISK
from capstan.sim.proxmox.transport import SimulatedTransports
from capstan.sim.proxmox.vm import Vm
from capstan.store.memory import MemoryStore
from tests.sim.homelab import SETTINGS, WORKERS, HomeLab, documents, small, state, text
from tests.sim.journeys import check, health_check, pull_the_plug, worker_vm, workers_of

Story = Callable[[HomeLab], Coroutine[Any, Any, None]]


def play(story: Story, manifests: list[dict[str, Any]] | None = None, **settings: Any) -> None:
    HomeLab(replace(SETTINGS, **settings), manifests or small(documents())).run(story)


def stranger(lab: HomeLab, vmid: int, node: str = "pve2") -> Vm:
    """A VM that somebody else made and that runs."""
    pve = lab.world.datacenter.pve
    vm = pve.reserve(node, vmid, "", {"name": "database", "memory": "512", "smbios1": f"uuid={pve.new_uuid()}"})
    pve.power_on(vm)
    return vm


async def absent(lab: HomeLab, kind: str, name: str, seconds: float = 900.0) -> None:
    async def is_gone() -> bool:
        return name not in [o["metadata"]["name"] for o in await lab.all(kind)]

    await lab.until(is_gone, seconds)


def test_742_a_destroy_that_fails_is_followed_and_nothing_is_adopted() -> None:
    """The tasks that stop and destroy a VM end badly. The machine stays until its VM is gone, says why meanwhile, and
    its replacement, which comes after it, gets a VM of its own."""

    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        vm, faults = worker_vm(lab), lab.world.datacenter.faults
        failed = f"VM {vm.vmid} is running - destroy failed"
        faults.add(Fault("proxmox", "DELETE /nodes/*/qemu/*", "fail_task", times=1000, message=failed))
        await lab.delete("Machine", vm.name)
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", failed, vm.name)
        assert (await lab.told("Machine", "InfrastructureReady", failed, vm.name)).startswith("DeletionFailed: ")
        await lab.calmly(900, writes=60)
        assert await workers_of(lab) == [vm.name], "it is not forgotten while its VM is there"
        faults.clear("proxmox")
        await absent(lab, "Machine", vm.name)
        await lab.ready(1, 1)
        assert worker_vm(lab).uuid != vm.uuid
        await asyncio.sleep(300)
        await check(lab)

    play(story)


def test_842_two_managers_are_given_the_same_vmid() -> None:
    """Two management planes on one Proxmox VE ask for a free VMID in the same moment. One clone is refused, and its
    machine takes another number."""

    async def story(lab: HomeLab) -> None:
        outside = lab.world.datacenter
        transports = SimulatedTransports({outside.settings.pve_host: outside.pve_api})
        ports = Ports(transports, outside.channels, outside.workload_clients, outside.keys, lab.world.clock)
        other = Plane(MemoryStore(), ports, service_account="ecdsa-p256")
        await other.start()
        theirs = [d for d in renamed(lab.manifests, "homelab", "elsewhere") if d["kind"] != "MachineDeployment"]
        mine = lab.world.plane
        await lab.apply()
        lab.world.plane = other
        await lab.world.apply(text(theirs))
        lab.world.plane = mine
        await lab.ready(1, 1)

        async def is_made() -> bool:
            return len([vm for vm in outside.pve.vms.values() if vm.running]) == 3

        await lab.until(is_made)
        refused = [line for line in lab.world.trace.lines if "/clone -> " in line and "already exists" in line]
        assert refused, "the two never met: the test has lost its point"
        names = sorted(vm.name for vmid, vm in outside.pve.vms.items() if vmid != TEMPLATE_ID)
        assert len(names) == 3
        assert [name.partition("-")[0] for name in names] == ["elsewhere", "homelab", "homelab"]
        await other.stop()

    play(story)


def test_848_a_template_that_needs_no_change_boots() -> None:
    """The clone is as the machine wants it already: nothing is to be configured, and it is started all the same."""

    async def story(lab: HomeLab) -> None:
        for template in lab.manifests:
            if template["kind"] == "ProxmoxMachineTemplate":
                for name in ("numSockets", "numCores", "memoryMiB", "disks", "network"):
                    template["spec"]["template"]["spec"].pop(name)
        await lab.apply()
        await lab.ready(1, 1)
        for vm in lab.world.datacenter.pve.vms.values():
            assert vm.running or vm.template

    play(story)


def test_856_a_vmid_that_was_handed_to_somebody_else_is_left_alone() -> None:
    """The VM of a ready machine is removed by hand, or a clone fails, and the VMID goes to another VM at once: that one
    outlives the machine's deletion."""

    async def story(lab: HomeLab) -> None:
        faults, pve = lab.world.datacenter.faults, lab.world.datacenter.pve
        await lab.apply()
        await lab.ready(1, 1)
        lost = worker_vm(lab)
        pve.power_off(lost)
        pve.destroy(lost, unreferenced=True)
        healthy = stranger(lab, lost.vmid)
        told = await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "belongs to another VM now", lost.name)
        assert told.startswith("VirtualMachineNotFound: ")
        failing = Fault("proxmox", "POST /nodes/*/clone", "fail_task", message="unable to read base image")
        faults.add(failing)
        await lab.delete("Machine", lost.name)
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "unable to read base image")
        (second,) = [m for m in await lab.all("ProxmoxMachine") if WORKERS in m["metadata"]["name"]]
        vmid = second["spec"]["virtualMachineID"]
        assert vmid not in pve.vms
        another = stranger(lab, vmid)
        await lab.delete("Machine", second["metadata"]["name"])
        await lab.ready(1, 1)
        assert healthy.running
        assert another.running
        assert pve.vms[lost.vmid] is healthy
        assert pve.vms[vmid] is another

    play(story)


def test_856_a_health_check_replaces_one_machine_and_no_chain_begins() -> None:
    """The replacement gets the freed VMID; the machine before it is destroyed late, and only its own VM."""

    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        vm = worker_vm(lab)
        await lab.add(health_check())
        pull_the_plug(lab, vm)
        await absent(lab, "Machine", vm.name)
        await lab.ready(1, 1)
        await asyncio.sleep(3 * 3600)
        made = ("api      create machines default/homelab-workers", "api      apply machines default/homelab-workers")
        created = {line.split()[-1] for line in lab.world.trace.lines if any(words in line for words in made)}
        assert len(created) == 2
        await check(lab)

    play(story)


def test_389_clones_that_wait_for_the_storages_lock() -> None:
    """A full copy takes 20 s and the lock of a storage is waited for 10 s: five at once end all the same, one after the
    other. A clone that somebody else's lock fails is removed and tried again."""

    async def story(lab: HomeLab) -> None:
        fault = "can't lock file '/var/lock/pve-manager/pve-storage-tank' - got timeout"
        faults = lab.world.datacenter.faults
        faults.add(Fault("proxmox", "POST /nodes/*/clone", "fail_task", after=1, times=2, message=fault))
        await lab.apply()
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "got timeout")
        await lab.ready(1, 4)
        await asyncio.sleep(300)
        assert len(lab.world.datacenter.pve.vms) - 1 == 5
        await check_vms(lab)

    slow = replace(BRISK, clone_full=20.0, lock_timeout=10.0)
    play(story, small(documents(), 1, 4), pve_delays=slow)


# -- what no number stands for


def test_a_ready_vm_that_somebody_stopped_is_told_and_can_be_started_again() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        vm = worker_vm(lab)
        pull_the_plug(lab, vm)
        told = await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "was ready and is stopped now", vm.name)
        assert told.startswith("VirtualMachineStopped: ")
        assert "delete the Machine to replace it" in told
        await lab.told("Machine", "Ready", "was ready and is stopped now", vm.name)
        await lab.calmly(writes=20)
        assert not vm.running
        lab.world.datacenter.pve.power_on(vm)
        await lab.ready(1, 1)
        assert worker_vm(lab) is vm

    play(story)


def test_a_ready_vm_that_stays_stopped_is_replaced_by_the_health_check() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        await lab.add(health_check())
        vm = worker_vm(lab)
        pull_the_plug(lab, vm)
        await lab.told("Machine", "HealthCheckSucceeded", "", vm.name)
        await absent(lab, "Machine", vm.name)
        await lab.ready(1, 1)
        await asyncio.sleep(300)
        await check(lab)

    play(story)


def test_a_ready_vm_that_vanished_is_replaced_by_the_health_check() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        await lab.add(health_check())
        vm, pve = worker_vm(lab), lab.world.datacenter.pve
        pve.power_off(vm)
        pve.destroy(vm, unreferenced=True)
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "does not exist in Proxmox VE any more", vm.name)
        await absent(lab, "Machine", vm.name)
        await lab.ready(1, 1)
        await asyncio.sleep(300)
        await check(lab)
        assert (await workers_of(lab)) != [vm.name]

    play(story)


def test_a_missing_right_is_asked_for_less_and_less() -> None:
    async def story(lab: HomeLab) -> None:
        token = lab.world.datacenter.pve.tokens.get(lab.settings.token_id)
        token.grants = {"/": ADMINISTRATOR - {"VM.Clone"}}
        await lab.apply()
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "lacks the privilege VM.Clone on /vms/9000")
        first = await denied_within(lab, 600)
        await asyncio.sleep(1200)
        later = await denied_within(lab, 600)
        assert 0 < later <= 6
        assert later < first
        token.grants = {"/": ADMINISTRATOR}
        await lab.ready(1, 1, 900)

    play(story)


async def denied_within(lab: HomeLab, seconds: float) -> int:
    lines = len(lab.world.trace.lines)
    await asyncio.sleep(seconds)
    return sum("/clone -> 403" in line for line in lab.world.trace.lines[lines:])


async def check_vms(lab: HomeLab) -> None:
    """One running VM for each machine."""
    names = sorted(vm.name for vmid, vm in lab.world.datacenter.pve.vms.items() if vmid != TEMPLATE_ID and vm.running)
    assert names == sorted(m["metadata"]["name"] for m in await lab.all("Machine"))
    assert all(state(m, "Ready") == "True" for m in await lab.all("Machine"))


def renamed(manifests: list[dict[str, Any]], old: str, new: str) -> list[dict[str, Any]]:
    """The same cluster under another name and at other addresses; the credentials stay."""
    body = text(manifests).replace(old, new).replace(f"capstan@pve!{new}", f"capstan@pve!{old}")
    body = body.replace("192.168.0.30", "192.168.0.50").replace("192.168.0.2", "192.168.0.4")
    return [d for d in yaml.safe_load_all(body) if d]


def test_a_vm_removed_by_hand_before_anybody_saw_that_it_has_its_data() -> None:
    """The process ends just after the ISO was attached; before the next one looks, somebody removes the VM. Its data,
    with the secrets in it, goes with the machine."""

    async def story(lab: HomeLab) -> None:
        pve, gate = lab.world.datacenter.pve, lab.world.gate

        def seeded() -> list[Vm]:
            return [vm for vm in pve.vms.values() if "user-data-" in str(vm.config)]

        def end_there(point: int) -> None:
            if not lab.world.crashes and seeded():
                gate.crash_at = point

        async def is_down() -> bool:
            return lab.world.crashes == 1

        lab.world.down_seconds, gate.on_point = 30.0, end_there
        await lab.apply()
        await lab.until(is_down)
        for vm in seeded():
            if vm.running:
                pve.power_off(vm)
            pve.destroy(vm, unreferenced=True)
            assert [name for name in lab.world.datacenter.leftovers() if f"user-data-{vm.vmid}" in name]
        # Whoever comes back finds no VM, and machines that are to go.
        await lab.delete_all()
        for machine in await lab.all("ProxmoxMachine"):
            await lab.delete("ProxmoxMachine", machine["metadata"]["name"])
        await lab.world.up()
        await lab.deleted()

    play(story)
