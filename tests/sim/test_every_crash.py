"""The process ends at one point before or after an effect, for every such point; the next one ends in the same state.

Each journey is played once without a crash, which counts its points; then once for each point of a sample (all of
them with the marker `full`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache

import pytest

from capstan.sim.datacenter import TEMPLATE_ID
from capstan.sim.keys import SeededKeys
from tests.sim.homelab import CONTROL_PLANE, WORKERS, HomeLab, documents, small

HOURS = 3600.0
Step = Callable[[HomeLab], Awaitable[None]]


async def _create(lab: HomeLab) -> None:
    await lab.apply()
    await lab.ready(1, 2, 6 * HOURS)


async def _scale_up(lab: HomeLab) -> None:
    await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"replicas": 3}})
    await lab.patch("MachineDeployment", WORKERS, {"spec": {"replicas": 4}})
    await lab.ready(3, 4, 6 * HOURS)


async def _scale_down(lab: HomeLab) -> None:
    await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"replicas": 1}})
    await lab.patch("MachineDeployment", WORKERS, {"spec": {"replicas": 1}})
    await lab.ready(1, 1, 6 * HOURS)


async def _delete(lab: HomeLab) -> None:
    await lab.delete_all()
    await lab.deleted(6 * HOURS)


async def _made_of_three(lab: HomeLab) -> None:
    small(lab.manifests, 3, 2)
    await lab.apply()
    await lab.ready(3, 2)
    await asyncio.sleep(120)


#: What is done before, and what is done while the process ends.
JOURNEYS: dict[str, tuple[tuple[Step, ...], Step]] = {
    "create": ((), _create),
    "scale-up": ((_create,), _scale_up),
    "scale-down": ((_made_of_three,), _scale_down),
    "delete": ((_create,), _delete),
}
#: Points of each journey that are played in the short run.
SAMPLE = {"create": 6, "scale-up": 5, "scale-down": 4, "delete": 4}


def _play(name: str, point: int) -> tuple[int, int]:
    """How many points the journey has, and how many crashes happened."""
    before, journey = JOURNEYS[name]
    counted = 0

    async def story(lab: HomeLab) -> None:
        nonlocal counted
        for step in before:
            await step(lab)
        begin = lab.world.gate.points
        if point:
            lab.world.crash_after([point])
        await journey(lab)
        counted = lab.world.gate.points - begin
        await asyncio.sleep(300)
        await _check(lab)

    lab = HomeLab(manifests=documents())
    lab.run(story)
    return counted, lab.world.crashes


async def _check(lab: HomeLab) -> None:
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
    volumes = {v.vmid for s in lab.world.datacenter.pve.storages.all() for v in s.volumes.values()}
    assert volumes <= {TEMPLATE_ID, *(vm.vmid for vm in vms.values())}
    for storage in lab.world.datacenter.pve.storages.all():
        assert not [f.volid for f in storage.files.values() if f.image is None], "a NoCloud ISO is left"
    lines = lab.world.trace.lines
    assert len([line for line in lines if " bootstraps" in line]) == 1
    assert not [line for line in lines if "is in use by another machine" in line]


@cache
def _points(name: str) -> int:
    return _play(name, 0)[0]


def _sample(name: str) -> list[int]:
    """Points spread over the journey, one drawn from each of as many equal parts."""
    numbers, points, count = SeededKeys(f"crash {name}"), _points(name), SAMPLE[name]
    width = points // count
    return [1 + part * width + numbers.number(24) % width for part in range(count)]


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_crash_at_points_of_the_journey(name: str) -> None:
    for point in _sample(name):
        _, crashes = _play(name, point)
        assert crashes == 1, f"no crash at point {point}"


@pytest.mark.full
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_crash_at_every_point_of_the_journey(name: str) -> None:
    failed: dict[int, str] = {}
    for point in range(1, _points(name) + 1):
        try:
            _play(name, point)
        except Exception as error:
            failed[point] = f"{type(error).__name__}: {error}"[-2000:]
    assert not failed
