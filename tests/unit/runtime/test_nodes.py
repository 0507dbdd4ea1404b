"""The connections to workload clusters in virtual time: a short silence says nothing, a long one is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from capstan.api.core.node import Node
from capstan.api.errors import ApiError, TerminalError, TransientError
from capstan.api.objects import Key, Obj, Resource
from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.server import ApiServer
from capstan.runtime.client.local import LocalClient
from capstan.runtime.client.protocol import Client
from capstan.runtime.nodes import CONNECTING, NODES, UNREACHABLE, Graces, SilenceError, WorkloadNodes
from capstan.sim import loop
from capstan.sim.clock import VirtualClock
from capstan.sim.keys import SeededKeys
from capstan.store.memory import MemoryStore

HOMELAB = Key("default", "homelab")

Scene = Callable[["Road", WorkloadNodes], Awaitable[None]]


class Road(LocalClient):
    """The way to a workload cluster, and the only one that knows it. While it is blocked nothing is answered, and a
    watch breaks with the next event."""

    blocked = False
    refused = deaf = False
    broken = ""
    clients = forgotten = probes = 0

    async def client(self, cluster: Key, kubeconfig: bytes) -> Client:
        self.clients += 1
        if self.broken:
            raise TerminalError(self.broken)
        return self

    async def forget(self, cluster: Key) -> None:
        self.forgotten += 1

    async def probe(self) -> None:
        self.probes += 1
        self._check()
        if self.deaf:
            raise TransientError("no answer")
        if self.refused:
            raise ApiError(401, "Unauthorized", "Unauthorized")

    async def list(self, resource: Resource, *args: Any, **kwargs: Any) -> Any:
        self._check()
        return await super().list(resource, *args, **kwargs)

    async def watch(self, resource: Resource, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        self._check()
        async for event in super().watch(resource, *args, **kwargs):
            self._check()
            yield event

    def _check(self) -> None:
        if self.blocked:
            raise TransientError("no route to host")


def play(scene: Scene, graces: Graces | None = None) -> None:
    async def story() -> None:
        clock, keys = VirtualClock(asyncio.get_running_loop()), SeededKeys(1)
        server = ApiServer(MemoryStore(), scheme=SCHEME, clock=clock.now, token=keys.token)
        await server.start()
        road = Road(server.verbs(User("admin", ("system:masters",))))
        nodes = WorkloadNodes(road, graces=graces)
        await scene(road, nodes)
        await nodes.stop()
        await server.stop()

    loop.run(story())


def node(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


async def silence(nodes: WorkloadNodes) -> TransientError:
    with pytest.raises(TransientError) as raised:
        await nodes.list(HOMELAB, b"kubeconfig")
    return raised.value


def test_a_cluster_that_was_never_reached_is_unreachable_only_after_the_grace() -> None:
    async def scene(road: Road, nodes: WorkloadNodes) -> None:
        told: list[Node | None] = []
        nodes.on_change(lambda _, changed: told.append(changed))
        road.blocked = True
        assert (await silence(nodes)).reason == CONNECTING
        await asyncio.sleep(49)
        early = await silence(nodes)
        assert (early.reason, told) == (CONNECTING, [None])
        assert "no route to host" in str(early)
        await asyncio.sleep(2)
        assert (await silence(nodes)).reason == UNREACHABLE
        assert told == [None, None]
        road.blocked = False
        await asyncio.sleep(10)
        assert await nodes.list(HOMELAB, b"kubeconfig") == ()
        assert told == [None, None, None]

    play(scene)


def test_a_connection_that_comes_back_within_the_grace_was_never_unreachable() -> None:
    async def scene(road: Road, nodes: WorkloadNodes) -> None:
        assert (await silence(nodes)).reason == CONNECTING
        await asyncio.sleep(60)
        assert await nodes.list(HOMELAB, b"kubeconfig") == ()
        road.blocked = True
        await road.create(NODES, node("a"))
        await asyncio.sleep(30)
        assert (await silence(nodes)).reason == CONNECTING
        road.blocked = False
        await asyncio.sleep(10)
        assert [n.metadata.name for n in await nodes.list(HOMELAB, b"kubeconfig")] == ["a"]

    play(scene)


def test_a_dead_connection_is_found_by_its_probes_and_made_anew() -> None:
    """The watch hears nothing of it, so only the probe can tell: five failures, half a minute, and another client."""

    async def scene(road: Road, nodes: WorkloadNodes) -> None:
        with pytest.raises(TransientError):
            await nodes.list(HOMELAB, b"kubeconfig")
        await asyncio.sleep(12)
        assert await nodes.list(HOMELAB, b"kubeconfig") == ()
        assert road.clients == 1
        road.deaf = True
        await asyncio.sleep(45)
        assert await nodes.list(HOMELAB, b"kubeconfig") == (), "what was seen holds for now"
        await asyncio.sleep(10)
        dead = await silence(nodes)
        assert dead.reason == CONNECTING
        assert isinstance(dead, SilenceError)
        assert dead.last_seen is not None
        road.deaf = False
        await asyncio.sleep(35)
        assert await nodes.list(HOMELAB, b"kubeconfig") == ()
        assert road.clients == 2

    play(scene)


def test_failures_that_do_not_follow_each_other_end_nothing() -> None:
    async def scene(road: Road, nodes: WorkloadNodes) -> None:
        await silence(nodes)
        await asyncio.sleep(12)
        for _ in range(3):
            road.deaf = True
            await asyncio.sleep(40)
            road.deaf = False
            await asyncio.sleep(10)
        assert await nodes.list(HOMELAB, b"kubeconfig") == ()
        assert (road.clients, road.forgotten) == (1, 0)

    play(scene)


def test_refused_credentials_end_a_connection_at_once() -> None:
    async def scene(road: Road, nodes: WorkloadNodes) -> None:
        with pytest.raises(TransientError):
            await nodes.list(HOMELAB, b"kubeconfig")
        await asyncio.sleep(5)
        road.refused = True
        await asyncio.sleep(6)
        assert road.clients == 2
        road.refused = False
        await asyncio.sleep(60)
        assert road.clients == 2, "one that works is kept"

    play(scene)


def test_a_new_kubeconfig_is_a_new_connection_and_a_cluster_that_is_gone_needs_none() -> None:
    async def scene(road: Road, nodes: WorkloadNodes) -> None:
        for kubeconfig in (b"one", b"one", b"two", b"two"):
            with suppress(TransientError):
                await nodes.list(HOMELAB, kubeconfig)
            await asyncio.sleep(1)
        assert (road.clients, road.forgotten) == (2, 1)
        probes = road.probes
        await nodes.forget(HOMELAB)
        await asyncio.sleep(100)
        assert road.probes == probes

    play(scene)


def test_a_kubeconfig_that_cannot_be_used_is_told_and_tried_again() -> None:
    async def scene(road: Road, nodes: WorkloadNodes) -> None:
        road.broken = "the kubeconfig's exec is not supported"
        await silence(nodes)
        await asyncio.sleep(60)
        assert road.broken in str(await silence(nodes))
        road.broken = ""
        await asyncio.sleep(60)
        assert await nodes.list(HOMELAB, b"kubeconfig") == ()

    play(scene)


def test_connections_and_probes_are_counted() -> None:
    def counted(nodes: WorkloadNodes) -> dict[str, float]:
        lines = nodes.metrics.text().decode().splitlines()
        found = (line.removeprefix("capi_cluster_cache_").rsplit(" ", 1) for line in lines if line.startswith("capi_"))
        place = 'cluster_name="homelab",cluster_namespace="default"'
        return {name.replace(place, ""): float(value) for name, value in found if "_created" not in name}

    async def scene(road: Road, nodes: WorkloadNodes) -> None:
        await silence(nodes)
        await asyncio.sleep(21)
        probes = 'healthchecks_total{,status="%s"}'
        assert counted(nodes) == {"connection_up{}": 1, "healthcheck{}": 1, probes % "success": 2}
        road.deaf = True
        await asyncio.sleep(50)
        assert counted(nodes) == {
            "connection_up{}": 0,
            "healthcheck{}": 0,
            probes % "success": 2,
            probes % "error": 5,
        }
        await nodes.forget(HOMELAB)
        assert counted(nodes) == {}

    play(scene)


def test_graces_may_be_others() -> None:
    async def scene(road: Road, nodes: WorkloadNodes) -> None:
        told: list[float] = []
        began = asyncio.get_running_loop().time()
        nodes.on_change(lambda _cluster, _node: told.append(asyncio.get_running_loop().time() - began))
        road.blocked = True
        await silence(nodes)
        await asyncio.sleep(15)
        late = await silence(nodes)
        assert isinstance(late, SilenceError)
        assert (late.reason, late.conditions_grace) == (UNREACHABLE, 150)
        told.clear()
        await asyncio.sleep(140)
        assert [round(seconds) for seconds in told] == [150]

    play(scene, Graces(connection=10, conditions=150))
