"""What Kubernetes' API server needs of its storage, asked of every store: creating, conditional writes, lists and
their pages, revisions, compaction, watches.

Upstream's contract has some behaviours that are not a store's here. Expiry (TTL) is the API server's: it deletes old
Events itself. Selectors, bookmarks, initial events and their end are the watch's above the store
(`tests/conformance/apiserver`). Encoding errors cannot be: a store keeps bytes and decodes when somebody looks.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import orjson
import pytest

from capstan.store.entry import Change
from capstan.store.protocol import (
    MAX_BATCH,
    CompactedError,
    MismatchError,
    Put,
    Remove,
    Store,
    StoreError,
    Subscription,
)

from .test_store import names, put, value

THINGS = "g/things"


def remove(name: str, expected: int, namespace: str = "a", prefix: str = THINGS, last: bytes | None = None) -> Remove:
    return Remove(prefix, namespace, name, expected, last)


async def numbered(store: Store, count: int, prefix: str = THINGS) -> list[int]:
    """Objects x0, x1, ... with one commit each; gives their revisions."""
    return [(await store.commit([put(f"x{i}", v=i, prefix=prefix)]))[0].revision for i in range(count)]


async def taken(watch: Subscription, count: int) -> list[Change]:
    """So many changes, however they arrive; and no more than those."""
    seen: list[Change] = []
    while len(seen) < count:
        batch = await watch.next(20)
        assert batch, f"only {len(seen)} of {count} changes came"
        seen += batch
    assert len(seen) == count
    return seen


def told(changes: list[Change]) -> list[tuple[str, str, int]]:
    return [
        ("delete" if c.deleted else "update" if c.previous else "create", c.entry.name, c.revision) for c in changes
    ]


# Creating.


def test_create_gives_what_was_written_and_leaves_the_bytes_alone(with_store: Any) -> None:
    async def body(store: Store) -> None:
        given = value("x", color="red", text='ä☃ \\" </script>')
        (entry,) = await store.commit([Put(THINGS, "a", "x", given, 0)])
        assert (entry.prefix, entry.namespace, entry.name, entry.value) == (THINGS, "a", "x", given)
        found = await store.get(THINGS, "a", "x")
        assert found is not None and found.value == given
        wire = orjson.loads(found.json)
        assert wire["metadata"].pop("resourceVersion") == str(entry.revision)
        assert wire == orjson.loads(given)

    with_store(body)


def test_create_of_a_key_that_exists_is_refused_and_shows_what_is_there(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x", v=1)])
        with pytest.raises(MismatchError) as refused:
            await store.commit([put("x", v=2)])
        assert refused.value.current is not None and refused.value.current.revision == x.revision
        assert refused.value.write == put("x", v=2)
        found = await store.get(THINGS, "a", "x")
        assert found is not None and found.object["v"] == "1" and store.revision == x.revision

    with_store(body)


def test_create_after_delete_is_a_new_object(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x", v=1)])
        (gone,) = await store.commit([remove("x", x.revision)])
        watch = await store.watch(THINGS, gone.revision)
        (again,) = await store.commit([put("x", v=2)])
        assert again.revision > gone.revision > x.revision
        (change,) = await taken(watch, 1)
        assert told([change]) == [("create", "x", again.revision)]

    with_store(body)


def test_the_same_name_in_other_places_is_another_object(with_store: Any) -> None:
    async def body(store: Store) -> None:
        places = [(THINGS, "a"), (THINGS, "b"), (THINGS, ""), ("g/thingses", "a"), ("g/thing", "a"), ("/things", "a")]
        for prefix, namespace in places:
            await store.commit([put("x", prefix=prefix, namespace=namespace, at=f"{prefix} {namespace}")])
        for prefix, namespace in places:
            found = await store.get(prefix, namespace, "x")
            assert found is not None and found.object["at"] == f"{prefix} {namespace}"
        assert await store.prefixes() == sorted({prefix for prefix, _ in places})

    with_store(body)


@pytest.mark.parametrize("size", [1, 100_000, 1_400_000])
def test_large_objects_come_back_whole(with_store: Any, size: int) -> None:
    async def body(store: Store) -> None:
        (entry,) = await store.commit([put("x", v="y" * size)])
        (page, watch) = (await store.list(THINGS), await store.watch(THINGS, entry.revision - 1))
        assert len(page.entries[0].object["v"]) == size
        assert len((await taken(watch, 1))[0].entry.object["v"]) == size

    with_store(body)


# Reading.


def test_get_of_what_is_not_there_is_nothing(with_store: Any) -> None:
    async def body(store: Store) -> None:
        assert await store.get(THINGS, "a", "x") is None
        (x,) = await store.commit([put("x")])
        await store.commit([remove("x", x.revision)])
        assert await store.get(THINGS, "a", "x") is None
        assert await store.prefixes() == []

    with_store(body)


def test_a_read_after_a_write_sees_it(with_store: Any) -> None:
    async def body(store: Store) -> None:
        at = 0
        for i in range(30):
            (entry,) = await store.commit([put("x", at, v=i)])
            at = entry.revision
            found, page = await store.get(THINGS, "a", "x"), await store.list(THINGS)
            assert found is not None and found.object["v"] == str(i)
            assert page.revision >= at and page.entries[0].revision == at

    with_store(body)


# Conditional deletes.


def test_delete_needs_the_present_revision(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x", v=1)])
        (newer,) = await store.commit([put("x", x.revision, v=2)])
        for expected in (x.revision, newer.revision + 1):
            with pytest.raises(MismatchError) as refused:
                await store.commit([remove("x", expected)])
            assert refused.value.current is not None and refused.value.current.object["v"] == "2"
        (gone,) = await store.commit([remove("x", newer.revision)])
        assert gone.revision > newer.revision and gone.object["v"] == "2"

    with_store(body)


def test_delete_of_what_is_gone_is_refused_and_says_that_it_is_gone(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x")])
        await store.commit([remove("x", x.revision)])
        with pytest.raises(MismatchError) as refused:
            await store.commit([remove("x", x.revision)])
        assert refused.value.current is None

    with_store(body)


def test_delete_after_a_refusal_works_with_what_the_refusal_showed(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x", v=1)])
        await store.commit([put("x", x.revision, v=2)])
        with pytest.raises(MismatchError) as refused:
            await store.commit([remove("x", x.revision)])
        assert refused.value.current is not None
        await store.commit([remove("x", refused.value.current.revision)])
        assert await store.get(THINGS, "a", "x") is None

    with_store(body)


def test_a_delete_event_has_the_last_state_and_the_newest_revision(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x", v=1)])
        (y,) = await store.commit([put("y", v=1)])
        watch = await store.watch(THINGS, y.revision)
        (gone,) = await store.commit([remove("x", x.revision)])
        (gone_too,) = await store.commit([remove("y", y.revision, last=value("y", v="last"))])
        first, second = await taken(watch, 2)
        assert first.deleted and first.revision == gone.revision > y.revision
        assert first.entry.object["metadata"]["resourceVersion"] == str(gone.revision)
        assert first.entry.object["v"] == "1" and first.previous is not None
        assert first.previous.revision == x.revision
        assert second.entry.object["v"] == "last" and second.revision == gone_too.revision
        assert second.previous is not None and second.previous.object["v"] == "1"

    with_store(body)


# Conditional updates.


def test_update_needs_the_present_revision(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x", v=1)])
        (newer,) = await store.commit([put("x", x.revision, v=2)])
        with pytest.raises(MismatchError) as refused:
            await store.commit([put("x", x.revision, v=3)])
        assert refused.value.current is not None and refused.value.current.revision == newer.revision
        (newest,) = await store.commit([put("x", newer.revision, v=3)])
        assert newest.revision > newer.revision

    with_store(body)


def test_update_of_what_is_not_there_is_refused(with_store: Any) -> None:
    async def body(store: Store) -> None:
        with pytest.raises(MismatchError) as refused:
            await store.commit([put("x", 1)])
        assert refused.value.current is None and await store.get(THINGS, "a", "x") is None

    with_store(body)


def test_of_two_writers_with_one_revision_one_wins(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x", v=0)])
        tries = await asyncio.gather(
            *(store.commit([put("x", x.revision, v=i)]) for i in range(20)), return_exceptions=True
        )
        won = [i for i, result in enumerate(tries) if not isinstance(result, BaseException)]
        assert len(won) == 1
        assert all(isinstance(result, MismatchError) for i, result in enumerate(tries) if i != won[0])
        found = await store.get(THINGS, "a", "x")
        assert found is not None and found.object["v"] == str(won[0])

    with_store(body)


def test_of_two_creators_one_wins(with_store: Any) -> None:
    async def body(store: Store) -> None:
        tries = await asyncio.gather(*(store.commit([put("x", v=i)]) for i in range(20)), return_exceptions=True)
        assert sum(isinstance(result, MismatchError) for result in tries) == 19

    with_store(body)


def test_an_update_and_a_delete_of_one_revision_exclude_each_other(with_store: Any) -> None:
    async def body(store: Store) -> None:
        for i in range(10):
            (x,) = await store.commit([put(f"x{i}")])
            tries = await asyncio.gather(
                store.commit([put(f"x{i}", x.revision, v=1)]),
                store.commit([remove(f"x{i}", x.revision)]),
                return_exceptions=True,
            )
            assert sum(isinstance(result, MismatchError) for result in tries) == 1

    with_store(body)


def test_an_entry_that_was_read_does_not_change(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x", v=1)])
        old = await store.get(THINGS, "a", "x")
        await store.commit([put("x", x.revision, v=2)])
        assert old is not None and old.object["v"] == "1" and old.revision == x.revision
        assert orjson.loads(old.json)["metadata"]["resourceVersion"] == str(x.revision)

    with_store(body)


# Batches.


def test_a_batch_is_one_moment(with_store: Any) -> None:
    async def body(store: Store) -> None:
        start = store.revision
        entries = await store.commit([put(f"x{i}") for i in range(MAX_BATCH)])
        revisions = [entry.revision for entry in entries]
        assert revisions == sorted(set(revisions)) and revisions[0] > start and store.revision == revisions[-1]
        watch = await store.watch(THINGS, start)
        assert told(await taken(watch, MAX_BATCH)) == [("create", e.name, e.revision) for e in entries]

    with_store(body)


def test_a_batch_with_one_mismatch_writes_nothing_and_shows_no_event(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x")])
        watch = await store.watch("", store.revision)
        for wrong in (put("x"), put("none", 9), remove("none", x.revision), remove("x", x.revision + 1)):
            with pytest.raises(MismatchError) as refused:
                await store.commit([put("new"), put("y", prefix="g/others"), wrong])
            assert refused.value.write == wrong
        assert names((await store.list(THINGS)).entries) == ["a/x"]
        assert (await store.list("g/others")).entries == ()
        (after,) = await store.commit([put("after")])
        assert told(await taken(watch, 1)) == [("create", "after", after.revision)]

    with_store(body)


def test_a_batch_may_mix_kinds_and_verbs(with_store: Any) -> None:
    async def body(store: Store) -> None:
        x, y = await store.commit([put("x"), put("y", prefix="g/others")])
        start = store.revision
        entries = await store.commit([put("x", x.revision, v=2), remove("y", y.revision, prefix="g/others"), put("z")])
        watch = await store.watch("", start)
        kinds = ["update", "delete", "create"]
        assert told(await taken(watch, 3)) == [
            (kind, e.name, e.revision) for kind, e in zip(kinds, entries, strict=True)
        ]

    with_store(body)


# Lists.


def test_a_list_has_the_revision_of_its_moment(with_store: Any) -> None:
    async def body(store: Store) -> None:
        empty = await store.list(THINGS)
        assert (empty.entries, empty.revision, empty.remaining) == ((), store.revision, 0)
        await numbered(store, 3)
        (other,) = await store.commit([put("y", prefix="g/others")])
        page = await store.list(THINGS)
        # Not that of its newest object: a watch that starts here misses and repeats nothing.
        assert page.revision == other.revision
        assert all(entry.revision < page.revision for entry in page.entries)

    with_store(body)


def test_a_namespace_is_no_prefix_of_another(with_store: Any) -> None:
    async def body(store: Store) -> None:
        for namespace in ("a", "ab", "a-b", "a.b", "b", "aa"):
            await store.commit([put("x", namespace=namespace)])
        for namespace in ("a", "ab", "a-b", "b"):
            assert names((await store.list(THINGS, namespace)).entries) == [f"{namespace}/x"]
        assert names((await store.list(THINGS, "none")).entries) == []

    with_store(body)


def test_cluster_scoped_objects_are_listed_by_name(with_store: Any) -> None:
    async def body(store: Store) -> None:
        for name in ("zeta", "alpha", "mid"):
            await store.commit([put(name, namespace="")])
        assert [entry.name for entry in (await store.list(THINGS)).entries] == ["alpha", "mid", "zeta"]

    with_store(body)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_of_one_list_are_one_moment_whatever_happens_between_them(with_store: Any, limit: int) -> None:
    async def body(store: Store) -> None:
        random = Random(limit)
        await store.commit([put(f"x{i:02}", v="old") for i in range(12)])
        moment = store.revision
        expected = [(e.name, e.revision) for e in (await store.list(THINGS)).entries]
        page = await store.list(THINGS, limit=limit, revision=moment)
        seen, remaining = [(e.name, e.revision) for e in page.entries], page.remaining
        while remaining:
            victim = (await store.list(THINGS)).entries[0]
            await store.commit([remove(victim.name, victim.revision), put(f"w{random.random()}")])
            (x,) = [e for e in (await store.list(THINGS)).entries if e.name == "x11"]
            await store.commit([put("x11", x.revision, v="new")])
            page = await store.list(THINGS, after=("a", seen[-1][0]), limit=limit, revision=moment)
            assert page.revision == moment and len(page.entries) <= limit
            seen += [(e.name, e.revision) for e in page.entries]
            assert page.remaining == len(expected) - len(seen)
            remaining = page.remaining
        assert seen == expected

    with_store(body)


def test_a_list_goes_on_at_the_newest_moment_after_its_own_is_gone(with_store: Any) -> None:
    async def body(store: Store) -> None:
        await store.commit([put(f"x{i}") for i in range(6)])
        moment = store.revision
        page = await store.list(THINGS, limit=2, revision=moment)
        await store.commit([put("x9")])
        await store.compact(store.revision)
        with pytest.raises(CompactedError) as refused:
            await store.list(THINGS, after=page.entries[-1].key, limit=2, revision=moment)
        assert refused.value.asked == moment
        # From the key where it stopped, at a newer revision ("inconsistent", but nothing twice).
        rest = await store.list(THINGS, after=page.entries[-1].key)
        assert names(rest.entries) == ["a/x2", "a/x3", "a/x4", "a/x5", "a/x9"] and rest.revision > moment

    with_store(body)


def test_a_page_after_a_key_that_is_gone_goes_on_behind_it(with_store: Any) -> None:
    async def body(store: Store) -> None:
        entries = await store.commit([put(f"x{i}") for i in range(4)])
        await store.commit([remove("x1", entries[1].revision)])
        assert names((await store.list(THINGS, after=("a", "x1"))).entries) == ["a/x2", "a/x3"]
        assert names((await store.list(THINGS, after=("a", "x3"))).entries) == []
        assert names((await store.list(THINGS, "a", after=("", ""))).entries) == ["a/x0", "a/x2", "a/x3"]

    with_store(body)


def test_the_exact_limit_leaves_nothing(with_store: Any) -> None:
    async def body(store: Store) -> None:
        await store.commit([put(f"x{i}") for i in range(4)])
        for limit, remaining in ((4, 0), (5, 0), (3, 1), (1, 3)):
            page = await store.list(THINGS, limit=limit)
            assert (len(page.entries), page.remaining) == (4 - remaining, remaining)

    with_store(body)


def test_every_retained_revision_can_be_listed(with_store: Any) -> None:
    """Against a model: the state after each commit, kept by hand."""

    async def body(store: Store) -> None:
        random = Random(7)
        state: dict[str, int] = {}
        moments: list[tuple[int, dict[str, int]]] = []
        for _ in range(60):
            name = f"x{random.randrange(6)}"
            if name in state and random.random() < 0.3:
                (entry,) = await store.commit([remove(name, state.pop(name))])
            else:
                (entry,) = await store.commit([put(name, state.get(name, 0))])
                state[name] = entry.revision
            moments.append((entry.revision, dict(state)))
        await store.compact(moments[20][0])
        for revision, expected in moments:
            if revision < store.compacted:
                with pytest.raises(CompactedError):
                    await store.list(THINGS, revision=revision)
            else:
                page = await store.list(THINGS, revision=revision)
                assert {e.name: e.revision for e in page.entries} == expected and page.revision == revision

    with_store(body)


# Compaction.


def test_compaction_keeps_what_it_names_and_later(with_store: Any) -> None:
    async def body(store: Store) -> None:
        revisions = await numbered(store, 5)
        await store.compact(revisions[2])
        assert store.compacted == revisions[2]
        watch = await store.watch(THINGS, revisions[2])
        assert [c.revision for c in await taken(watch, 2)] == revisions[3:]
        assert len((await store.list(THINGS, revision=revisions[2])).entries) == 3
        with pytest.raises(CompactedError) as refused:
            await store.watch(THINGS, revisions[1])
        assert (refused.value.asked, refused.value.oldest) == (revisions[1], revisions[2])

    with_store(body)


def test_compaction_does_not_go_back(with_store: Any) -> None:
    async def body(store: Store) -> None:
        revisions = await numbered(store, 4)
        await store.compact(revisions[2])
        await store.compact(revisions[0])
        assert store.compacted == revisions[2]
        await store.commit([put("new")])
        assert len((await store.list(THINGS)).entries) == 5

    with_store(body)


def test_compaction_does_not_disturb_those_who_keep_up(with_store: Any) -> None:
    async def body(store: Store) -> None:
        watch = await store.watch(THINGS, store.revision)
        first = await numbered(store, 3)
        await store.compact(first[-1])
        (more,) = await store.commit([put("more")])
        assert [c.revision for c in await taken(watch, 4)] == [*first, more.revision]

    with_store(body)


# Watches.


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


# Concurrency and ends.


def test_many_writers_get_revisions_of_their_own(with_store: Any) -> None:
    async def body(store: Store) -> None:
        start = store.revision
        watch = await store.watch("", start)
        results = await asyncio.gather(*(store.commit([put(f"x{i}"), put(f"y{i}")]) for i in range(40)))
        revisions = [entry.revision for entries in results for entry in entries]
        assert len(set(revisions)) == 80 and store.revision == max(revisions)
        assert sorted(revisions) == [c.revision for c in await taken(watch, 80)]

    with_store(body)


def test_a_cancelled_commit_happened_whole_or_not_at_all(with_store: Any) -> None:
    async def body(store: Store) -> None:
        for i in range(10):
            writing = asyncio.ensure_future(store.commit([put(f"a{i}"), put(f"b{i}")]))
            for _ in range(i % 4):
                await asyncio.sleep(0)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        # Behind everything that was cancelled.
        while True:
            await store.commit([put("end", getattr(await store.get(THINGS, "a", "end"), "revision", 0))])
            present = {e.name for e in (await store.list(THINGS)).entries}
            if all((f"a{i}" in present) == (f"b{i}" in present) for i in range(10)):
                break
        for i in range(10):
            known = await store.get(THINGS, "a", f"a{i}")
            await store.commit([put(f"a{i}", known.revision if known else 0, v="later")])

    with_store(body)


def test_a_closed_store_takes_no_more_writes(with_store: Any) -> None:
    async def body(store: Store) -> None:
        await store.commit([put("x")])
        await store.close()
        if type(store).__name__ != "MemoryStore":  # there is nothing behind memory that could be closed
            with pytest.raises(StoreError):
                await store.commit([put("y")])
        await store.close()

    with_store(body)
