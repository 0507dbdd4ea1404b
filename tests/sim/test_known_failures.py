"""Failures that users of today's control plane providers reported, each by its number: the same events, and how they
end here.

Numbers of CACPPT are issues of siderolabs/cluster-api-control-plane-provider-talos, those of KCP of Cluster API.
"""

from __future__ import annotations

import asyncio

import pytest

from capstan.sim.faults import Fault
from tests.sim import journeys
from tests.sim.homelab import CONTROL_PLANE, HomeLab, documents, state
from tests.sim.test_control_plane import HOURS, control_planes_of, health_check, replaced, vm_of, whole


async def upgrade(lab: HomeLab, version: str = "v1.34.0") -> set[str]:
    """The names of the Machines of before."""
    before = {m["metadata"]["name"] for m in await control_planes_of(lab)}
    await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"version": version}})
    return before


def bootstraps(lab: HomeLab) -> int:
    return sum(" bootstraps" in line for line in lab.world.trace.lines)


def test_cacppt_225_and_237_a_machine_that_goes_slowly_does_not_stop_the_update() -> None:
    """Its member has left etcd, and its VM takes long to go: Machines and members differ in number meanwhile."""

    async def story(lab: HomeLab) -> None:
        await whole(lab, 3, 1)
        failed = "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"
        fault = Fault("proxmox", "DELETE /nodes/*/qemu/*", times=12, code=500, message=failed)
        lab.world.datacenter.faults.add(fault)
        before = await upgrade(lab)
        waiting = await lab.told("TalosControlPlane", "Resized", "to be deleted", seconds=2 * HOURS)
        assert waiting.startswith("ScalingDown: ")
        await replaced(lab, before)
        assert bootstraps(lab) == 1
        await asyncio.sleep(300)
        await journeys.check(lab)

    HomeLab(manifests=documents()).run(story)


def test_cacppt_263_one_dead_member_is_remediated_in_the_middle_of_an_update() -> None:
    """Upstream neither scales, nor updates, nor remediates from here. The dead one goes first, then the update."""

    async def story(lab: HomeLab) -> None:
        await whole(lab, 3, 1)
        await lab.add(health_check())
        await asyncio.sleep(120)
        dead = sorted(m["metadata"]["name"] for m in await control_planes_of(lab))[0]
        journeys.pull_the_plug(lab, vm_of(lab, dead))
        before = await upgrade(lab)
        await replaced(lab, before)
        assert bootstraps(lab) == 1
        await asyncio.sleep(300)
        await journeys.check(lab)

    HomeLab(manifests=documents()).run(story)


@pytest.mark.full
def test_cacppt_263_without_a_health_check_it_says_what_it_waits_for() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 3, 1)
        await asyncio.sleep(120)
        dead = sorted(m["metadata"]["name"] for m in await control_planes_of(lab))[0]
        journeys.pull_the_plug(lab, vm_of(lab, dead))
        await asyncio.sleep(60)
        before = await upgrade(lab)
        text = await lab.told("TalosControlPlane", "MachinesSpecUpToDate", f"Machine {dead}")
        assert "does not answer" in text
        await lab.calmly(900)
        await lab.delete("Machine", dead)
        await replaced(lab, before)
        assert bootstraps(lab) == 1

    HomeLab(manifests=documents()).run(story)


def test_cacppt_193_a_single_control_plane_is_one_again_after_its_update() -> None:
    """One becomes two, the first leaves, and one remains: with the data, and with the leadership."""

    async def story(lab: HomeLab) -> None:
        await whole(lab, 1, 1)
        await replaced(lab, await upgrade(lab), 1, 1)

        async def is_told() -> bool:
            found = await lab.get("TalosControlPlane", CONTROL_PLANE)
            return found["status"]["version"] == "v1.34.0" and state(found, "RollingOut") == "False"

        await lab.until(is_told)
        assert bootstraps(lab) == 1
        await asyncio.sleep(300)
        await journeys.check(lab)

    HomeLab(manifests=documents()).run(story)


@pytest.mark.parametrize("after", [2, 9])
def test_kcp_4365_a_restart_in_the_middle_of_a_remediation(after: int) -> None:
    """The process ends some effects after the health check gave the Machine up; the next one goes on. The journey
    `control-plane-remediation` of `test_every_crash.py` has every such point."""

    async def story(lab: HomeLab) -> None:
        await whole(lab, 3, 1)
        await lab.add(health_check())
        await asyncio.sleep(120)
        dead = sorted(m["metadata"]["name"] for m in await control_planes_of(lab))[2]
        journeys.pull_the_plug(lab, vm_of(lab, dead))
        await lab.told("Machine", "OwnerRemediated", "", dead, seconds=600)
        lab.world.crash_after([after])
        await replaced(lab, {dead})
        assert lab.world.crashes == 1
        assert bootstraps(lab) == 1
        found = await lab.get("TalosControlPlane", CONTROL_PLANE)
        assert "remediation-in-progress" not in str(found["metadata"]["annotations"])
        await asyncio.sleep(300)
        await journeys.check(lab)

    HomeLab(manifests=documents()).run(story)
