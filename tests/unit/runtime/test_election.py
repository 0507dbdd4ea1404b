"""Of several candidates one leads: taken over when it dies, given up in time when it is cut off, never two at once."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from capstan.api.errors import TransientError
from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.server import ApiServer
from capstan.runtime.client.local import LocalClient
from capstan.runtime.election import LEASES, Elector
from capstan.sim.clock import VirtualClock
from capstan.sim.loop import run
from capstan.store.memory import MemoryStore


class Severable(LocalClient):
    """A client whose network can be cut: what it asks then hangs a while and fails."""

    cut = False

    async def get(self, *args: Any, **more: Any) -> Any:
        await self._pass()
        return await super().get(*args, **more)

    async def update(self, *args: Any, **more: Any) -> Any:
        await self._pass()
        return await super().update(*args, **more)

    async def _pass(self) -> None:
        if self.cut:
            await asyncio.sleep(3)
            raise TransientError("cut off")


class Candidate:
    """One replica: when it began and ceased to lead."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.client = Severable(world.server.verbs(User(name, ("system:masters",))))
        self.elector = Elector(self.client, world.clock, name)
        self.spans: list[list[float]] = []
        self.task = asyncio.get_running_loop().create_task(self.elector.run(self._lead, self._rest))

    async def _lead(self) -> None:
        self.spans.append([self.world.clock.monotonic()])

    async def _rest(self) -> None:
        self.spans[-1].append(self.world.clock.monotonic())

    def die(self) -> None:
        """As a process that is killed: nothing is given back."""
        self.client.cut = True
        self.task.cancel()

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class World:
    def __init__(self) -> None:
        drawn = itertools.count()
        self.clock = VirtualClock()
        self.server = ApiServer(
            MemoryStore(),
            scheme=SCHEME,
            clock=self.clock.now,
            token=lambda size: hashlib.sha256(str(next(drawn)).encode()).digest()[:size],
        )


def play(story: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        world = World()
        await world.server.start()
        await story(world)
        await world.server.stop()

    run(main())


def overlap(one: Candidate, other: Candidate) -> bool:
    end = float("inf")
    spans = (
        [(s[0], s[1] if len(s) > 1 else end) for s in one.spans],
        [(s[0], s[1] if len(s) > 1 else end) for s in other.spans],
    )
    return any(a < d and c < b for a, b in spans[0] for c, d in spans[1])


def test_one_leads_and_goes_on_leading() -> None:
    async def story(world: World) -> None:
        a, b = Candidate(world, "a"), Candidate(world, "b")
        await world.clock.sleep(600)
        leads = [c for c in (a, b) if c.elector.leads]
        assert len(leads) == 1 and len(leads[0].spans) == 1 and len(a.spans) + len(b.spans) == 1
        lease = await a.client.get(LEASES, "kube-system", "capstan-controllers")
        spec = lease["spec"]
        assert spec["holderIdentity"] in ("a", "b") and spec["leaseDurationSeconds"] == 15
        assert len(spec["renewTime"].partition(".")[2]) == 7

    play(story)


def test_another_takes_over_from_one_that_died() -> None:
    async def story(world: World) -> None:
        a = Candidate(world, "a")
        await world.clock.sleep(5)
        b = Candidate(world, "b")
        await world.clock.sleep(100)
        died = world.clock.monotonic()
        a.die()
        await world.clock.sleep(60)
        assert b.elector.leads and 13 <= b.spans[0][0] - died <= 19
        lease = await b.client.get(LEASES, "kube-system", "capstan-controllers")
        assert lease["spec"]["leaseTransitions"] == 1

    play(story)


def test_one_that_ends_gives_the_lease_back() -> None:
    async def story(world: World) -> None:
        a = Candidate(world, "a")
        await world.clock.sleep(5)
        b = Candidate(world, "b")
        await world.clock.sleep(5)
        await a.end()
        ended = world.clock.monotonic()
        await world.clock.sleep(10)
        assert b.spans and b.spans[0][0] - ended <= 3 and not overlap(a, b)

    play(story)


def test_one_that_is_cut_off_rests_before_another_leads() -> None:
    async def story(world: World) -> None:
        a = Candidate(world, "a")
        await world.clock.sleep(5)
        b = Candidate(world, "b")
        await world.clock.sleep(30)
        for leader, other in ((a, b), (b, a), (a, b)):
            assert leader.elector.leads and not other.elector.leads
            leader.client.cut, cut = True, world.clock.monotonic()
            await world.clock.sleep(60)
            assert leader.spans[-1][1] - cut <= 12.1 and other.elector.leads
            leader.client.cut = False
        assert not overlap(a, b)

    play(story)


def test_a_lease_that_somebody_else_took_ends_the_lead() -> None:
    async def story(world: World) -> None:
        a = Candidate(world, "a")
        await world.clock.sleep(5)
        found = await a.client.get(LEASES, "kube-system", "capstan-controllers")
        thief = {**found, "spec": {**found["spec"], "holderIdentity": "thief"}}
        await a.client.update(LEASES, thief)
        await world.clock.sleep(3)
        assert not a.elector.leads and len(a.spans[0]) == 2
        await world.clock.sleep(30)
        assert a.elector.leads and len(a.spans) == 2

    play(story)
