"""Two management planes over three etcd members, with members and planes killed, as they run for users."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import Resource
from capstan.runtime.client.http import HttpClient
from capstan.runtime.client.kubeconfig import parse_kubeconfig
from capstan.runtime.election import LEASES
from tests.conformance.etcd import Cluster, needs_etcd
from tests.e2e.programs import CAPSTAN, Program

pytestmark = needs_etcd

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
CLUSTERS = Resource("cluster.x-k8s.io", "v1beta2", "clusters", "Cluster")


class Replica:
    """One `capstan up` with a data directory of its own and keys that all have."""

    def __init__(self, directory: Path, number: int, url: str) -> None:
        self.place = directory / f"replica-{number}"
        command = [CAPSTAN, "up", "--data-dir", str(self.place), "--pki-dir", str(directory / "pki"), "--port", "0"]
        self.program = Program(*command, "--store", url, "--leader-elect-lease-duration", "3")
        self.url = self.program.wait_for(r"Capstan is ready at (\S+)").group(1)
        self.program.wait_for("export KUBECONFIG")

    def client(self) -> HttpClient:
        return HttpClient(parse_kubeconfig((self.place / "kubeconfig").read_bytes()))


def config_map(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": name}}


async def until(what: Callable[[], Awaitable[Any]], seconds: float = 40) -> Any:
    """The first answer that is not empty; refusals and failures are asked again."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                if answer := await what():
                    return answer
            except (ApiError, TransientError, aiohttp.ClientError):
                pass
            await asyncio.sleep(0.1)


async def readiness(url: str) -> tuple[int, str]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz", ssl=context) as answer:
        return answer.status, await answer.text()


async def leader(client: HttpClient) -> int:
    """The process that leads, 0 when none does."""
    lease = await client.get(LEASES, "kube-system", "capstan-controllers")
    identity = str(lease["spec"]["holderIdentity"])
    return int(identity.split("_")[-2]) if identity else 0


async def leader_is_killed(replicas: list[Replica]) -> None:
    """The other one takes over and does the work."""
    clients = [replica.client() for replica in replicas]
    pids = [replica.program.process.pid for replica in replicas]
    try:
        first = pids.index(await until(lambda: leader(clients[0])))
        other = clients[1 - first]
        replicas[first].program.end(signal.SIGKILL)

        async def taken_over() -> bool:
            return await leader(other) == pids[1 - first]

        await until(taken_over)
        await other.create(CLUSTERS, cluster_object())

        async def reconciled() -> bool:
            return bool((await other.get(CLUSTERS, "default", "c"))["metadata"].get("finalizers"))

        await until(reconciled)
    finally:
        for client in clients:
            await client.aclose()


async def members_are_lost(cluster: Cluster, one: HttpClient, other: HttpClient, url: str) -> None:
    """One member may go; without two of three nothing is written, and everybody is told."""
    loop = asyncio.get_running_loop()
    cluster.kill(0)
    await until(lambda: one.create(CONFIG_MAPS, config_map("one-is-gone")))
    assert (await until(lambda: other.get(CONFIG_MAPS, "default", "one-is-gone")))["data"] == {"k": "one-is-gone"}
    cluster.kill(1)
    # The client says so of 503: the server is there, and what it stands on is not.
    with pytest.raises(TransientError, match="etcd member"):
        await one.create(CONFIG_MAPS, config_map("two-are-gone"))

    async def unready() -> bool:
        status, text = await readiness(url)
        return status == 500 and "store" in text

    await until(unready)
    await loop.run_in_executor(None, lambda: cluster.start(0, wait=False))
    await loop.run_in_executor(None, cluster.start, 1)
    await until(lambda: one.create(CONFIG_MAPS, config_map("all-are-back")))

    async def ready() -> bool:
        return (await readiness(url))[0] == 200

    await until(ready)


async def story(cluster: Cluster, replicas: list[Replica]) -> None:
    one, other = replicas[0].client(), replicas[1].client()
    try:
        listed = await other.list(CONFIG_MAPS, "default")
        events = other.watch(CONFIG_MAPS, "default", resource_version=listed.resource_version)
        created = await one.create(CONFIG_MAPS, config_map("through-one"))
        async with asyncio.timeout(10):
            event = await anext(events)
        assert event.object["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]
        assert (await other.get(CONFIG_MAPS, "default", "through-one"))["data"] == {"k": "through-one"}
        await events.aclose()  # type: ignore[attr-defined]
        await members_are_lost(cluster, one, other, replicas[0].url)
        await leader_is_killed(replicas)
    finally:
        await one.aclose()
        await other.aclose()


def cluster_object() -> dict[str, Any]:
    infrastructure = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "ProxmoxCluster", "name": "c"}
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Cluster",
        "metadata": {"name": "c", "namespace": "default"},
        "spec": {"infrastructureRef": infrastructure},
    }


def test_two_planes_over_three_members(tmp_path: Path) -> None:
    with Cluster(tmp_path, 3) as cluster:
        replicas = [Replica(tmp_path, number, cluster.url()) for number in range(2)]
        try:
            asyncio.run(story(cluster, replicas))
        finally:
            for replica in replicas:
                replica.program.end()
