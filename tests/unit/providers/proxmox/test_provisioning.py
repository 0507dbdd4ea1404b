"""Machines come and go on the simulated Proxmox VE, through the real API server and manager, in virtual time."""

from __future__ import annotations

import asyncio

from capstan.providers.proxmox.iso9660 import read_iso
from capstan.providers.proxmox.resources import NODES, PROXMOX_CLUSTERS, PROXMOX_MACHINES, SECRETS
from capstan.sim import loop
from tests.unit.providers.proxmox.world import CLAIMS, MACHINES, head, is_provisioned, world


def test_a_machine_is_provisioned_and_leaves_nothing_behind() -> None:
    async def story() -> None:
        w = await world()
        await w.start()
        await w.until(PROXMOX_CLUSTERS, "homelab", is_provisioned)
        await w.machine("worker-1")
        ready = await w.until(PROXMOX_MACHINES, "worker-1", is_provisioned)
        assert w.vms() == [100]
        vm = w.pve.vms[100]
        assert vm.running
        assert ready["spec"]["providerID"] == f"proxmox://{vm.uuid}"
        assert ready["spec"]["virtualMachineID"] == 100
        addresses = {a["type"]: a["address"] for a in ready["status"]["addresses"]}
        assert addresses == {"Hostname": "worker-1", "InternalIP": "192.168.0.20"}
        assert vm.config["memory"] == "4096"
        assert "size=20G" in vm.config["scsi0"]
        assert "ip_net0_192.168.0.20" in vm.config["tags"]
        (image,) = w.pve.current_cdroms(w.pve.key(vm))
        files = read_iso(image)
        assert files["user-data"] == b"version: v1alpha1\n"
        assert vm.nics()[0].mac.lower().encode() in files["network-config"]
        assert b"192.168.0.20/24" in files["network-config"]
        await w.client.delete(PROXMOX_MACHINES, "default", "worker-1")
        await w.until_gone(PROXMOX_MACHINES, "worker-1")
        assert (w.vms(), w.files()) == ([], [])
        await w.until_gone(CLAIMS, "worker-1-net0-00-inet")
        await w.kill()
        await w.server.stop()

    loop.run(story())


def test_a_node_gets_its_provider_id_and_the_iso_goes_when_it_has_joined() -> None:
    async def story() -> None:
        w = await world()
        await w.start()
        await w.machine("worker-1")
        machine = await w.until(PROXMOX_MACHINES, "worker-1", is_provisioned)
        await w.settle("worker-1", "WaitingForNode")
        workload = await w.boot_workload()
        uuid = w.pve.vms[100].uuid
        info = dict.fromkeys(("architecture", "bootID", "containerRuntimeVersion", "kernelVersion"), "")
        info |= dict.fromkeys(("kubeProxyVersion", "kubeletVersion", "machineID", "operatingSystem", "osImage"), "")
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1"}}
        await workload.create(NODES, node)
        await workload.patch(
            NODES, "", "worker-1", {"status": {"nodeInfo": {**info, "systemUUID": uuid.upper()}}}, subresource="status"
        )
        await w.client.create(SECRETS, {**head("v1", "Secret", "homelab-kubeconfig"), "data": {"value": "eA=="}})
        for _ in range(100):
            found = await workload.get(NODES, "", "worker-1")
            if found.get("spec", {}).get("providerID"):
                break
            await asyncio.sleep(0.5)
        assert found["spec"]["providerID"] == machine["spec"]["providerID"]
        assert w.files() == ["local:iso/user-data-100.iso"]
        await w.client.patch(
            MACHINES, "default", "worker-1", {"status": {"nodeRef": {"name": "worker-1"}}}, subresource="status"
        )
        await w.settle("worker-1", "Joined")
        await asyncio.sleep(40)
        assert w.files() == []
        assert w.pve.vms[100].config["ide0"] == "none,media=cdrom"
        assert w.pve.vms[100].config["tags"] == "ip_net0_192.168.0.20"
        before, calls = (await w.client.list(PROXMOX_MACHINES)).resource_version, len(w.api.calls)
        await asyncio.sleep(300)
        assert (await w.client.list(PROXMOX_MACHINES)).resource_version == before
        assert {op for op, _ in w.api.calls[calls:]} <= {"GET /cluster/resources", "GET /version"}
        await w.close()

    loop.run(story())
