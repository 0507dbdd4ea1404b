"""The process dies at every write to Proxmox VE, before or after it took effect, and goes on in a new one."""

from __future__ import annotations

import asyncio

import pytest

from capstan.providers.proxmox.resources import PROXMOX_MACHINES
from capstan.sim import loop
from tests.unit.providers.proxmox.world import ADDRESSES, CLAIMS, SLOW, World, is_provisioned, world

NAMES = ("one", "two")
#: Writes that two machines need to be provisioned, and to be removed.
PROVISIONING, REMOVAL = 12, 8


async def _provisioned(w: World) -> None:
    for name in NAMES:
        await w.until(PROXMOX_MACHINES, name, is_provisioned)
    machines = [await w.get(PROXMOX_MACHINES, name) for name in NAMES]
    assert w.vms() == sorted(m["spec"]["virtualMachineID"] for m in machines)
    for machine in machines:
        vm = w.pve.vms[machine["spec"]["virtualMachineID"]]
        assert vm.running
        assert vm.name == machine["metadata"]["name"]
        assert machine["spec"]["providerID"] == f"proxmox://{vm.uuid}"
        (address,) = [a["address"] for a in machine["status"]["addresses"] if a["type"] == "InternalIP"]
        assert f"ip_net0_{address}" in vm.config["tags"]
    addresses = [a["spec"]["address"] for a in await w.objects(ADDRESSES)]
    assert len(addresses) == len(set(addresses)) == len(NAMES)


async def _removed(w: World) -> None:
    for name in NAMES:
        await w.until_gone(PROXMOX_MACHINES, name)
        await w.until_gone(CLAIMS, f"{name}-net0-00-inet")
    assert w.vms() == []
    assert w.files() == []
    assert [v for s in w.pve.storages.all() for v in s.volumes.values() if v.vmid != 9000] == []


async def _delete(w: World) -> None:
    for name in NAMES:
        await w.client.delete(PROXMOX_MACHINES, "default", name)


async def _killed_after(number: int) -> World:
    """A world whose process died after so many writes, and is down."""
    w = await world(delays=SLOW)
    w.stop_after = number
    await w.start()
    for name in NAMES:
        await w.machine(name)
    await w.stopped.wait()
    await w.kill()
    return w


async def _deleted_by_the_next(w: World) -> None:
    """Everything is deleted while the process is down; the next one does it."""
    await _delete(w)
    w.stop_after = 0
    await w.start()
    await _removed(w)
    await w.kill()
    await w.server.stop()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, PROVISIONING + 1))
def test_a_crash_while_provisioning_makes_no_second_vm(number: int, after: bool) -> None:
    async def story() -> None:
        w = await world(delays=SLOW)
        w.stop_after, w.stop_before = (number, 0) if after else (0, number)
        await w.start()
        for name in NAMES:
            await w.machine(name)
        await w.crash_and_restart()
        assert w.stopped.is_set(), "the crash did not happen: there are fewer writes than the test believes"
        await _provisioned(w)
        await _delete(w)
        await _removed(w)
        await w.kill()
        await w.server.stop()

    loop.run(story())


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, REMOVAL + 1))
def test_a_crash_while_removing_leaves_nothing_behind(number: int, after: bool) -> None:
    async def story() -> None:
        w = await world(delays=SLOW)
        await w.start()
        for name in NAMES:
            await w.machine(name)
        await _provisioned(w)
        w.writes = 0
        w.stop_after, w.stop_before = (number, 0) if after else (0, number)
        await _delete(w)
        await w.crash_and_restart()
        assert w.stopped.is_set(), "the crash did not happen: there are fewer writes than the test believes"
        await _removed(w)
        await w.kill()
        await w.server.stop()

    loop.run(story())


@pytest.mark.parametrize("number", range(1, PROVISIONING + 1, 2))
def test_deleted_while_the_process_was_down(number: int) -> None:
    """Whatever was under way when the process died is removed by the next one, without being finished first."""

    async def story() -> None:
        w = await _killed_after(number)
        await _deleted_by_the_next(w)

    loop.run(story())


@pytest.mark.parametrize("number", range(1, PROVISIONING + 1))
def test_vms_removed_by_hand_while_the_process_was_down_leave_no_data(number: int) -> None:
    """What holds the machine's data and its secrets goes, whether or not anybody saw that it was given."""

    async def story() -> None:
        w = await _killed_after(number)
        await asyncio.sleep(60)
        for vmid in w.vms():
            vm = w.pve.vms[vmid]
            if vm.running:
                w.pve.power_off(vm)
            w.pve.destroy(vm, unreferenced=True)
        await _deleted_by_the_next(w)

    loop.run(story())


@pytest.mark.parametrize("number", range(1, PROVISIONING + REMOVAL + 1))
def test_a_lost_answer_is_looked_after(number: int) -> None:
    """The effect took place, and nobody was told: nothing is done twice, and nothing is forgotten."""

    async def story() -> None:
        w = await world(delays=SLOW)
        w.lose_after = number
        await w.start()
        for name in NAMES:
            await w.machine(name)
        await _provisioned(w)
        await _delete(w)
        await _removed(w)
        assert sum(op.endswith("/clone") for op, _ in w.api.calls) == len(NAMES)
        await w.close()

    loop.run(story())
