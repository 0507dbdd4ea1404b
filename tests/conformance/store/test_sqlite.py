"""What SQLite promises beyond the suite: what it acknowledged survives kills, full disks and damage, or is named."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from capstan.store.protocol import CompactedError, Put, Remove, StoreError
from capstan.store.sqlite import SqliteStore

from .test_store import put


def test_sqlite_has_after_opening_again_what_it_had(tmp_path: Path) -> None:
    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        (x, _) = await store.commit([put("x", v=1), put("y", v=1)])
        await store.commit([put("x", x.revision, v=2)])
        await store.commit([Remove("g/things", "a", "y", 2)])
        await store.close()
        store = await SqliteStore.open(tmp_path / "store.db")
        assert store.revision == 4
        assert [(e.name, e.object["v"]) for e in (await store.list("g/things")).entries] == [("x", "2")]
        watch = await store.watch("g/things", 1)
        assert [(c.revision, c.deleted) for c in await watch.next()] == [(2, False), (3, False), (4, True)]
        assert [e.object["v"] for e in (await store.list("g/things", revision=2)).entries] == ["1", "1"]
        (new,) = await store.commit([put("z")])
        assert new.revision == 5
        await store.compact(4)
        await store.close()
        store = await SqliteStore.open(tmp_path / "store.db")
        assert store.compacted == 4
        with pytest.raises(CompactedError):
            await store.watch("g/things", 3)
        await store.close()

    asyncio.run(main())


def test_the_counter_survives_what_it_counted(tmp_path: Path) -> None:
    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        (x,) = await store.commit([put("x")])
        await store.commit([Remove("g/things", "a", "x", x.revision)])
        await store.compact(store.revision)
        await store.close()
        store = await SqliteStore.open(tmp_path / "store.db")
        assert (store.revision, store.compacted) == (2, 2)
        (new,) = await store.commit([put("x")])
        assert new.revision == 3
        await store.close()

    asyncio.run(main())


def test_history_ends_by_age(tmp_path: Path) -> None:
    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db", history_seconds=0.05)
        (x,) = await store.commit([put("x", v=1)])
        (x,) = await store.commit([put("x", x.revision, v=2)])
        watch = await store.watch("", 0)
        async with asyncio.timeout(20):
            while store.compacted < x.revision:
                await watch.next(0.01)
        with pytest.raises(CompactedError):
            await store.watch("g/things", 1)
        assert [e.object["v"] for e in (await store.list("g/things")).entries] == ["2"]
        await store.close()
        store = await SqliteStore.open(tmp_path / "store.db")
        assert store.compacted == x.revision
        await store.close()

    asyncio.run(main())


def test_history_goes_in_small_steps_between_commits(tmp_path: Path) -> None:
    connections: list[apsw.Connection] = []
    deleted: list[int] = []
    count = [0]

    def updated(kind: int, database: str, table: str, row: int) -> None:
        count[0] += kind == apsw.SQLITE_DELETE

    def committed() -> bool:
        deleted.append(count[0])
        count[0] = 0
        return False

    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db", retain=100_000)
        at = 0
        for start in range(0, 3_000, 100):
            await store.commit([put(f"x{i}") for i in range(start, start + 100)])
        for start in range(0, 3_000, 100):
            await store.commit([put(f"x{i}", i + 1, v=2) for i in range(start, start + 100)])
        connections[0].set_update_hook(updated)
        connections[0].set_commit_hook(committed)
        compacting = asyncio.ensure_future(store.compact(store.revision))
        while not compacting.done():
            (entry,) = await store.commit([put("during", at, v=at)])
            at = entry.revision
        connections[0].set_update_hook(None)
        connections[0].set_commit_hook(None)
        await store.check()
        await store.close()

    apsw.connection_hooks.append(connections.append)
    try:
        asyncio.run(main())
    finally:
        apsw.connection_hooks.remove(connections.append)
    assert sum(deleted) >= 3_000 and max(deleted) <= 200
    # Commits came in between.
    assert deleted.count(0) > 3


def test_what_is_deleted_leaves_the_file(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "store.db"
        store = await SqliteStore.open(path)
        names = [f"x{i}" for i in range(4_000)]
        for start in range(0, 4_000, 100):
            await store.commit([put(name, v="y" * 2_000) for name in names[start : start + 100]])
        await store.check()
        large = path.stat().st_size
        entries = (await store.list("g/things")).entries
        for entry in entries:
            assert entry.revision
        for start in range(0, 4_000, 100):
            part = entries[start : start + 100]
            await store.commit([Remove("g/things", "a", entry.name, entry.revision) for entry in part])
        await store.compact(store.revision)
        await store.close()
        assert path.stat().st_size < large / 4

    asyncio.run(main())


def test_sqlite_trims_its_history_by_itself(tmp_path: Path) -> None:
    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db", retain=100)
        at = 0
        for _ in range(3):
            for _ in range(400):
                (entry,) = await store.commit([put("x", at, v=at)])
                at = entry.revision
        await store.close()
        store = await SqliteStore.open(tmp_path / "store.db", retain=100)
        assert 0 < store.compacted < 1200
        found = await store.get("g/things", "a", "x")
        assert found is not None and found.revision == 1200
        await store.close()

    asyncio.run(main())


def test_a_second_opener_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        with pytest.raises(StoreError, match=f"in use by another process .process {os.getpid()}."):
            await SqliteStore.open(tmp_path / "store.db")
        await store.close()
        await (await SqliteStore.open(tmp_path / "store.db")).close()

    asyncio.run(main())


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "other"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "store.db"

    async def fill() -> None:
        store = await SqliteStore.open(path)
        for i in range(200):
            await store.commit([put(f"x{i}", v="y" * 500)])
        await store.close()

    asyncio.run(fill())
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "overwritten":
        path.write_bytes(content[:4096] + os.urandom(8192) + content[12288:])
    else:
        path.write_bytes(b"not a database at all, whatever its name says" * 100)
    with pytest.raises(StoreError, match="damaged"):
        asyncio.run(_open_and_close(path))


async def _open_and_close(path: Path) -> None:
    await (await SqliteStore.open(path)).close()


_FULL_DISK = """
import asyncio, resource, signal, sys
from capstan.store.protocol import Put, StoreError
from capstan.store.sqlite import SqliteStore

async def main():
    store = await SqliteStore.open(sys.argv[1])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    watch = await store.watch("", 0)
    done = 0
    try:
        for i in range(1000):
            value = b'{"metadata":{"name":"x%d"},"v":"%s"}' % (i, b"y" * 4000)
            await store.commit([Put("g/things", "a", f"x{i}", value, 0)])
            done += 1
    except StoreError as error:
        assert "cannot be written" in str(error)
    assert store.failure is not None and store.revision == done
    assert len((await store.list("g/things")).entries) == done == len(await watch.next())
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    try:
        await store.commit([Put("g/things", "a", "late", b'{"metadata":{"name":"late"}}', 0)])
    except StoreError:
        print(done)

asyncio.run(main())
"""


def test_a_full_disk_stops_writes_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    command = [sys.executable, "-c", _FULL_DISK, str(path)]
    writer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert writer.returncode == 0, writer.stderr
    done = int(writer.stdout)
    assert 0 < done < 1000

    async def look() -> None:
        store = await SqliteStore.open(path)
        names = {entry.name for entry in (await store.list("g/things")).entries}
        assert {f"x{i}" for i in range(done)} <= names and "late" not in names
        await store.close()

    asyncio.run(look())


def test_writes_go_on_when_a_full_disk_has_room_again(tmp_path: Path) -> None:
    connections: list[apsw.Connection] = []

    async def thing(store: SqliteStore, name: str, size: int = 4000) -> None:
        value = b'{"metadata":{"name":"%s"},"v":"%s"}' % (name.encode(), b"y" * size)
        await store.commit([Put("g/things", "a", name, value, 0)])

    async def run() -> list[str]:
        store = await SqliteStore.open(tmp_path / "store.db")
        connections[0].pragma("max_page_count", 30)
        done = 0
        with pytest.raises(StoreError, match="full"):
            for done in range(100):
                await thing(store, f"x{done}")
        assert store.failure is not None and done > 0
        connections[0].pragma("max_page_count", 10_000)
        await asyncio.gather(*(thing(store, f"late{i}", 10) for i in range(3)))
        assert store.failure is None
        await store.close()
        return [f"x{i}" for i in range(done)] + ["late0", "late1", "late2"]

    apsw.connection_hooks.append(connections.append)
    try:
        acknowledged = asyncio.run(run())
    finally:
        apsw.connection_hooks.remove(connections.append)

    async def look() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        assert {entry.name for entry in (await store.list("g/things")).entries} == set(acknowledged)
        await store.close()

    asyncio.run(look())
