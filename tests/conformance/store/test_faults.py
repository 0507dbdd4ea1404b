"""What a disk, an administrator or a second process can do to the SQLite store: it stops, names the cause and what to
do, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from capstan.store.database import refuse_foreign
from capstan.store.protocol import StoreError, UnreadableError
from capstan.store.sqlite import SqliteStore

from .disk import Disk
from .test_store import put

THINGS = "g/things"


def _error(kind: type[apsw.Error], extended: int) -> apsw.Error:
    error = kind("the disk says no")
    error.extendedresult = extended
    return error


class Faulty:
    """A disk on which one kind of operation fails while `active`."""

    def __init__(self, tmp_path: Path, operation: str, error: apsw.Error) -> None:
        self.disk = Disk(f"faulty-{tmp_path.name}")
        self.disk.fault = self._fault
        self.path = tmp_path / "store.db"
        self.active = False
        self._operation = operation
        self._error = error

    def _fault(self, operation: str, name: str) -> None:
        if self.active and operation == self._operation:
            raise self._error

    async def open(self) -> SqliteStore:
        return await SqliteStore.open(self.path, vfs=self.disk.name)


@pytest.mark.parametrize(
    ("operation", "code"),
    [("sync", apsw.SQLITE_IOERR_FSYNC), ("write", apsw.SQLITE_IOERR_WRITE)],
    ids=["fsync", "write"],
)
def test_after_a_failed_write_nothing_more_is_written_until_a_restart(
    tmp_path: Path, operation: str, code: int
) -> None:
    faulty = Faulty(tmp_path, operation, _error(apsw.IOError, code))

    async def main() -> None:
        store = await faulty.open()
        (x,) = await store.commit([put("x", v=1)])
        watch = await store.watch(THINGS, x.revision)
        faulty.active = True
        with pytest.raises(StoreError, match=r"cannot be written.*until Capstan is started again"):
            await store.commit([put("lost")])
        faulty.active = False
        # The disk seems well again; what it has is unknown, so it is not trusted.
        with pytest.raises(StoreError, match="until Capstan is started again"):
            await store.commit([put("y")])
        assert "check the disk" in str(store.failure)
        assert (await store.get(THINGS, "a", "x")) is x
        assert await watch.next(0) == [] and store.revision == x.revision
        await store.close()
        store = await faulty.open()
        assert store.failure is None
        found = await store.get(THINGS, "a", "x")
        assert found is not None and found.revision == x.revision
        (y,) = await store.commit([put("y")])
        assert y.revision > x.revision
        await store.check()
        await store.close()

    asyncio.run(main())


def test_a_full_disk_refuses_writes_until_it_has_room_and_leaves_no_gap_that_anyone_sees(tmp_path: Path) -> None:
    faulty = Faulty(tmp_path, "write", _error(apsw.FullError, apsw.SQLITE_FULL))

    async def main() -> None:
        store = await faulty.open()
        live = await store.watch("", 0)
        await store.commit([put("x")])
        faulty.active = True
        with pytest.raises(StoreError, match="free some space"):
            await store.commit([put("refused"), put("refused-too")])
        assert store.failure is not None
        faulty.active = False
        (after,) = await store.commit([put("after")])
        assert store.failure is None
        seen = [(c.revision, c.entry.name) for c in await live.next(0)]
        # The counter went on over the refused revisions; no event has them, now or after a restart.
        assert seen == [(1, "x"), (after.revision, "after")] and after.revision == store.revision
        await store.close()
        store = await faulty.open()
        assert [(c.revision, c.entry.name) for c in await (await store.watch("", 0)).next(0)] == seen
        (next_one,) = await store.commit([put("next")])
        assert next_one.revision == after.revision + 1
        await store.close()

    asyncio.run(main())


def test_a_disk_that_cannot_be_written_is_named_at_the_start(tmp_path: Path) -> None:
    faulty = Faulty(tmp_path, "open", _error(apsw.CantOpenError, apsw.SQLITE_CANTOPEN))
    faulty.active = True
    with pytest.raises(StoreError, match=r"cannot be opened for writing.*check the disk and the owner"):
        asyncio.run(faulty.open())
    faulty = Faulty(tmp_path / "other", "write", _error(apsw.ReadOnlyError, apsw.SQLITE_READONLY))
    faulty.active = True
    with pytest.raises(StoreError, match=r"cannot be opened for writing"):
        asyncio.run(faulty.open())


def test_a_disk_that_cannot_be_read_is_named_at_the_start(tmp_path: Path) -> None:
    faulty = Faulty(tmp_path, "read", _error(apsw.IOError, apsw.SQLITE_IOERR_READ))

    async def fill() -> None:
        store = await faulty.open()
        await store.commit([put("x")])
        await store.close()

    asyncio.run(fill())
    faulty.active = True
    with pytest.raises(StoreError, match=r"cannot be read.*capstan restore"):
        asyncio.run(faulty.open())


async def _filled(path: Path, count: int = 50) -> None:
    store = await SqliteStore.open(path)
    for i in range(count):
        await store.commit([put(f"x{i:03}", v="y" * 900, mark=f"mark-{i:03}")])
    await store.close()


def _flip(path: Path, what: bytes) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(what)
    content[at] ^= 0x01
    path.write_bytes(content)


def test_one_changed_byte_costs_one_object_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    asyncio.run(_filled(path))
    _flip(path, b"mark-017")

    async def main() -> None:
        store = await SqliteStore.open(path)
        message = "g/things a/x017 cannot be decrypted .it was changed on the disk.; restore it from a backup"
        for read in (store.get(THINGS, "a", "x017"), store.list(THINGS), store.commit([put("x017")])):
            with pytest.raises(UnreadableError, match=message):
                await read
        assert str(store.failure).startswith(
            "1 object cannot be decrypted: g/things a/x017 (it was changed on the disk)"
        )
        found = await store.get(THINGS, "a", "x018")
        assert found is not None and found.object["mark"] == "mark-018"
        assert len((await store.list(THINGS, after=("a", "x017"))).entries) == 32
        assert (await store.list("g/others")).entries == ()
        # What is not readable cannot be shown to a watch, and is not skipped by it either.
        assert store.compacted == 18
        await store.commit([put("new")])
        await store.close()

    asyncio.run(main())


def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    asyncio.run(_filled(path))
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 3 + 64] = os.urandom(64)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged.*capstan restore"):
        asyncio.run(_open_and_close(path))


async def _open_and_close(path: Path) -> None:
    await (await SqliteStore.open(path)).close()


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_write_ahead_log_leaves_a_past_that_was(tmp_path: Path, keep: float) -> None:
    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        for i in range(40):
            await store.commit([put(f"x{i}", v="y" * 900)])
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in ("store.db", "store.db-wal"):
            shutil.copy(tmp_path / name, copy / name)
        await store.close()
        log = copy / "store.db-wal"
        os.truncate(log, int(log.stat().st_size * keep))
        store = await SqliteStore.open(copy / "store.db")
        names = {entry.name for entry in (await store.list(THINGS)).entries}
        assert names == {f"x{i}" for i in range(store.revision)}
        assert len(names) <= 40 * keep + 1
        await store.check()
        await store.commit([put("new")])
        await store.close()

    asyncio.run(main())


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch()
    with pytest.raises(StoreError, match="belongs to user 0, Capstan runs as 1000; run it as that user"):
        refuse_foreign(path, os.stat_result((0o100600, 0, 0, 1, 0, 0, 0, 0, 0, 0)), 1000)
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
        with pytest.raises(StoreError, match="belongs to user 12345"):
            asyncio.run(_open_and_close(path))


@pytest.mark.parametrize("name", ["store.db", "store.db.lock"])
def test_symbolic_links_are_not_followed(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    (tmp_path / name).symlink_to(elsewhere)
    with pytest.raises(StoreError):
        asyncio.run(_open_and_close(tmp_path / "store.db"))
    assert elsewhere.read_bytes() == b"precious"


def test_what_is_made_is_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:

        async def main() -> None:
            store = await SqliteStore.open(tmp_path / "new" / "store.db")
            await store.commit([put("x")])
            modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
            assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db.lock": 0o600}
            assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
            await store.close()

        asyncio.run(main())
        (tmp_path / "new" / "store.db").chmod(0o644)
        asyncio.run(_open_and_close(tmp_path / "new" / "store.db"))
        assert (tmp_path / "new" / "store.db").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(old)


_HOLDER = """
import asyncio, sys
from capstan.store.sqlite import SqliteStore

async def main():
    try:
        store = await SqliteStore.open(sys.argv[1])
    except Exception as error:
        print(error, flush=True)
        return
    print("open", flush=True)
    sys.stdin.readline()
    await store.close()

asyncio.run(main())
"""


def test_a_second_process_is_refused_and_told_who_holds_the_store(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(tmp_path / "store.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdin is not None and first.stdout is not None
        assert first.stdout.readline() == "open\n"
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert second.stdout == (
            f"{tmp_path}/store.db is in use by another process (process {first.pid}); one store has one process\n"
        )
        first.stdin.write("\n")
    assert (
        subprocess.run(command, input="\n", capture_output=True, text=True, timeout=60, check=True).stdout == "open\n"
    )


def test_another_program_cannot_open_what_is_in_use(tmp_path: Path) -> None:
    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        await store.commit([put("x")])
        other = apsw.Connection(str(tmp_path / "store.db"))
        with pytest.raises(apsw.BusyError):
            other.execute("SELECT count(*) FROM revisions")
        other.close()
        await store.close()

    asyncio.run(main())


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    asyncio.run(_filled(path, 1))
    database = apsw.Connection(str(path))
    database.execute("UPDATE facts SET value = 99 WHERE name = 'format'")
    database.close()
    with pytest.raises(StoreError, match="has format 99, this version of Capstan reads up to 2"):
        asyncio.run(_open_and_close(path))
