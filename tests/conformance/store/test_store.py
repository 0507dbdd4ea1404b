"""What every store promises, asked of each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.etcd import Cluster, needs_etcd

from capstan.store.entry import Entry
from capstan.store.etcd import EtcdStore
from capstan.store.memory import MemoryStore
from capstan.store.protocol import CompactedError, MismatchError, Put, Remove, Store, StoreError
from capstan.store.sqlite import SqliteStore

Opener = Callable[[Path], Awaitable[Store]]


async def _memory(_: Path) -> Store:
    return MemoryStore()


async def _sqlite(directory: Path) -> Store:
    return await SqliteStore.open(directory / "store.db")


async def _etcd(directory: Path) -> Store:
    cluster = _clusters[0]
    return await EtcdStore.open(cluster.address(f"/{directory.name}"))


_clusters: list[Cluster] = []


@pytest.fixture(scope="module")
def one_member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One etcd for all tests here; each has keys of its own in it."""
    with Cluster(tmp_path_factory.mktemp("etcd")) as cluster:
        _clusters.append(cluster)
        yield
        _clusters.clear()


@pytest.fixture(params=[_memory, _sqlite, pytest.param(_etcd, marks=needs_etcd)], ids=["memory", "sqlite", "etcd"])
def with_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Callable[[Store], Awaitable[None]]], None]:
    """Runs a test body against a new store of each kind."""
    if request.param is _etcd:
        request.getfixturevalue("one_member")

    def runner(body: Callable[[Store], Awaitable[None]]) -> None:
        async def main() -> None:
            store = await request.param(tmp_path)
            try:
                await asyncio.wait_for(body(store), 30)
            finally:
                await store.close()

        asyncio.run(main())

    return runner


def value(name: str, **fields: Any) -> bytes:
    extra = "".join(f',"{k}":"{v}"' for k, v in fields.items())
    return f'{{"kind":"Thing","metadata":{{"name":"{name}"}}{extra}}}'.encode()


def put(name: str, expected: int = 0, namespace: str = "a", prefix: str = "g/things", **fields: Any) -> Put:
    return Put(prefix, namespace, name, value(name, **fields), expected)


def names(entries: Any) -> list[str]:
    return [f"{entry.namespace}/{entry.name}" for entry in entries]


def test_a_commit_is_read_back_with_its_revision(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (first,) = await store.commit([put("x", color="red")])
        found = await store.get("g/things", "a", "x")
        assert isinstance(found, Entry) and found.revision == first.revision == store.revision
        assert found.object["metadata"] == {"resourceVersion": str(first.revision), "name": "x"}
        assert found.object is found.object
        assert await store.get("g/things", "b", "x") is None
        assert await store.get("g/thing", "a", "x") is None

    with_store(body)


def test_every_write_has_its_own_revision_over_all_prefixes(with_store: Any) -> None:
    async def body(store: Store) -> None:
        start = store.revision
        entries = [*(await store.commit([put("x"), put("y", prefix="g/others")])), *(await store.commit([put("z")]))]
        revisions = [entry.revision for entry in entries]
        assert start < revisions[0] < revisions[1] < revisions[2] == store.revision

    with_store(body)


def test_a_write_that_expects_another_revision_is_refused_whole(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x,) = await store.commit([put("x")])
        for batch in ([put("x")], [put("new"), put("x", x.revision + 7)], [Remove("g/things", "a", "none", 3)]):
            with pytest.raises(MismatchError):
                await store.commit(batch)
        assert names((await store.list("g/things")).entries) == ["a/x"]
        assert store.revision == x.revision

    with_store(body)


def test_lists_are_in_key_order_by_namespace_and_in_pages(with_store: Any) -> None:
    async def body(store: Store) -> None:
        for namespace, name in (("b", "a"), ("a", "c"), ("a-b", "x"), ("a", "b"), ("a", "b-c")):
            await store.commit([put(name, namespace=namespace)])
        everything = ["a/b", "a/b-c", "a/c", "a-b/x", "b/a"]
        assert names((await store.list("g/things")).entries) == everything
        assert names((await store.list("g/things", "a")).entries) == everything[:3]
        page = await store.list("g/things", limit=2)
        assert (names(page.entries), page.remaining) == (everything[:2], 3)
        page = await store.list("g/things", after=page.entries[-1].key, limit=9)
        assert (names(page.entries), page.remaining) == (everything[2:], 0)
        assert (await store.list("g/nothing")).entries == ()

    with_store(body)


def test_a_list_at_an_older_revision_shows_that_state(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x, y) = await store.commit([put("x", v=1), put("y", v=1)])
        then = store.revision
        await store.commit([put("x", x.revision, v=2)])
        await store.commit([Remove("g/things", "a", "y", y.revision)])
        await store.commit([put("z")])
        old = await store.list("g/things", revision=then)
        assert [(e.name, e.object["v"]) for e in old.entries] == [("x", "1"), ("y", "1")]
        assert old.revision == then
        assert names((await store.list("g/things")).entries) == ["a/x", "a/z"]
        await store.compact(store.revision)
        with pytest.raises(CompactedError):
            await store.list("g/things", revision=then)

    with_store(body)


def test_a_watch_gives_each_change_once_and_in_order(with_store: Any) -> None:
    async def body(store: Store) -> None:
        start = store.revision
        (x,) = await store.commit([put("x", v=1)])
        live = await store.watch("g/things", store.revision)
        (x2,) = await store.commit([put("x", x.revision, v=2)])
        (other,) = await store.commit([put("other", prefix="g/others")])
        (gone,) = await store.commit([Remove("g/things", "a", "x", x2.revision)])
        assert x.revision < x2.revision < other.revision < gone.revision
        replay = await store.watch("g/things", start)
        everything = await store.watch("", start)
        seen: list[tuple[int, bool]] = []
        while len(seen) < 2:
            seen += [(c.revision, c.deleted) for c in await live.next()]
        assert seen == [(x2.revision, False), (gone.revision, True)]
        changes = await replay.next()
        assert [(c.revision, c.deleted, c.previous and c.previous.revision) for c in changes] == [
            (x.revision, False, None),
            (x2.revision, False, x.revision),
            (gone.revision, True, x2.revision),
        ]
        assert changes[2].entry.object["v"] == "2"
        assert changes[2].entry.object["metadata"]["resourceVersion"] == str(gone.revision)
        assert [c.revision for c in await everything.next()] == [e.revision for e in (x, x2, other, gone)]
        assert await live.next(0.01) == []

    with_store(body)


def test_compaction_ends_old_watches_and_keeps_the_present(with_store: Any) -> None:
    async def body(store: Store) -> None:
        (x1,) = await store.commit([put("x", v=1)])
        (x2,) = await store.commit([put("x", x1.revision, v=2)])
        await store.commit([put("x", x2.revision, v=3)])
        await store.compact(x2.revision)
        with pytest.raises(CompactedError):
            await store.watch("g/things", x1.revision)
        (change,) = await (await store.watch("g/things", x2.revision)).next()
        assert change.previous is not None and change.previous.object["v"] == "2"
        assert names((await store.list("g/things")).entries) == ["a/x"]

    with_store(body)


def test_a_slow_reader_is_closed_and_nobody_waits_for_it(with_store: Any) -> None:
    async def body(store: Store) -> None:
        start = store.revision
        slow, quick = await store.watch("g/things", start, buffer=3), await store.watch("g/things", start)
        for i in range(5):
            await store.commit([put(f"x{i}")])
        with pytest.raises(CompactedError):
            await slow.next()
        assert len(await quick.next()) == 5

    with_store(body)


def test_writers_of_one_key_take_turns(with_store: Any) -> None:
    async def body(store: Store) -> None:
        await store.commit([put("count", v=0)])

        async def add() -> None:
            while True:
                entry = await store.get("g/things", "a", "count")
                assert entry is not None
                try:
                    await store.commit([put("count", entry.revision, v=int(entry.object["v"]) + 1)])
                    return
                except MismatchError:
                    continue

        await asyncio.gather(*(add() for _ in range(30)))
        entry = await store.get("g/things", "a", "count")
        assert entry is not None and entry.object["v"] == "30"

    with_store(body)


def test_a_closed_store_ends_its_watches(with_store: Any) -> None:
    async def body(store: Store) -> None:
        subscription = await store.watch("g/things", store.revision)
        waiting = asyncio.ensure_future(subscription.next())
        await asyncio.sleep(0)
        await store.close()
        with pytest.raises(StoreError):
            await waiting

    with_store(body)
