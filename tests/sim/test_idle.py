"""A cluster that is ready is looked at and not touched."""

from __future__ import annotations

import asyncio

from tests.sim.homelab import HomeLab

MINUTES = 30


def test_half_an_hour_without_a_write() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 2)
        await asyncio.sleep(300)
        revision, lines = lab.world.store.revision, len(lab.world.trace.lines)
        reads, asked = lab.pve_reads(), len(lab.world.datacenter.pve_api.calls)
        await asyncio.sleep(MINUTES * 60)
        assert lab.world.store.revision == revision
        assert lab.world.trace.lines[lines:] == []
        reads = lab.pve_reads() - reads
        assert len(lab.world.datacenter.pve_api.calls) - asked == reads, "Proxmox VE was written to"
        # One list of VMs for all machines each half minute, and a look whether the token still holds.
        assert 0 < reads <= 4 * MINUTES
        assert lab.world.datacenter.workload_clients.made == 1, "one connection for the whole life of the cluster"

    HomeLab().run(story)
