"""Lists of every store: their pages, their revisions, and what compaction leaves of them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from capstan.store.protocol import (
    CompactedError,
    Store,
)

from .contract import THINGS, numbered, remove, taken
from .test_store import names, put


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
