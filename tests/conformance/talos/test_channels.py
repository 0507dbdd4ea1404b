"""The simulated Talos passes one suite in memory on the virtual loop, and over gRPC with mutual TLS and Ed25519."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from capstan.providers.talos.channel import ChannelFactory
from capstan.providers.talos.channels import GrpcChannels
from capstan.runtime.clock import SystemClock
from capstan.runtime.dialer import Dialer
from capstan.sim import loop
from capstan.sim.lab.endpoints import Endpoints
from capstan.sim.lab.proxy import ConnectProxy
from capstan.sim.rack import TALOS_IMAGE, Declared, Rack
from capstan.sim.talos.conformance import CHECKS, Subject, run_all
from capstan.sim.talos.delays import MachineDelays


async def make_subject(rack: Rack, channels: ChannelFactory) -> Subject:
    declared = await Declared.generate(rack)
    stranger = await Declared.generate(rack, name="other")
    rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
    rack.add("cp-1", "192.168.0.21", declared.user_data("controlplane"))
    rack.add("worker-0", "192.168.0.25", declared.user_data("worker"))
    rack.add("blank", "192.168.0.28")
    return Subject(
        channels=channels,
        first="192.168.0.20",
        second="192.168.0.21",
        worker="192.168.0.25",
        maintenance="192.168.0.28",
        nobody="192.168.0.99",
        admin=declared.credentials(),
        reader=declared.credentials("os:reader"),
        stranger=replace(stranger.credentials()),
        settle=lambda: _settle(rack),
    )


async def _settle(rack: Rack) -> None:
    """Until both control planes are members, however the clock runs."""
    first = rack.fleet.named("cp-0")
    assert first.site is not None
    await first.site.changed.until(
        lambda: (
            first.etcd_cluster is not None
            and [m.up and not m.is_learner for m in first.etcd_cluster.members.values()] == [True, True]
        )
    )


def test_in_memory() -> None:
    async def main() -> list[str]:
        rack = Rack()
        subject = await make_subject(rack, rack.channels)
        await asyncio.sleep(60)
        return await run_all(subject)

    assert len(loop.run(main())) == len(CHECKS)


def test_over_real_sockets() -> None:
    async def main() -> list[str]:
        rack = Rack(delays=MachineDelays.zero(), clock=SystemClock())
        endpoints = Endpoints(rack.network, rack.environment.issuer)
        proxy = ConnectProxy(endpoints.route)
        url = await proxy.start()
        try:
            subject = await make_subject(rack, GrpcChannels(Dialer(url).connect))
            worker = rack.fleet.named("worker-0")
            await worker.events.appended.until(lambda: worker.stage == "running")
            return await run_all(subject)
        finally:
            for machine in rack.fleet.machines.values():
                machine.power_off()
            await proxy.stop()
            await endpoints.stop()

    assert len(asyncio.run(main())) == len(CHECKS)


def test_old_and_new_talos_in_maintenance() -> None:
    async def main() -> None:
        for version, code in (("v1.11.6", 12), ("v1.13.2", 0)):
            rack = Rack(image=replace(TALOS_IMAGE, version=version))
            machine = rack.add("blank", "192.168.0.28")
            await asyncio.sleep(60)
            assert machine.stage == "maintenance"
            channel = await rack.channels.connect("192.168.0.28", None)
            try:
                await channel.unary("/machine.MachineService/Version", b"")
                assert code == 0
            except Exception as error:
                assert getattr(error, "code", None) == code

    loop.run(main())
