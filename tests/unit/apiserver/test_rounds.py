"""Rounds of work: each name that is due once, again after a failure, and all of them when changes were forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.apiserver.rounds import Rounds
from capstan.store.entry import Change, Entry
from capstan.store.memory import MemoryStore
from capstan.store.protocol import Put

ROLES = "/roles"


class Work:
    """Writes down what it looks at, and fails as often as it is told."""

    def __init__(self) -> None:
        self.looked: list[str] = []
        self.failures = 0
        self.done = asyncio.Event()

    async def look(self, name: str) -> None:
        self.looked.append(name)
        self.done.set()
        if self.failures:
            self.failures -= 1
            raise ApiError(409, "Conflict", "somebody else was faster")

    async def until(self, wanted: list[str]) -> None:
        while self.looked != wanted:
            self.done.clear()
            await self.done.wait()


def concerned(change: Change) -> Iterator[str]:
    yield change.entry.name


def numbered(entry: Entry) -> Iterator[str]:
    yield f"{entry.namespace}/{entry.name}"


async def put(store: MemoryStore, name: str, prefix: str = ROLES) -> None:
    await store.commit([Put(prefix, "", name, b'{"metadata":{"name":"x"}}', 0)])


def following(scenario: Callable[[MemoryStore, Work], Coroutine[Any, Any, None]], **options: Any) -> None:
    """A scenario over a store with one role `old`, which the rounds have begun with."""

    async def run() -> None:
        store, work = MemoryStore(), Work()
        await put(store, "old")
        made = Rounds(store, "role", work.look, concerned, **options)
        task = asyncio.create_task(made.follow(await made.begin(ROLES)))
        try:
            async with asyncio.timeout(10):
                await scenario(store, work)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_what_is_there_is_looked_at_and_then_what_changes() -> None:
    async def scenario(store: MemoryStore, work: Work) -> None:
        await work.until(["old"])
        await put(store, "new")
        await put(store, "other", "/secrets")
        await work.until(["old", "new", "other"])

    following(scenario)


def test_changes_of_other_prefixes_are_not_heard_of() -> None:
    async def scenario(store: MemoryStore, work: Work) -> None:
        await work.until(["old"])
        await put(store, "other", "/secrets")
        await put(store, "new")
        await work.until(["old", "new"])

    following(scenario, watched=ROLES)


def test_what_failed_stays_due(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(store: MemoryStore, work: Work) -> None:
        work.failures = 1
        await work.until(["old"])
        await put(store, "new")
        await work.until(["old", "old", "new"])
        assert [record.message for record in caplog.records] == ["role old waits: somebody else was faster"]

    following(scenario)


def test_when_changes_were_forgotten_everything_is_due_by_the_names_that_its_objects_give() -> None:
    async def run() -> None:
        store, work = MemoryStore(), Work()
        await put(store, "old")
        made = Rounds(store, "role", work.look, concerned, found=numbered)
        after = await made.begin(ROLES)
        await made.work()
        await put(store, "new")
        await store.compact(store.revision)
        task = asyncio.create_task(made.follow(after))
        async with asyncio.timeout(10):
            await work.until(["/old", "/new", "/old"])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
