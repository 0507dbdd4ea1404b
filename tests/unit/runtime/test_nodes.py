"""The connections to workload clusters in virtual time: a short silence says nothing, a long one is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from capstan.api.core.node import Node
from capstan.api.errors import TransientError
from capstan.api.objects import Key, Obj, Resource
from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.server import ApiServer
from capstan.runtime.client.local import LocalClient
from capstan.runtime.client.protocol import Client
from capstan.runtime.nodes import CONNECTING, NODES, UNREACHABLE, WorkloadNodes
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

    async def client(self, cluster: Key, kubeconfig: bytes) -> Client:
        return self

    async def forget(self, cluster: Key) -> None:
        return None

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


def play(scene: Scene) -> None:
    async def story() -> None:
        clock, keys = VirtualClock(asyncio.get_running_loop()), SeededKeys(1)
        server = ApiServer(MemoryStore(), scheme=SCHEME, clock=clock.now, token=keys.token)
        await server.start()
        road = Road(server.verbs(User("admin", ("system:masters",))))
        nodes = WorkloadNodes(road)
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
