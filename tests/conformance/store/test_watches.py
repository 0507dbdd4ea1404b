"""Watches of every store: all changes in one order, none twice, and how they end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from capstan.store.entry import Change
from capstan.store.protocol import (
    Store,
    StoreError,
)

from .contract import THINGS, numbered, taken, told
from .test_store import put


def test_a_watch_from_now_shows_only_what_comes(with_store: Any) -> None:
    async def body(store: Store) -> None:
        await numbered(store, 3)
        watch = await store.watch(THINGS, store.revision)
        assert await watch.next(0.01) == []
        (new,) = await store.commit([put("new")])
        assert told(await taken(watch, 1)) == [("create", "new", new.revision)]

    with_store(body)


def test_a_watch_from_a_revision_shows_all_after_it(with_store: Any) -> None:
    async def body(store: Store) -> None:
        revisions = await numbered(store, 6)
        for i, revision in enumerate(revisions):
            watch = await store.watch(THINGS, revision)
            if revisions[i + 1 :]:
                assert [c.revision for c in await taken(watch, 5 - i)] == revisions[i + 1 :]
            watch.close()

    with_store(body)


def test_list_then_watch_misses_and_repeats_nothing(with_store: Any) -> None:
    async def body(store: Store) -> None:
        done = False

        async def write(lane: int) -> None:
            at = 0
            for i in range(25):
                (entry,) = await store.commit([put(f"lane-{lane}", at, v=i)])
                at = entry.revision

        async def inform() -> dict[str, int]:
            page = await store.list(THINGS)
            known = {e.name: e.revision for e in page.entries}
            watch = await store.watch(THINGS, page.revision)
            while not done:
                for change in await watch.next(0.02):
                    assert (change.previous.revision if change.previous else 0) == known.get(change.entry.name, 0)
                    known[change.entry.name] = change.revision
            return known

        informers = [asyncio.ensure_future(inform()) for _ in range(3)]
        writers = [asyncio.ensure_future(write(lane)) for lane in range(4)]
        await asyncio.sleep(0)
        informers.append(asyncio.ensure_future(inform()))
        await asyncio.gather(*writers)
        last = {e.name: e.revision for e in (await store.list(THINGS)).entries}
        await asyncio.sleep(0.05)
        done = True
        for informer in informers:
            assert await informer == last

    with_store(body)


def test_a_watch_of_one_kind_does_not_see_others(with_store: Any) -> None:
    async def body(store: Store) -> None:
        start = store.revision
        for prefix in ("g/thing", "g/thingses", "g/others", "/things", "g2/things"):
            await store.commit([put("x", prefix=prefix)])
        (x,) = await store.commit([put("x")])
        watch = await store.watch(THINGS, start)
        assert told(await taken(watch, 1)) == [("create", "x", x.revision)]

    with_store(body)


def test_all_watchers_see_one_order(with_store: Any) -> None:
    async def body(store: Store) -> None:
        watches = [await store.watch("", store.revision) for _ in range(5)]

        async def write(lane: int) -> None:
            for i in range(10):
                await store.commit([put(f"{lane}-{i}", prefix=f"g/k{lane % 3}")])

        await asyncio.gather(*(write(lane) for lane in range(6)))
        orders = [[c.revision for c in await taken(watch, 60)] for watch in watches]
        assert orders[0] == sorted(set(orders[0])) and all(order == orders[0] for order in orders)

    with_store(body)


def test_an_update_shows_what_was_before(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x", v=1)])
        start = store.revision
        (x2,) = await store.commit([put("x", x.revision, v=2)])
        await store.commit([put("x", x2.revision, v=3)])
        watch = await store.watch(THINGS, start)
        changes = await taken(watch, 2)
        assert [(c.previous.object["v"], c.entry.object["v"]) for c in changes if c.previous] == [
            ("1", "2"),
            ("2", "3"),
        ]

    with_store(body)


def test_a_change_can_be_read_when_its_watcher_hears_of_it(with_store: Any) -> None:
    async def body(store: Store) -> None:
        watch = await store.watch(THINGS, store.revision)

        async def check() -> None:
            for _ in range(20):
                for change in await watch.next(20):
                    found = await store.get(THINGS, "a", change.entry.name)
                    assert found is not None and found.revision >= change.revision
                    assert store.revision >= change.revision
                    if change.entry.name == "x19":
                        return

        checking = asyncio.ensure_future(check())
        await numbered(store, 20)
        await asyncio.wait_for(checking, 20)

    with_store(body)


def test_a_watch_that_waits_is_woken_by_its_timeout_only(with_store: Any) -> None:
    async def body(store: Store) -> None:
        watch = await store.watch(THINGS, store.revision)
        waiting = asyncio.ensure_future(watch.next(20))
        await store.commit([put("y", prefix="g/others")])
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await store.commit([put("x")])
        assert len(await waiting) == 1
        assert await watch.next(0) == []

    with_store(body)


def test_a_cancelled_wait_loses_no_change(with_store: Any) -> None:
    async def body(store: Store) -> None:
        watch = await store.watch(THINGS, store.revision)
        seen: list[Change] = []
        for i in range(5):
            waiting = asyncio.ensure_future(watch.next())
            await asyncio.sleep(0)
            waiting.cancel()
            (got,) = await asyncio.gather(waiting, return_exceptions=True)
            seen += [] if isinstance(got, BaseException) else got
            await store.commit([put(f"x{i}")])
        assert len(seen) < 5
        seen += await taken(watch, 5 - len(seen))
        assert [change.entry.name for change in seen] == [f"x{i}" for i in range(5)]

    with_store(body)


def test_a_closed_watch_ends_for_its_reader_alone(with_store: Any) -> None:
    async def body(store: Store) -> None:
        watch, other = await store.watch(THINGS, store.revision), await store.watch(THINGS, store.revision)
        waiting = asyncio.ensure_future(watch.next())
        await asyncio.sleep(0)
        watch.close()
        with pytest.raises(StoreError):
            await waiting
        await store.commit([put("x")])
        assert len(await taken(other, 1)) == 1

    with_store(body)


def test_a_reader_within_its_buffer_is_not_closed(with_store: Any) -> None:
    async def body(store: Store) -> None:
        watch = await store.watch(THINGS, store.revision, buffer=5)
        await numbered(store, 5)
        assert len(await taken(watch, 5)) == 5
        await store.commit([put("more")])
        assert len(await taken(watch, 1)) == 1

    with_store(body)
