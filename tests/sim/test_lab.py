"""The lab on real sockets: the real kubectl reaches simulated machines through the proxy, and nothing beyond them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import pytest

from capstan.api.errors import TransientError
from capstan.api.objects import Key
from capstan.providers.talos.channels import GrpcChannels
from capstan.providers.talos.client import TalosClient
from capstan.runtime.clock import SystemClock
from capstan.runtime.dialer import Dialer
from capstan.runtime.workload import HttpWorkloadClients
from capstan.sim.lab.endpoints import Endpoints
from capstan.sim.lab.lab import Lab
from capstan.sim.lab.proxy import ConnectProxy
from capstan.sim.rack import Declared, Rack
from capstan.sim.talos.delays import MachineDelays
from capstan.sim.workload.kubelet import NODES

KUBECTL = Path(sys.executable).parent / "kubectl"


async def kubectl(kubeconfig: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(KUBECTL),
        "--kubeconfig",
        str(kubeconfig),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def bootstrapped(rack: Rack, declared: Declared, url: str) -> None:
    """One control plane and one worker, both Ready."""
    first = rack.add("cp-0", "192.168.0.20", declared.user_data("controlplane"))
    worker = rack.add("w-0", "192.168.0.25", declared.user_data("worker"))
    await worker.events.appended.until(lambda: worker.stage == "running")
    talos = TalosClient(await GrpcChannels(Dialer(url).connect).connect("192.168.0.20", declared.credentials()))
    await talos.bootstrap_etcd()
    await talos.aclose()
    assert first.site is not None
    await first.site.changed.until(lambda: first.door is not None)
    door = first.door
    assert door is not None
    client = await rack.clients.client(Key("", "inside"), declared.kubeconfig())
    async for event in client.watch(NODES):
        ready = event.object["status"].get("conditions", [{}])[-1]
        if event.object["metadata"].get("name") == "w-0" and ready.get("status") == "True":
            return


def test_kubectl_sees_the_nodes_until_the_machine_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        rack = Rack(delays=MachineDelays.zero(), clock=SystemClock())
        endpoints = Endpoints(rack.network, rack.environment.issuer)
        proxy = ConnectProxy(endpoints.route)
        url = await proxy.start()
        clients = HttpWorkloadClients(Dialer(url))
        try:
            declared = await Declared.generate(rack)
            await bootstrapped(rack, declared, url)
            kubeconfig = tmp_path / "kubeconfig"
            kubeconfig.write_bytes(declared.kubeconfig(proxy_url=url))
            nodes = json.loads(await kubectl(kubeconfig, "get", "nodes", "-o", "json"))["items"]
            assert [n["metadata"]["name"] for n in nodes] == ["cp-0", "w-0"]
            assert "control-plane" in await kubectl(kubeconfig, "get", "nodes")
            client = await clients.client(Key("default", "lab"), declared.kubeconfig())
            assert len((await client.list(NODES)).items) == 2
            rack.fleet.power_off(rack.fleet.named("cp-0").vm.key)
            with pytest.raises(TransientError):
                await client.list(NODES)
        finally:
            await clients.aclose()
            for machine in rack.fleet.machines.values():
                machine.power_off()
            await proxy.stop()
            await endpoints.stop()

    asyncio.run(main())


def test_the_lab_serves_proxmox_by_port_and_by_name_and_nothing_else() -> None:
    async def main() -> None:
        lab = Lab()
        access = await lab.start()
        try:
            headers = {"Authorization": f"PVEAPIToken={access.token_id}={access.secret}"}
            fingerprint = aiohttp.Fingerprint(bytes.fromhex(access.fingerprint.replace(":", "")))
            async with aiohttp.ClientSession(headers=headers) as session:
                for url, proxy in ((access.pve_url, None), (access.pve_name_url, access.proxy_url)):
                    address = f"{url}/api2/json/nodes"
                    async with session.get(address, proxy=proxy, ssl=fingerprint) as answer:
                        assert answer.status == 200
                        assert len((await answer.json())["data"]) == 3
                for url in ("https://192.168.0.30:6443/", "https://127.0.0.1:22/", "https://example.com/"):
                    with pytest.raises(aiohttp.ClientHttpProxyError) as refused:
                        await session.get(url, proxy=access.proxy_url, ssl=False)
                    assert refused.value.status == 502
                async with session.get("http://example.com/", proxy=access.proxy_url) as answer:
                    assert answer.status == 405
        finally:
            await lab.stop()

    asyncio.run(main())
