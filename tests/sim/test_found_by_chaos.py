"""What random lives have found: the same events, few and fixed, and how they end."""

from __future__ import annotations

import asyncio

from capstan.sim.faults import Fault
from tests.sim.homelab import HomeLab, documents, small
from tests.sim.journeys import check, workers_of
from tests.sim.picture import nodes


def test_a_node_that_joins_while_its_machine_is_stuck_on_its_way_out_is_removed_with_it() -> None:
    """Proxmox VE does not stop the VM for minutes. Its Node has no provider ID, as the provider gives it one only after
    it has joined; without that the Machine would never find it, and leave it behind."""

    async def story(lab: HomeLab) -> None:
        await lab.apply()
        faults = lab.world.datacenter.faults

        async def boots() -> bool:
            return any("workers" in line and "running" in line for line in lab.world.trace.lines)

        await lab.until(boots)
        assert not await nodes(lab)
        (name,) = await workers_of(lab)
        locked = Fault("proxmox", "POST /nodes/*/status/stop", times=10**6, code=500, message="VM is locked (backup)")
        faults.add(locked)
        await lab.delete("Machine", name)

        async def joins() -> bool:
            return name in [node["metadata"]["name"] for node in await nodes(lab)]

        await lab.until(joins)
        await asyncio.sleep(60)
        faults.remove(locked)
        await lab.ready(1, 1)
        await asyncio.sleep(300)
        assert await workers_of(lab) != [name]
        await check(lab)

    HomeLab(manifests=small(documents())).run(story)
