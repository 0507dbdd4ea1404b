"""What Kubernetes' API server needs of its storage, asked of every store: creating, conditional writes, batches.

Upstream's contract has some behaviours that are not a store's here. Expiry (TTL) is the API server's: it deletes old
Events itself. Selectors, bookmarks, initial events and their end are the watch's above the store
(`tests/conformance/apiserver`). Encoding errors cannot be: a store keeps bytes and decodes when somebody looks.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from capstan.store.protocol import (
    MAX_BATCH,
    MismatchError,
    Put,
    Store,
    StoreError,
)

from .contract import THINGS, remove, taken, told
from .test_store import names, put, value

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
