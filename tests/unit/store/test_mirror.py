"""A keeper hears of all that there is, then of each change once, also when the store has forgotten some of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from capstan.store.entry import Entry
from capstan.store.index import Index, MemorySubscription
from capstan.store.memory import MemoryStore
from capstan.store.mirror import Mirror
from capstan.store.protocol import CompactedError, Put, Remove, StoreError

ROLES, BINDINGS = "/roles", "/bindings"


class Heard:
    """A keeper that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.arranged = asyncio.Event()

    def put(self, entry: Entry) -> None:
        self.told.append(f"put {entry.prefix} {entry.name} {entry.object['metadata']['uid']}")

    def remove(self, entry: Entry) -> None:
        self.told.append(f"remove {entry.prefix} {entry.name}")

    def arrange(self, prefix: str) -> None:
        self.told.append(f"arrange {prefix}")
        self.arranged.set()

    async def next(self) -> list[str]:
        """What was told since the last call, when it has been arranged."""
        await self.arranged.wait()
        self.arranged.clear()
        told, self.told = self.told, []
        return told


class Reloaded(MemoryStore):
    """Loads its objects again as the one on etcd does when etcd has forgotten what came next."""

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions: list[MemorySubscription] = []

    async def watch(self, prefix: str, after: int, *, buffer: int = 0) -> MemorySubscription:
        self.subscriptions.append(await super().watch(prefix, after, buffer=buffer))
        return self.subscriptions[-1]

    def reload(self) -> None:
        old, self._index = self._index, Index(10)
        for prefix in old.prefixes():
            for entry in old.list(prefix, "", None, 0, 0).entries:
                self._index.load(entry)
        self._index.loaded(old.revision, old.revision)
        old.close(CompactedError(1, old.revision))


async def put(store: MemoryStore, prefix: str, name: str, uid: str) -> int:
    entry = await store.get(prefix, "", name)
    value = b'{"metadata":{"name":"%s","uid":"%s"}}' % (name.encode(), uid.encode())
    written = await store.commit([Put(prefix, "", name, value, entry.revision if entry else 0)])
    return written[0].revision


async def remove(store: MemoryStore, prefix: str, name: str) -> None:
    entry = await store.get(prefix, "", name)
    assert entry is not None
    await store.commit([Remove(prefix, "", name, entry.revision)])


def followed(scenario: Callable[[Reloaded, Heard], Coroutine[Any, Any, None]]) -> None:
    """A scenario over a store with one role `old`, which the keeper has heard of and follows."""

    async def run() -> None:
        store, heard = Reloaded(), Heard()
        await put(store, ROLES, "old", "1")
        mirror = Mirror(store, (ROLES, BINDINGS), heard)
        await mirror.load()
        assert await heard.next() == [f"put {ROLES} old 1", f"arrange {ROLES}", f"arrange {BINDINGS}"]
        following = asyncio.create_task(mirror.follow(ROLES))
        try:
            async with asyncio.timeout(10):
                await scenario(store, heard)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    asyncio.run(run())


def test_changes_and_deletes_come_in_their_order_and_are_arranged_together() -> None:
    async def scenario(store: Reloaded, heard: Heard) -> None:
        await put(store, ROLES, "new", "2")
        await put(store, ROLES, "new", "3")
        await remove(store, ROLES, "old")
        assert await heard.next() == [
            f"put {ROLES} new 2",
            f"put {ROLES} new 3",
            f"remove {ROLES} old",
            f"arrange {ROLES}",
        ]

    followed(scenario)


def test_other_prefixes_are_not_heard_of() -> None:
    async def scenario(store: Reloaded, heard: Heard) -> None:
        await put(store, "/secrets", "other", "2")
        await put(store, BINDINGS, "not followed", "3")
        await put(store, ROLES, "new", "4")
        assert await heard.next() == [f"put {ROLES} new 4", f"arrange {ROLES}"]

    followed(scenario)


def test_after_a_compaction_only_what_differs_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(store: Reloaded, heard: Heard) -> None:
        await put(store, ROLES, "kept", "2")
        await put(store, ROLES, "gone", "3")
        await heard.next()
        # These come while nobody is told: the watch ends before it is read.
        await remove(store, ROLES, "gone")
        await put(store, ROLES, "old", "4")
        await put(store, ROLES, "new", "5")
        store.reload()
        assert await heard.next() == [
            f"remove {ROLES} gone",
            f"put {ROLES} new 5",
            f"put {ROLES} old 4",
            f"arrange {ROLES}",
        ]
        await put(store, ROLES, "later", "6")
        assert await heard.next() == [f"put {ROLES} later 6", f"arrange {ROLES}"]

    with caplog.at_level(logging.WARNING):
        followed(scenario)
    assert [record.message for record in caplog.records] == [
        "/roles are read again: their history was compacted",
    ]


def test_what_was_compacted_before_it_was_followed_is_read_again() -> None:
    async def run() -> None:
        store, heard = MemoryStore(), Heard()
        mirror = Mirror(store, (ROLES,), heard)
        await mirror.load()
        await heard.next()
        await put(store, ROLES, "new", "1")
        await store.compact(store.revision)
        following = asyncio.create_task(mirror.follow(ROLES))
        assert await heard.next() == [f"put {ROLES} new 1", f"arrange {ROLES}"]
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    asyncio.run(run())


def test_who_follows_again_hears_only_what_came_since() -> None:
    async def run() -> None:
        store, heard = MemoryStore(), Heard()
        mirror = Mirror(store, (ROLES,), heard)
        await mirror.load()
        for name in ("one", "two"):
            heard.arranged.clear()
            heard.told.clear()
            following = asyncio.create_task(mirror.follow(ROLES))
            await put(store, ROLES, name, name)
            assert await heard.next() == [f"put {ROLES} {name} {name}", f"arrange {ROLES}"]
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    asyncio.run(run())


def test_a_cancelled_follower_closes_its_subscription() -> None:
    subscriptions: list[MemorySubscription] = []

    async def scenario(store: Reloaded, heard: Heard) -> None:
        await put(store, ROLES, "new", "2")
        await heard.next()
        subscriptions.extend(store.subscriptions)

    followed(scenario)
    assert len(subscriptions) == 1
    with pytest.raises(StoreError, match="the watch was closed"):
        asyncio.run(subscriptions[0].next())
