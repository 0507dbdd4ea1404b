"""A server over a memory store with a fixed clock and counted randomness, for tests that call it in the process."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from capstan.api.kinds import Scheme
from capstan.api.objects import Obj, Resource
from capstan.api.scheme import SCHEME
from capstan.api.verbs import DeleteOptions, ListOptions, User, WriteOptions
from capstan.apiserver.server import ApiServer
from capstan.store.memory import MemoryStore


class World:
    """One server, its admin's verbs, and short ways to say the usual things."""

    def __init__(self, scheme: Scheme = SCHEME) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.scheme = scheme
        self.store = MemoryStore()
        self._drawn = 0
        self.server = self.make_server(scheme)
        self.verbs = self.server.verbs(User("admin", ("system:masters",)))

    def make_server(self, scheme: Scheme) -> ApiServer:
        return ApiServer(self.store, scheme=scheme, clock=lambda: self.now, token=self._token)

    def _token(self, size: int) -> bytes:
        self._drawn += 1
        return hashlib.sha256(str(self._drawn).encode()).digest()[:size]

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def resource(self, kind: str, version: str = "") -> Resource:
        found = next(k for k in self.scheme.kinds if k.kind == kind)
        return found.resource(version)

    async def create(
        self, kind: str, name: str, body: Obj | None = None, namespace: str = "default", **meta: Any
    ) -> Obj:
        resource = self.resource(kind)
        place = namespace if resource.namespaced else ""
        obj = {"metadata": {"name": name, **meta}, **(body or {})}
        return (await self.verbs.create(resource, place, obj, WriteOptions())).object

    async def get(self, kind: str, name: str, namespace: str = "default", version: str = "") -> Obj:
        resource = self.resource(kind, version)
        return await self.verbs.get(resource, namespace if resource.namespaced else "", name)

    async def names(self, kind: str, namespace: str = "default", **options: Any) -> list[str]:
        resource = self.resource(kind)
        place = namespace if resource.namespaced else ""
        found = await self.verbs.list(resource, place, ListOptions(**options))
        return [item["metadata"]["name"] for item in found.items]

    async def patch(self, kind: str, name: str, patch: Any, patch_type: Any = "merge", subresource: str = "") -> Obj:
        resource = self.resource(kind)
        place = "default" if resource.namespaced else ""
        answer = await self.verbs.patch(resource, place, name, patch_type, patch, WriteOptions(), subresource)
        return answer.object

    async def delete(self, kind: str, name: str, **options: Any) -> Obj:
        resource = self.resource(kind)
        place = "default" if resource.namespaced else ""
        return (await self.verbs.delete(resource, place, name, DeleteOptions(**options))).object

    async def settle(self) -> None:
        """Let the background parts finish: nothing here waits for time, so a few turns of the loop do."""
        before = -1
        while before != self.store.revision:
            before = self.store.revision
            for _ in range(20):
                await asyncio.sleep(0)


@pytest.fixture
def run() -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Runs a test body against a started server."""

    def runner(body: Callable[[World], Awaitable[None]]) -> None:
        async def main() -> None:
            world = World()
            await world.server.start()
            await world.settle()
            try:
                await body(world)
            finally:
                await world.server.stop()

        asyncio.run(main())

    return runner
