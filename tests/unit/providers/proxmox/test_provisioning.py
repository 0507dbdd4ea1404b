"""Machines come and go on the simulated Proxmox VE, through the real API server and manager, in virtual time."""

from __future__ import annotations

from capstan.providers.proxmox.iso9660 import read_iso
from capstan.providers.proxmox.resources import PROXMOX_CLUSTERS, PROXMOX_MACHINES
from capstan.sim import loop
from tests.unit.providers.proxmox.world import CLAIMS, is_provisioned, world


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
