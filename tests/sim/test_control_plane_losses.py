"""A control plane that loses more than it can spare, and hosts without room for one more: what is told, what is left
alone, and how it comes back by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from capstan.api.objects import Obj
from capstan.insight.rollout import progress
from capstan.sim.datacenter import DatacenterSettings
from tests.sim import journeys
from tests.sim.homelab import CONTROL_PLANE, SETTINGS, HomeLab, document, documents
from tests.sim.test_control_plane import control_planes_of, health_check, is_rolled_out, replaced, vm_of, whole

HOURS = 3600.0


async def names(lab: HomeLab) -> list[str]:
    return sorted(m["metadata"]["name"] for m in await control_planes_of(lab))


def test_two_of_three_are_lost_and_one_comes_back() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 3, 1)
        await lab.add(health_check())
        await asyncio.sleep(120)
        before = await names(lab)
        first, second = vm_of(lab, before[0]), vm_of(lab, before[1])
        for vm in (first, second):
            journeys.pull_the_plug(lab, vm)
        told = await lab.told("TalosControlPlane", "EtcdClusterHealthyCondition", "no majority")
        assert "1 of 3 Machines have a healthy etcd" in told
        await lab.told("TalosControlPlane", "Available", "ConnectionDown")
        await lab.calmly(1800)
        assert await names(lab) == before
        lab.world.datacenter.pve.power_on(first)
        await replaced(lab, {second.name})
        assert set(before) - set(await names(lab)) == {second.name}
        await asyncio.sleep(300)
        await journeys.check(lab)

    HomeLab(manifests=documents()).run(story)


@pytest.mark.full
def test_the_replacement_dies_too() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 3, 1)
        await lab.add(health_check())
        await asyncio.sleep(120)
        before = await names(lab)
        journeys.pull_the_plug(lab, vm_of(lab, before[1]))

        async def is_replaced() -> bool:
            new = [name for name in await names(lab) if name not in before]
            return bool(new) and await lab.is_ready(3, 1)

        await lab.until(is_replaced, 6 * HOURS)
        (second,) = set(await names(lab)) - set(before)
        journeys.pull_the_plug(lab, vm_of(lab, second))
        await replaced(lab, {before[1], second})
        assert {before[0], before[2]} <= set(await names(lab))
        await asyncio.sleep(300)
        await journeys.check(lab)

    HomeLab(manifests=documents()).run(story)


@pytest.mark.full
def test_the_only_machine_is_lost_and_no_health_check_takes_its_data() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 1, 1)
        # The control plane reports it, else a silent API server would tell nothing of the Node.
        await lab.add(health_check())
        await asyncio.sleep(120)
        (only,) = await names(lab)
        journeys.pull_the_plug(lab, vm_of(lab, only))
        await lab.patch("Machine", only, {"metadata": {"annotations": {"cluster.x-k8s.io/remediate-machine": ""}}})
        told = await lab.told("Machine", "OwnerRemediated", "CannotBeRemediated", only)
        assert "etcd has no other member to keep its data" in told
        await lab.calmly(1800)
        assert await names(lab) == [only]
        lab.world.datacenter.pve.power_on(vm_of(lab, only))
        await lab.patch("Machine", only, {"metadata": {"annotations": {"cluster.x-k8s.io/remediate-machine": None}}})
        await lab.ready(1, 1)
        await journeys.check(lab)

    HomeLab(manifests=documents()).run(story)


def full_hosts() -> tuple[DatacenterSettings, list[Obj]]:
    """Three hosts, each with room for one machine of the control plane and a small worker."""
    manifests = documents()
    template = document(manifests, "ProxmoxMachineTemplate", CONTROL_PLANE)
    template["spec"]["template"]["spec"]["memoryMiB"] = 8192
    return replace(SETTINGS, host_memory_gib=13), manifests


def test_without_room_for_one_more_the_old_one_goes_first() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 3, 1)
        before = set(await names(lab))
        await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"version": "v1.34.0"}})
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "no node can take the VM")
        await lab.calmly(900)
        assert len(await names(lab)) == 4
        assert before <= set(await names(lab))
        surge = {"rollingUpdate": {"maxSurge": 0}}
        await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"rolloutStrategy": surge}})
        await replaced(lab, before)

        async def is_done() -> bool:
            return progress(await lab.get("TalosControlPlane", CONTROL_PLANE)).done

        await lab.until(is_done, 120)
        await asyncio.sleep(120)
        assert {m["spec"]["version"] for m in await control_planes_of(lab)} == {"v1.34.0"}
        await journeys.check(lab)

    settings, manifests = full_hosts()
    HomeLab(settings, manifests).run(story)


def test_a_change_that_cannot_be_placed_is_taken_back() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 3, 1)
        before = set(await names(lab))
        await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"version": "v1.34.0"}})
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "no node can take the VM")
        await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"version": "v1.33.4"}})

        async def is_as_before() -> bool:
            return set(await names(lab)) == before and await lab.is_ready(3, 1)

        await lab.until(is_as_before, HOURS)
        assert await is_rolled_out(lab, "v1.33.4")
        await journeys.check(lab)

    settings, manifests = full_hosts()
    HomeLab(settings, manifests).run(story)
