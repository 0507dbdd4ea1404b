"""The in-process client on the embedded API server, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.server import ApiServer
from capstan.runtime.client.local import LocalClient
from capstan.sim import loop
from capstan.sim.clock import VirtualClock
from capstan.sim.keys import SeededKeys
from capstan.store.memory import MemoryStore
from tests.conformance.client.suite import CHECKS, Check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_local_client(check: Check) -> None:
    async def story() -> None:
        clock, keys = VirtualClock(asyncio.get_running_loop()), SeededKeys(1)
        server = ApiServer(MemoryStore(), scheme=SCHEME, clock=clock.now, token=keys.token)
        await server.start()
        await check(LocalClient(server.verbs(User("admin", ("system:masters",)))))
        await server.stop()

    loop.run(story())
