"""Simulated machines: how they boot, what they wait for, what survives, and what they say to the hypervisor."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import Key
from capstan.providers.talos.channel import RpcError
from capstan.providers.talos.client import TalosClient
from capstan.providers.talos.config.contract import Contract
from capstan.providers.talos.rpc import message
from capstan.sim import loop
from capstan.sim.faults import Fault
from capstan.sim.hypervisor import DiskImage
from capstan.sim.rack import TALOS_IMAGE, Declared, Rack
from capstan.sim.talos.delays import MachineDelays
from capstan.sim.workload.kubelet import NODES

CLUSTER = Key("default", "lab")


def run(scenario: Coroutine[Any, Any, None]) -> None:
    loop.run(scenario)


async def client_of(rack: Rack, declared: Declared, address: str) -> TalosClient:
    return TalosClient(await rack.channels.connect(address, declared.credentials()))


async def three_control_planes(rack: Rack, declared: Declared) -> None:
    for number in range(3):
        rack.add(f"cp-{number}", f"192.168.0.2{number}", declared.user_data("controlplane"))
    await asyncio.sleep(30)
    await (await client_of(rack, declared, "192.168.0.20")).bootstrap_etcd()
    await asyncio.sleep(300)


def test_boots_from_user_data_without_maintenance_or_install() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        machine = rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
        await asyncio.sleep(60)
        assert machine.stage == "booting", "an un-bootstrapped control plane is not in maintenance, and not running"
        assert (machine.hostname, machine.addresses) == ("cp-0", ("192.168.0.20",))
        services = {s.id: s for s in await (await client_of(rack, declared, "192.168.0.20")).services()}
        assert services["etcd"].state == "Preparing"
        assert services["kubelet"].healthy is True

    run(main())


def test_workers_are_deaf_until_trustd_signs() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        worker = rack.add("w-0", "192.168.0.25", declared.user_data("worker"))
        await asyncio.sleep(600)
        assert rack.network.service("192.168.0.25", 50000) is None
        rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
        await asyncio.sleep(60)
        assert worker.apid == "secure"

    run(main())


def test_a_bad_configuration_leaves_the_machine_unreachable() -> None:
    async def main() -> None:
        rack = Rack()
        machine = rack.add("bad", "192.168.0.20", b"machine: {typo: 1}")
        await asyncio.sleep(600)
        assert (machine.stage, machine.apid) == ("booting", "")
        assert "machine.typo" in machine.config_error
        assert [event.kind for event in machine.events.events][-1] == "ConfigLoadErrorEvent"

    run(main())


@pytest.mark.parametrize("user_data", [None, b"#cloud-config\nhostname: x\n"])
def test_maintenance_until_a_configuration_is_applied(user_data: bytes | None) -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        machine = rack.add("cp-0", "192.168.0.20", user_data)
        await asyncio.sleep(60)
        assert machine.stage == "maintenance"
        await TalosClient(await rack.channels.connect("192.168.0.20", None)).apply_configuration(
            declared.user_data("controlplane")
        )
        await asyncio.sleep(60)
        assert await (await client_of(rack, declared, "192.168.0.20")).version() == "v1.11.6"
        with pytest.raises(RpcError, match="certificate required"):
            await TalosClient(await rack.channels.connect("192.168.0.20", None)).version()

    run(main())


def test_an_iso_installs_and_reboots_from_the_disk() -> None:
    async def main() -> None:
        rack = Rack(image=replace(TALOS_IMAGE, medium="iso"))
        declared = await Declared.generate(rack)
        patch = "machine: {install: {disk: /dev/sda}}"
        machine = rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane", [patch]))
        await asyncio.sleep(120)
        stages = [line.split()[-1] for line in rack.trace.lines if " talos " in line]
        assert stages == ["booting", "installing", "rebooting", "booting"]
        assert machine.disk.image.medium == "disk"
        assert machine.apid == "secure"

    run(main())


def test_an_empty_disk_boots_nothing() -> None:
    async def main() -> None:
        rack = Rack()
        machine = rack.add("empty", image=DiskImage())
        await asyncio.sleep(600)
        assert machine.stage == "unknown"
        rack.fleet.request_shutdown(machine.vm.key)
        await asyncio.sleep(600)
        assert rack.power[machine.vm.key] == "running", "nobody listens to the power button"

    run(main())


def test_the_configuration_survives_without_its_drive() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        machine = rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
        await asyncio.sleep(60)
        rack.eject(machine)
        rack.fleet.power_off(machine.vm.key)
        assert rack.network.addresses() == []
        rack.fleet.power_on(machine.vm, rack)
        await asyncio.sleep(60)
        assert (machine.apid, machine.addresses, machine.hostname) == ("secure", ("192.168.0.20",), "cp-0")

    run(main())


def test_a_cluster_of_three_outlives_one_and_not_two() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        await three_control_planes(rack, declared)
        api = await rack.clients.client(CLUSTER, declared.kubeconfig())
        assert len((await api.list(NODES)).items) == 3
        holder = rack.network.station("192.168.0.30")
        assert holder is rack.fleet.named("cp-0")
        rack.fleet.power_off(rack.fleet.named("cp-0").vm.key)
        with pytest.raises(TransientError):
            await api.list(NODES)
        await asyncio.sleep(120)
        assert rack.network.station("192.168.0.30") is rack.fleet.named("cp-1")
        ready = {n["metadata"]["name"]: n["status"]["conditions"][-1]["status"] for n in (await api.list(NODES)).items}
        assert ready == {"cp-0": "Unknown", "cp-1": "True", "cp-2": "True"}
        rack.fleet.power_off(rack.fleet.named("cp-1").vm.key)
        await asyncio.sleep(60)
        with pytest.raises(TransientError):
            await api.list(NODES)
        assert rack.network.station("192.168.0.30") is None
        for name in ("cp-0", "cp-1"):
            rack.fleet.power_on(rack.fleet.named(name).vm, rack)
        await asyncio.sleep(120)
        ready = {n["metadata"]["name"]: n["status"]["conditions"][-1]["status"] for n in (await api.list(NODES)).items}
        assert ready == {"cp-0": "True", "cp-1": "True", "cp-2": "True"}

    run(main())


def test_leave_then_rejoin_as_a_new_member() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        await three_control_planes(rack, declared)
        third = await client_of(rack, declared, "192.168.0.22")
        before = {member.hostname: member.id for member in await third.etcd_members()}
        await third.leave_etcd()
        assert not await third.has_etcd_data()
        assert {s.id: s.state for s in await third.services()}["etcd"] == "Finished"
        await third.reboot()
        await asyncio.sleep(300)
        after = {member.hostname: member.id for member in await third.etcd_members()}
        assert after.keys() == before.keys()
        assert after["cp-2"] != before["cp-2"]

    run(main())


def test_a_removed_member_fails_until_it_is_reset() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        await three_control_planes(rack, declared)
        first, third = [await client_of(rack, declared, f"192.168.0.2{n}") for n in (0, 2)]
        await first.remove_etcd_member(next(m.id for m in await first.etcd_members() if m.hostname == "cp-2"))
        assert {s.id: s.state for s in await third.services()}["etcd"] == "Failed"
        await third.reboot()
        await asyncio.sleep(120)
        assert {s.id: s.state for s in await third.services()}["etcd"] == "Failed"

    run(main())


def test_bootstrapping_twice_makes_two_clusters() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        for number in range(2):
            rack.add(f"cp-{number}", f"192.168.0.2{number}", declared.user_data("controlplane"))
        await asyncio.sleep(30)
        for number in range(2):
            await (await client_of(rack, declared, f"192.168.0.2{number}")).bootstrap_etcd()
        await asyncio.sleep(120)
        clusters = {rack.fleet.named(f"cp-{number}").etcd_cluster for number in range(2)}
        assert len(clusters) == 2
        assert all(cluster is not None and cluster.has_quorum for cluster in clusters)

    run(main())


def test_shutdown_tells_the_hypervisor_and_reset_wipes() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        machine = rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
        await asyncio.sleep(60)
        rack.fleet.request_shutdown(machine.vm.key)
        await asyncio.sleep(30)
        assert (rack.power[machine.vm.key], machine.stage) == ("stopped", "off")
        rack.fleet.power_on(machine.vm, rack)
        await asyncio.sleep(60)
        talos = await client_of(rack, declared, "192.168.0.20")
        await talos.reset(graceful=False, reboot=True)
        await asyncio.sleep(60)
        assert machine.stage == "unknown", "the whole disk was wiped: nothing is left to boot"

    run(main())


def test_the_guest_agent_tells_addresses_once_it_runs() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        machine = rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
        plain = rack.add("w-0", "192.168.0.25", declared.user_data("worker"), image=replace(TALOS_IMAGE, extensions=()))
        assert rack.fleet.guest_interfaces(machine.vm.key) is None
        await asyncio.sleep(60)
        found = rack.fleet.guest_interfaces(machine.vm.key)
        assert found is not None
        assert {(i.name, i.addresses) for i in found if i.name != "lo"} == {("eth0", ("192.168.0.20/24",))}
        assert rack.fleet.guest_interfaces(plain.vm.key) is None

    run(main())


@pytest.mark.parametrize(("minor", "version"), [(9, "v1.9.6"), (12, "v1.12.2"), (14, "v1.14.0")])
def test_every_contract_boots_to_a_ready_node(minor: int, version: str) -> None:
    async def main() -> None:
        rack = Rack(image=replace(TALOS_IMAGE, version=version), delays=MachineDelays.zero())
        declared = await Declared.generate(rack, contract=Contract(1, minor))
        rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
        rack.add("w-0", "192.168.0.25", declared.user_data("worker"))
        await asyncio.sleep(1)
        await (await client_of(rack, declared, "192.168.0.20")).bootstrap_etcd()
        await asyncio.sleep(1)
        nodes = (await (await rack.clients.client(CLUSTER, declared.kubeconfig())).list(NODES)).items
        assert [n["metadata"]["name"] for n in nodes] == ["cp-0", "w-0"]
        control_plane, worker = nodes
        assert "node-role.kubernetes.io/control-plane" in control_plane["metadata"]["labels"]
        assert control_plane["spec"]["taints"][0]["effect"] == "NoSchedule"
        assert "providerID" not in worker["spec"]
        assert worker["status"]["nodeInfo"]["systemUUID"] == rack.fleet.named("w-0").vm.uuid
        assert worker["status"]["nodeInfo"]["kubeletVersion"] == "v1.33.4"
        assert worker["status"]["conditions"][-1]["status"] == "True"

    run(main())


def test_kubelet_settings_reach_the_node() -> None:
    async def main() -> None:
        rack = Rack(delays=MachineDelays.zero())
        declared = await Declared.generate(rack)
        patches = [
            "machine: {kubelet: {extraArgs: {provider-id: 'proxmox://x', cloud-provider: external}}}",
            "cluster: {network: {cni: {name: none}}}",
        ]
        rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane", patches))
        await asyncio.sleep(1)
        await (await client_of(rack, declared, "192.168.0.20")).bootstrap_etcd()
        await asyncio.sleep(1)
        (node,) = (await (await rack.clients.client(CLUSTER, declared.kubeconfig())).list(NODES)).items
        assert node["spec"]["providerID"] == "proxmox://x"
        assert "node.cloudprovider.kubernetes.io/uninitialized" in {t["key"] for t in node["spec"]["taints"]}
        assert node["status"]["conditions"][-1]["reason"] == "KubeletNotReady"

    run(main())


def test_kubeconfigs_are_checked_at_the_door() -> None:
    async def main() -> None:
        rack = Rack(delays=MachineDelays.zero())
        declared = await Declared.generate(rack)
        other = await Declared.generate(rack, name="other")
        rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
        await asyncio.sleep(1)
        talos = await client_of(rack, declared, "192.168.0.20")
        await talos.bootstrap_etcd()
        await asyncio.sleep(1)
        with pytest.raises(TransientError, match="unknown authority"):
            await (await rack.clients.client(CLUSTER, other.kubeconfig())).list(NODES)
        with pytest.raises(ApiError) as refused:
            await (await rack.clients.client(CLUSTER, declared.kubeconfig(group="nobodies"))).list(NODES)
        assert refused.value.code == 403
        own = await talos.kubeconfig()
        assert len((await (await rack.clients.client(CLUSTER, own)).list(NODES)).items) == 1

    run(main())


def test_a_machine_that_never_boots_and_calls_that_fail() -> None:
    async def main() -> None:
        rack = Rack()
        declared = await Declared.generate(rack)
        rack.faults.add(Fault("boot", "cp-0"))
        rack.faults.add(Fault("talos", "cp-0 Bootstrap", kind="lose_reply"))
        machine = rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
        await asyncio.sleep(3600)
        assert (machine.stage, machine.addresses) == ("unknown", ())
        rack.fleet.reset(machine.vm.key)
        await asyncio.sleep(60)
        talos = await client_of(rack, declared, "192.168.0.20")
        with pytest.raises(RpcError, match="connection was lost"):
            await talos.bootstrap_etcd()
        assert await talos.has_etcd_data(), "the effect happened, only its answer was lost"
        assert any(" fault " in line for line in rack.trace.lines)

    run(main())


def test_upgrades_keep_the_machine_and_may_lose_its_extensions() -> None:
    async def main() -> None:
        rack = Rack(delays=MachineDelays.zero())
        declared = await Declared.generate(rack)
        machine = rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
        await asyncio.sleep(1)
        channel = await rack.channels.connect("192.168.0.20", declared.credentials())
        for image, extensions in (
            ("ghcr.io/siderolabs/installer:v1.11.7", machine.image.extensions),
            (f"factory.talos.dev/installer/{'0' * 64}:v1.11.8", ()),
        ):
            request = message("machine.UpgradeRequest")(image=image).SerializeToString()
            await channel.unary("/machine.MachineService/Upgrade", request)
            await asyncio.sleep(1)
            assert machine.image.version == image.rpartition(":")[2]
            assert machine.image.extensions == extensions
            assert machine.apid == "secure"

    run(main())


def test_cards_without_any_settings_use_dhcp() -> None:
    async def main() -> None:
        rack = Rack()
        machine = rack.add("blank")
        await asyncio.sleep(60)
        assert (machine.stage, machine.addresses) == ("maintenance", ("10.99.0.2",))
        assert machine.hostname.startswith("talos-")

    run(main())
