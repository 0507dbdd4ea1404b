"""Seeded traffic in the manner of Kubernetes, recorded while faults happen: clients, watchers, and what goes wrong."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.store.protocol import StoreError
from tests.conformance.history.doors import PREFIX, Door, key_of, object_of, revision_of, value_of
from tests.conformance.history.record import History, Key, Kind, Listing, Operation, Outcome, Scope, Seen, Watched

COLOURS = ("red", "green", "blue")
_REFUSALS: dict[str, Outcome] = {"NotFound": "missing", "AlreadyExists": "exists", "Conflict": "conflict"}

#: A client whose server is gone waits a little, else it would spend its operations on nothing.
_BACK_OFF = 0.02


class Plant(Protocol):
    """What the traffic runs against: one or several servers over one store."""

    def door(self, number: int) -> Door:
        """The way in for the next request of a client."""
        ...

    @property
    def compacted(self) -> int:
        """How far history is gone anywhere."""
        ...

    async def compact(self, keep: int) -> None:
        """Forget history but for about so many changes."""
        ...

    async def fail(self, random: Random) -> None:
        """One fault, from which the plant comes back by itself."""
        ...


@dataclass(frozen=True, slots=True)
class Mix:
    """How much of what. Reads are 80 % lists; writes are 90 % updates, 5 % creates, 5 % deletes."""

    seed: int
    operations: int
    clients: int = 12
    watchers: int = 5
    keys: int = 5
    faults: int = 10
    compactions: int = 20
    reads: float = 0.8
    namespaces: tuple[str, ...] = ("default", "kube-public")


@dataclass
class Traffic:
    """One run. `history` is what it leaves, but for the log, which is the plant's to tell."""

    plant: Plant
    mix: Mix
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        self._random = Random(self.mix.seed)
        self._time = itertools.count(1)
        self._values = itertools.count(1)
        self._left = self.mix.operations
        self._over = asyncio.Event()
        self._keys: list[Key] = [(ns, f"{PREFIX}{i}") for ns in self.mix.namespaces for i in range(self.mix.keys)]

    async def run(self) -> None:
        """Until so many operations were answered or cut off."""
        async with asyncio.TaskGroup() as group:
            background = [group.create_task(self._watcher(number)) for number in range(self.mix.watchers)]
            background.append(group.create_task(self._trouble(self.mix.faults, self._fail)))
            background.append(group.create_task(self._trouble(self.mix.compactions, self._compact)))
            clients = [group.create_task(self._client(number)) for number in range(self.mix.clients)]
            await asyncio.wait(clients)
            self._over.set()
            await asyncio.wait(background)

    # Clients: each knows what it read last, and so is often wrong.

    async def _client(self, number: int) -> None:
        random = Random(f"{self.mix.seed}/{number}")
        known: dict[Key, int] = {}
        while self._left > 0:
            self._left -= 1
            if random.random() < self.mix.reads:
                await self._read(number, random, known)
            else:
                await self._write(number, random, known)
            if random.random() < 0.02:
                await asyncio.sleep(0)

    async def _read(self, number: int, random: Random, known: dict[Key, int]) -> None:
        if random.random() < 0.8:
            await self._list(number, random, known)
            return
        key = random.choice(self._keys)
        op = Operation(number, "get", key, self._now())
        found = await self._answered(op, random, lambda door: door.get(key))
        if found is not None:
            op.value = value_of(found)
            known[key] = op.revision

    async def _list(self, number: int, random: Random, known: dict[Key, int]) -> None:
        scope = self._scope(random)
        newest, limit = random.random() < 0.9, random.choice((0, 0, 3))
        door, invoked, token = self.plant.door(number), self._now(), ""
        found: dict[Key, tuple[int, str]] = {}
        try:
            while True:
                items, revision, token = await door.list(scope, "" if newest else "0", limit, token)
                found |= {key_of(i): (revision_of(i), value_of(i)) for i in items if key_of(i)[1].startswith(PREFIX)}
                if not token:
                    break
                await asyncio.sleep(0)
        except (ApiError, StoreError) as error:
            if not _is_cut_off(error) and not _is_expired(error):
                raise
            await asyncio.sleep(_BACK_OFF)
            return
        listing = Listing(number, scope, invoked, self._now(), revision, found, newest)
        self.history.listings.append(listing)
        known.update({key: kept[0] for key, kept in found.items()})
        if found and newest and not limit:
            # Every list is also a read of each of its keys; the search for an order takes one of them.
            key = random.choice(list(found))
            kept = found[key]
            self.history.operations.append(
                Operation(number, "get", key, invoked, listing.returned, "ok", kept[1], revision=kept[0])
            )

    async def _write(self, number: int, random: Random, known: dict[Key, int]) -> None:
        key, chance = random.choice(self._keys), random.random()
        kind: Kind = "update" if chance < 0.9 else "create" if chance < 0.95 else "delete"
        expected = known.get(key, 0) if kind != "create" and random.random() < 0.5 else 0
        op = await self._send(number, random, kind, key, expected)
        if op.kind == "update" and op.outcome == "missing":
            op = await self._send(number, random, "create", key, 0)
        if op.outcome == "ok" and not op.dry:
            known[key] = op.revision

    async def _send(self, number: int, random: Random, kind: Kind, key: Key, expected: int) -> Operation:
        value = f"{random.choice(COLOURS)}:{next(self._values)}"
        dry = kind != "delete" and random.random() < 0.03
        op = Operation(number, kind, key, self._now(), value=value, expected=expected, dry=dry)
        obj = object_of(key, value, expected)
        if kind == "create":
            await self._answered(op, random, lambda door: door.create(key, obj, dry))
        elif kind == "delete":
            await self._answered(op, random, lambda door: door.delete(key, expected))
        elif random.random() < 0.5:
            await self._answered(op, random, lambda door: door.update(key, obj, dry))
        else:
            await self._answered(op, random, lambda door: door.patch(key, obj, dry))
        return op

    async def _answered(
        self, op: Operation, random: Random, send: Callable[[Door], Awaitable[Obj | None]]
    ) -> Obj | None:
        """Send, and write down what came back; now and then the client does not wait for it."""
        self.history.operations.append(op)
        work = send(self.plant.door(op.client))
        found = None
        try:
            if random.random() < 0.01:
                task = asyncio.ensure_future(work)
                for _ in range(random.randrange(6)):
                    await asyncio.sleep(0)
                task.cancel()
                found = await task
            else:
                found = await work
        except (ApiError, StoreError) as error:
            if _is_cut_off(error):
                await asyncio.sleep(_BACK_OFF)
                return None
            assert isinstance(error, ApiError)
            op.outcome = _REFUSALS[error.reason]
        except asyncio.CancelledError:
            return None
        else:
            op.outcome = "ok"
            if found is not None:
                op.revision = revision_of(found)
        op.returned = self._now()
        return found

    # Watchers: some slow, some that come back where they were.

    async def _watcher(self, number: int) -> None:
        random = Random(f"{self.mix.seed}/watch/{number}")
        scope, after = self._scope(random), 0
        while not self._over.is_set():
            watch = Watched(scope, after, self._now())
            await self._follow(number, random, watch)
            self.history.watches.append(watch)
            watch.compacted = self.plant.compacted
            last = max((event.revision for event in watch.events), default=after)
            complete = bool(watch.after or watch.start()[1])
            if watch.expired or not complete or random.random() < 0.3:
                scope, after = self._scope(random), 0
            else:
                after = last
            await asyncio.sleep(0.01 * random.random())

    async def _follow(self, number: int, random: Random, watch: Watched) -> None:
        wanted, slow = random.randrange(1, 150), random.random() < 0.25
        watch.slow = slow
        try:
            door = self.plant.door(number)
            async with aclosing(_until(door.watch(watch.scope, watch.after), self._over)) as events:
                async for event in events:
                    watch.events.append(event)
                    if len(watch.events) >= wanted and watch.start()[1]:
                        return
                    if slow and random.random() < 0.05:
                        await asyncio.sleep(0.05)
        except (ApiError, StoreError) as error:
            watch.expired = _is_expired(error)
            if not watch.expired and not _is_cut_off(error):
                raise

    # Trouble, evenly over the run.

    async def _trouble(self, times: int, happen: Callable[[], Awaitable[None]]) -> None:
        total = self.mix.operations
        for number in range(times):
            at = total - total * (number + 1) // (times + 1)
            while self._left > at:  # noqa: ASYNC110 - a count that everybody lowers, looked at now and then
                await asyncio.sleep(0.002)
            await happen()

    async def _fail(self) -> None:
        await self.plant.fail(self._random)

    async def _compact(self) -> None:
        await self.plant.compact(self._random.randrange(1, 300))

    def _scope(self, random: Random) -> Scope:
        return Scope(random.choice(("", *self.mix.namespaces)), random.choice(("", *COLOURS)))

    def _now(self) -> float:
        return float(next(self._time))


def _is_expired(error: Exception) -> bool:
    return isinstance(error, ApiError) and error.code == 410


def _is_cut_off(error: Exception) -> bool:
    """No answer, as far as it is about what happened."""
    return isinstance(error, StoreError) or (isinstance(error, ApiError) and error.code in (500, 503, 504))


async def _until(events: AsyncGenerator[Seen, None], over: asyncio.Event) -> AsyncGenerator[Seen, None]:
    """Events until the watch ends or everything does."""
    stop = asyncio.ensure_future(over.wait())
    following: asyncio.Future[Seen | None] | None = None
    try:
        while not stop.done():
            following = asyncio.ensure_future(anext(events, None))
            await asyncio.wait([following, stop], return_when=asyncio.FIRST_COMPLETED)
            if not following.done() or (event := following.result()) is None:
                return
            yield event
    finally:
        for task in (stop, following):
            if task is not None:
                task.cancel()
        await asyncio.gather(stop, *([following] if following is not None else []), return_exceptions=True)
        await events.aclose()
