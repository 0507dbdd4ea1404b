"""A deletion that cannot go on says who holds it; forcing it names what stays outside, and leaves nothing here."""

from __future__ import annotations

import asyncio

from capstan.cli.forcing import force, read_members
from capstan.insight.leftovers import left_behind
from capstan.sim.faults import Fault
from tests.sim.homelab import HomeLab, documents, small


def test_with_a_host_that_is_gone_for_good() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        lab.world.datacenter.faults.add(Fault("proxmox", "*", times=10**9, message="the host burned down"))
        await lab.delete("Cluster", "homelab")
        await asyncio.sleep(1200)
        told = await lab.told("Cluster", "Deleting", "Machine homelab-workers")
        assert "Waiting for ProxmoxMachine to be deleted: " in told
        assert "Proxmox VE cannot be reached" in told
        cluster = await lab.get("Cluster", "homelab")
        client = lab.world.plane.client
        lines = left_behind(await read_members(client, cluster))
        vms = [vm for vm in lab.world.datacenter.pve.vms.values() if not vm.template]
        for vm in vms:
            assert any(f"VM {vm.vmid} on Proxmox node {vm.node}" in line and vm.name in line for line in lines), lines
        assert sum(line.startswith("address 192.168.0.") for line in lines) == len(vms)
        said: list[str] = []
        assert await force(client, cluster, said.append) == []
        await asyncio.sleep(60)
        kept = [name for name in await lab.left() if not name.startswith(("Secret", "ConfigMap"))]
        assert [name for name in kept if "Template" not in name] == []
        assert [vm for vm in lab.world.datacenter.pve.vms.values() if not vm.template] == vms
        assert said[-1] == "Cluster homelab: finalizers removed"

    HomeLab(manifests=small(documents())).run(story)
