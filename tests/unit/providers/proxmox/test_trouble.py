"""What goes wrong shows in a condition and an Event that say what to do, and ends when its cause is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from capstan.providers.proxmox.resources import POOLS, PROXMOX_CLUSTERS, PROXMOX_MACHINES, SECRETS
from capstan.sim import loop
from capstan.sim.hypervisor import DiskImage
from capstan.sim.proxmox.access import ADMINISTRATOR
from capstan.sim.proxmox.cluster import Host
from capstan.sim.proxmox.vm import Vm
from tests.unit.providers.proxmox.world import CLUSTERS, EVENTS, SLOW, World, is_provisioned, world

TALOS = DiskImage(os="talos", version="v1.11.6")
Story = Callable[[World], Coroutine[Any, Any, None]]


def run(story: Story, **options: Any) -> None:
    async def whole() -> None:
        w = await world(**options)
        try:
            await story(w)
        finally:
            await w.close()

    loop.run(whole())


async def _recovers(w: World, name: str = "m") -> None:
    await w.until(PROXMOX_MACHINES, name, is_provisioned)
    assert len(w.vms()) == 1


async def _writes_while(w: World, seconds: float) -> int:
    before = int((await w.client.list(PROXMOX_MACHINES)).resource_version)
    await asyncio.sleep(seconds)
    return int((await w.client.list(PROXMOX_MACHINES)).resource_version) - before


def test_a_missing_template() -> None:
    async def story(w: World) -> None:
        template = w.pve.vms.pop(9000)
        await w.start()
        await w.machine("m")
        message = await w.settle("m", "TemplateNotFound")
        assert "template 9000 does not exist on node pve1" in message
        assert "capstan image ensure" in message
        assert await w.events("TemplateNotFound") == [message]
        calls = len(w.api.calls)
        assert await _writes_while(w, 120) <= 2
        assert len(w.api.calls) - calls < 80
        w.pve.vms[9000] = template
        await _recovers(w)

    run(story)


def test_no_credentials() -> None:
    async def story(w: World) -> None:
        secret = await w.get(SECRETS, "credentials")
        await w.client.delete(SECRETS, "default", "credentials")
        await w.start()
        await w.machine("m")
        message = await w.settle("m", "CredentialsNotFound")
        assert "default/credentials" in message
        assert "default/credentials" in await w.settle("homelab", "CredentialsNotFound", kind=PROXMOX_CLUSTERS)
        assert await w.events("CredentialsNotFound")
        metadata = {"name": "credentials", "namespace": "default"}
        await w.client.create(SECRETS, {**secret, "metadata": metadata})
        await _recovers(w)

    run(story)


def test_a_token_that_is_not_accepted() -> None:
    async def story(w: World) -> None:
        token = w.pve.tokens.get("capi@pve!capi")
        right, token.secret = token.secret, "another"
        await w.start()
        await w.machine("m")
        message = await w.settle("m", "Unauthorized")
        assert right not in message
        assert "user@realm!name" in message
        assert await w.events("Unauthorized")
        await w.settle("homelab", "Unauthorized", kind=PROXMOX_CLUSTERS)
        token.secret = right
        await _recovers(w)
        await w.until(PROXMOX_CLUSTERS, "homelab", is_provisioned)

    run(story)


@pytest.mark.parametrize(
    ("privilege", "where"),
    [
        ("VM.Clone", "/vms/9000"),
        ("Datastore.AllocateSpace", "/storage/shared"),
        ("Datastore.AllocateTemplate", "/storage/local"),
        ("VM.PowerMgmt", "/vms/100"),
        ("VM.Config.Memory", "/vms/100"),
    ],
)
def test_a_missing_privilege(privilege: str, where: str) -> None:
    async def story(w: World) -> None:
        token = w.pve.tokens.get("capi@pve!capi")
        token.grants = {"/": ADMINISTRATOR - {privilege}}
        await w.start()
        await w.machine("m")

        def named(obj: dict[str, Any]) -> bool:
            conditions = obj.get("status", {}).get("conditions", ())
            return any(f"{privilege} on {where}" in c["message"] for c in conditions)

        await w.until(PROXMOX_MACHINES, "m", named)
        await asyncio.sleep(60)
        found = [e["message"] for e in await w.objects(EVENTS) if privilege in e["message"]]
        assert found
        token.grants = {"/": ADMINISTRATOR}
        await _recovers(w)

    run(story)


def test_a_full_storage() -> None:
    async def story(w: World) -> None:
        storage = w.pve.storages.get("shared", "pve1")
        size, storage.total_bytes = storage.total_bytes, 11 * 2**30
        await w.start()
        await w.machine("m")
        message = await w.settle("m", "CloningFailed")
        assert "space" in message
        assert await _writes_while(w, 120) < 30
        assert any("space" in text for text in await w.events("CloningFailed"))
        storage.total_bytes = size
        await _recovers(w)

    run(story)


def test_no_room_on_any_node_is_explained_for_each() -> None:
    async def story(w: World) -> None:
        w.pve.fail_host("pve3")
        await w.start()
        await w.machine("m", allowedNodes=["pve1", "pve2", "pve3", "pve4"])
        message = await w.settle("m", "NoRoomOnAnyNode")
        assert "pve1: 1024 MiB of memory left, the VM wants 4096 MiB" in message
        assert "pve2: has 1 cores, the VM wants 2" in message
        assert "pve3: offline" in message
        assert "pve4: there is no such node" in message
        assert await w.events("NoRoomOnAnyNode") == [message]
        w.pve.hosts["pve1"].memory_bytes = 8 * 2**30
        await _recovers(w)

    small = (Host("pve1", memory_bytes=2**30), Host("pve2", cpus=1), Host("pve3"))
    run(story, hosts=small)


def test_machines_spread_and_count_what_is_in_flight() -> None:
    async def story(w: World) -> None:
        await w.start()
        for name in "abcd":
            await w.machine(name, allowedNodes=["pve1", "pve2"])
        for name in "abcd":
            await w.until(PROXMOX_MACHINES, name, is_provisioned)
        nodes = sorted(w.pve.vms[vmid].node for vmid in w.vms())
        assert nodes == ["pve1", "pve1", "pve2", "pve2"]
        await w.machine("e", allowedNodes=["pve1", "pve2"])
        assert "0 MiB of memory left" in await w.settle("e", "NoRoomOnAnyNode")

    run(story, hosts=(Host("pve1", memory_bytes=2**33), Host("pve2", memory_bytes=2**33)), delays=SLOW)


def test_an_exhausted_pool() -> None:
    async def story(w: World) -> None:
        await w.start()
        await w.machine("m")
        await w.until(PROXMOX_MACHINES, "m", is_provisioned)
        await w.machine("late")
        message = await w.settle("late", "WaitingForStaticIPAllocation")
        assert "homelab-v4-icip" in message
        pool = {"spec": {"ipv4Config": {"addresses": ["192.168.0.20-192.168.0.30"]}}}
        await w.client.patch(PROXMOX_CLUSTERS, "default", "homelab", pool)
        await w.until(PROXMOX_MACHINES, "late", is_provisioned)

    run(story, addresses="192.168.0.20")


def test_a_dead_node() -> None:
    async def story(w: World) -> None:
        w.pve.fail_host("pve1")
        await w.start()
        await w.machine("m")
        message = await w.settle("m", "NodeOffline")
        assert "pve1" in message
        assert await w.events("NodeOffline")
        w.pve.recover_host("pve1")
        await _recovers(w)

    run(story, hosts=(Host("pve1"), Host("pve2")))


def test_a_node_that_dies_while_it_clones() -> None:
    async def story(w: World) -> None:
        await w.start()
        await w.machine("m")
        await w.until(PROXMOX_MACHINES, "m", lambda obj: bool(obj.get("status", {}).get("taskRef")))
        w.pve.fail_host("pve1")
        await asyncio.sleep(30)
        w.pve.recover_host("pve1")
        await _recovers(w)

    run(story, delays=SLOW)


def test_a_vm_deleted_by_hand_is_told_and_not_made_again() -> None:
    async def story(w: World) -> None:
        await w.start()
        await w.machine("m")
        await w.until(PROXMOX_MACHINES, "m", is_provisioned)
        vm = w.pve.vms[100]
        w.pve.power_off(vm)
        w.pve.destroy(vm, unreferenced=True)
        message = await w.settle("m", "VirtualMachineNotFound")
        assert "delete Machine m" in message
        assert await w.events("VirtualMachineNotFound") == [message]
        await asyncio.sleep(600)
        assert w.vms() == []
        await w.client.delete(PROXMOX_MACHINES, "default", "m")
        await w.until_gone(PROXMOX_MACHINES, "m")
        assert w.files() == []

    run(story)


def test_a_vmid_that_belongs_to_somebody_else_is_left_alone() -> None:
    async def story(w: World) -> None:
        await w.start()
        await w.machine("m")
        await w.until(PROXMOX_MACHINES, "m", is_provisioned)
        ours = w.pve.vms[100]
        w.pve.power_off(ours)
        w.pve.destroy(ours, unreferenced=True)
        stranger = Vm(100, "pve1", {"name": "m", "smbios1": "uuid=11111111-2222-3333-4444-555555555555"})
        stranger.running = True
        w.pve.vms[100] = stranger
        await w.client.delete(PROXMOX_MACHINES, "default", "m")
        await w.until_gone(PROXMOX_MACHINES, "m")
        assert w.pve.vms[100] is stranger
        assert stranger.running
        assert await w.events("VMIDReused")

    run(story)


def test_a_vmid_that_is_taken_just_before_the_clone() -> None:
    async def story(w: World) -> None:
        w.stop_before = 1  # Just before the clone is asked for.
        await w.start()
        await w.machine("m")
        await w.stopped.wait()
        await w.kill()
        w.pve.vms[100] = Vm(100, "pve1", {"name": "stranger"})
        w.stop_before = 0
        await w.start()
        machine = await w.until(PROXMOX_MACHINES, "m", is_provisioned)
        assert machine["spec"]["virtualMachineID"] == 101
        assert w.vms() == [100, 101]

    run(story)


def test_a_machine_that_never_joins() -> None:
    async def story(w: World) -> None:
        await w.start()
        await w.machine("m")
        await w.settle("m", "WaitingForNode")
        message = await w.settle("m", "NodeNotJoined", seconds=900)
        assert "since 2026-01-01T00:0" in message
        assert "console" in message
        assert await w.events("NodeNotJoined") == [message]

    run(story)


def test_a_guest_agent_that_does_not_answer() -> None:
    async def story(w: World) -> None:
        await w.start()
        await w.machine("m", checks={"skipCloudInitStatus": True})
        message = await w.settle("m", "WaitingForCloudInit")
        assert "skipQemuGuestAgent" in message

    run(story)


def test_tags_choose_the_template_of_the_target_node() -> None:
    async def story(w: World) -> None:
        w.pve.vms.pop(9000)
        for vmid, node in ((9001, "pve1"), (9002, "pve2")):
            w.pve.add_template(vmid, node, "shared", TALOS, tags="talos;v1.11.6")
        await w.start()
        selector = {"matchTags": ["talos", "v1.11.6"]}
        await w.machine("m", sourceNode=None, templateID=None, templateSelector=selector, allowedNodes=["pve2"])
        await w.until(PROXMOX_MACHINES, "m", is_provisioned)
        assert w.pve.vms[100].node == "pve2"
        assert next(("clone", params["vmid"]) for op, params in w.api.calls if op.endswith("/clone")) == (
            "clone",
            "9002",
        )

    run(story, hosts=(Host("pve1"), Host("pve2")))


ORDERS = [
    ["secret", "cluster", "machine"],
    ["cluster", "secret", "machine"],
    ["machine", "cluster", "secret"],
    ["secret", "machine", "cluster"],
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_everything_is_deleted_at_once_in_any_order(order: list[str]) -> None:
    async def story(w: World) -> None:
        await w.start()
        await w.until(PROXMOX_CLUSTERS, "homelab", is_provisioned)
        await w.machine("m")
        await w.until(PROXMOX_MACHINES, "m", is_provisioned)
        deletions: dict[str, Callable[[], Awaitable[None]]] = {
            "secret": lambda: w.client.delete(SECRETS, "default", "credentials"),
            "cluster": lambda: w.client.delete(PROXMOX_CLUSTERS, "default", "homelab"),
            "machine": lambda: w.client.delete(PROXMOX_MACHINES, "default", "m"),
        }
        for what in order:
            await deletions[what]()
        await w.until_gone(PROXMOX_MACHINES, "m")
        assert (w.vms(), w.files()) == ([], [])
        await w.until_gone(PROXMOX_CLUSTERS, "homelab")
        await w.until_gone(SECRETS, "credentials")
        await w.until_gone(POOLS, "homelab-v4-icip")

    run(story, delays=SLOW)


def test_a_paused_machine_is_left_alone() -> None:
    async def story(w: World) -> None:
        await w.client.patch(CLUSTERS, "default", "homelab", {"spec": {"paused": True}})
        await w.start()
        await w.machine("m")
        await w.settle("m", "Paused")
        assert w.vms() == []
        await w.client.patch(CLUSTERS, "default", "homelab", {"spec": {"paused": False}})
        await _recovers(w)

    run(story)
