"""Secrets on the disk: ciphertext in every file, readable after every crash, and only at their own place."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from pathlib import Path
from random import Random

import apsw
import pytest

from capstan.store.copying import REVISION_JUMP, renew
from capstan.store.protocol import CompactedError, Put, Remove, StoreError, UnreadableError
from capstan.store.sealing import EVERYTHING, SECRETS, Encryption, kek_id
from capstan.store.sqlite import SqliteStore

from .disk import Disk

KEK = bytes(range(32))
CANARY = "canary-7d1f0c9a55"
PREFIX = "/secrets"
SHOWN = (CANARY.encode(), base64.b64encode(CANARY.encode()), base64.b64encode(b"x" + CANARY.encode())[4:-4])

_FORMAT_1 = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE current (
    prefix TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    revision INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE (prefix, namespace, name)
);
CREATE TABLE log (
    revision INTEGER PRIMARY KEY, previous INTEGER NOT NULL, deleted INTEGER NOT NULL,
    prefix TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL
);
CREATE TRIGGER written AFTER INSERT ON log WHEN NOT NEW.deleted BEGIN SELECT 1; END;
CREATE TRIGGER removed AFTER INSERT ON log WHEN NEW.deleted BEGIN SELECT 1; END;
"""


def secret(name: str, expected: int = 0, text: str = CANARY, prefix: str = PREFIX) -> Put:
    encoded = base64.b64encode(text.encode()).decode()
    value = (
        f'{{"kind":"Secret","metadata":{{"name":"{name}"}},"data":{{"a":"{encoded}"}},"stringData":{{"b":"{text}"}}}}'
    )
    return Put(prefix, "default", name, value.encode(), expected)


def leaks(directory: Path) -> list[str]:
    """Files in which the canary can be read."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path.name for path in files if any(shown in path.read_bytes() for shown in SHOWN)]


async def _open(path: Path, kek: bytes = KEK, prefixes: tuple[str, ...] = SECRETS) -> SqliteStore:
    return await SqliteStore.open(path, encryption=Encryption(kek, prefixes))


def test_no_file_shows_a_secret(tmp_path: Path) -> None:
    async def main() -> None:
        store = await _open(tmp_path / "store.db")
        (x, y) = await store.commit([secret("x"), secret("y")])
        (x,) = await store.commit([secret("x", x.revision, CANARY + "-2")])
        await store.commit([Remove(PREFIX, "default", "y", y.revision)])
        assert (tmp_path / "store.db-wal").stat().st_size > 0
        assert leaks(tmp_path) == []
        await store.copy_to(tmp_path / "copy.db")
        assert leaks(tmp_path) == []
        await store.compact(store.revision)
        await store.close()
        assert leaks(tmp_path) == []
        store = await _open(tmp_path / "store.db")
        found = await store.get(PREFIX, "default", "x")
        assert found is not None and found.object["stringData"]["b"] == CANARY + "-2"
        await store.close()

    asyncio.run(main())


def test_the_search_for_leaks_finds_one(tmp_path: Path) -> None:
    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        await store.commit([secret("x")])
        assert leaks(tmp_path) == ["store.db-wal"]
        await store.close()
        assert leaks(tmp_path) == ["store.db"]

    asyncio.run(main())


@pytest.mark.parametrize("prefixes", [SECRETS, (EVERYTHING,)], ids=["secrets", "all"])
def test_what_lay_in_plain_text_is_gone_when_the_store_is_open(tmp_path: Path, prefixes: tuple[str, ...]) -> None:
    async def main() -> None:
        path = tmp_path / "store.db"
        store = await SqliteStore.open(path)
        entries = await store.commit([secret(f"s{i}") for i in range(80)])
        (other,) = await store.commit([secret("c", prefix="/configmaps", text="harmless")])
        # Also in rows of the past, in free pages, and of what is deleted.
        await store.commit([secret(entry.name, entry.revision) for entry in entries[:20]])
        await store.commit([Remove(PREFIX, "default", entry.name, entry.revision) for entry in entries[20:]])
        await store.compact(store.revision - 10)
        await store.close()
        assert leaks(tmp_path) == ["store.db"]
        store = await _open(path, prefixes=prefixes)
        assert leaks(tmp_path) == []
        assert len((await store.list(PREFIX)).entries) == 20
        assert (b"harmless" in path.read_bytes()) == (prefixes == SECRETS)
        found = await store.get("/configmaps", "default", "c")
        assert found is not None and found.revision == other.revision
        await store.close()
        assert leaks(tmp_path) == []

    asyncio.run(main())


def test_kinds_that_are_no_longer_chosen_are_plain_again(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "store.db"
        store = await _open(path, prefixes=(EVERYTHING,))
        await store.commit([secret("x"), secret("c", prefix="/configmaps", text="harmless")])
        await store.close()
        assert b"harmless" not in path.read_bytes()
        for _ in range(2):
            store = await _open(path)
            found = await store.get("/configmaps", "default", "c")
            assert found is not None and found.object["stringData"]["b"] == "harmless"
            await store.close()
            assert b"harmless" in path.read_bytes() and leaks(tmp_path) == []

    asyncio.run(main())


def test_a_database_of_the_first_format_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    database = apsw.Connection(str(path))
    database.execute(_FORMAT_1)
    for name, value in (("format", 1), ("revision", 3), ("compacted", 2)):
        database.execute("INSERT INTO facts VALUES (?, ?)", (name, value))
    old, new = (secret("x", text=CANARY + text).value for text in ("", "-new"))
    kept = secret("kept").value
    database.execute("INSERT INTO current VALUES (?, ?, ?, ?, ?)", (PREFIX, "default", "kept", 1, kept))
    database.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", (2, 0, 0, PREFIX, "default", "x", old))
    database.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", (3, 2, 0, PREFIX, "default", "x", new))
    database.execute("INSERT INTO current VALUES (?, ?, ?, ?, ?)", (PREFIX, "default", "x", 3, new))
    database.close()

    async def main() -> None:
        for _ in range(2):
            store = await _open(path)
            assert [(e.name, e.revision) for e in (await store.list(PREFIX)).entries] == [("kept", 1), ("x", 3)]
            (change,) = await (await store.watch(PREFIX, 2)).next(0)
            assert change.previous is not None and change.previous.object["stringData"]["b"] == CANARY
            assert (store.revision, store.compacted) == (3, 2)
            assert leaks(tmp_path) == []
            await store.close()

    asyncio.run(main())


def _swap(path: Path, one: str, other: str) -> None:
    """Exchange the ciphertexts of two records, as somebody with access to the disk could."""
    database = apsw.Connection(str(path))
    rows = {
        name: (value, check)
        for name, value, check in database.execute(
            'SELECT name, value, "check" FROM revisions WHERE prefix = ?', (PREFIX,)
        )
    }
    for name, source in ((one, other), (other, one)):
        value, check = rows[source]
        database.execute('UPDATE revisions SET value = ?, "check" = ? WHERE name = ?', (value, check, name))
    database.close()


def test_ciphertexts_that_change_places_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def main() -> None:
        store = await _open(path)
        for name in ("admin", "guest", "other"):
            await store.commit([secret(name, text=name)])
        await store.commit([secret("c", prefix="/configmaps")])
        await store.close()
        _swap(path, "admin", "guest")
        store = await _open(path)
        for read in (
            store.get(PREFIX, "default", "admin"),
            store.get(PREFIX, "default", "guest"),
            store.list(PREFIX),
            store.commit([secret("admin")]),
            store.commit([Remove(PREFIX, "default", "guest", 2)]),
        ):
            with pytest.raises(UnreadableError, match="it was changed or belongs to another object"):
                await read
        assert len(store.unreadable) == 2
        assert str(store.failure).startswith("2 objects cannot be decrypted, the first: /secrets default/admin (it was")
        # Nothing else is harmed.
        other = await store.get(PREFIX, "default", "other")
        assert other is not None and other.object["stringData"]["b"] == "other"
        (entry,) = await store.commit([secret("other", other.revision, "new")])
        assert len((await store.list("/configmaps")).entries) == 1
        # Their key stays: what cannot be read now may be repaired from elsewhere.
        rotation = await store.rotate_key()
        assert (rotation.unreadable, rotation.dropped) == (2, ())
        await store.close()
        store = await _open(path)
        assert len(store.unreadable) == 2
        assert (await store.get(PREFIX, "default", "other")).revision == entry.revision  # type: ignore[union-attr]
        await store.close()

    asyncio.run(main())


def test_the_wrong_key_or_none_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def main() -> None:
        store = await _open(path)
        await store.commit([secret("x")])
        await store.close()
        wrong = bytes(32)
        with pytest.raises(StoreError, match=f"wrapped by key {kek_id(KEK)}, the key given is {kek_id(wrong)}"):
            await _open(path, wrong)
        with pytest.raises(StoreError, match="it is encrypted and no key was given"):
            await SqliteStore.open(path)
        await (await _open(path)).close()

    asyncio.run(main())


def _keys_on_disk(path: Path) -> set[str]:
    """Ids of the data keys that rows are sealed with, as the file says."""
    database = apsw.Connection(str(path))
    rows = database.execute("SELECT value FROM revisions WHERE prefix = ?", (PREFIX,)).fetchall()
    database.close()
    return {bytes(value).split(b":")[4].decode() for (value,) in rows}  # type: ignore[arg-type]


def test_a_key_is_changed_under_ten_thousand_secrets_in_use(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    count = 10_000

    async def main() -> None:
        store = await _open(path)
        for start in range(0, count, 100):
            await store.commit([secret(f"s{i}", text=f"v{i}") for i in range(start, start + 100)])
        shown: list[tuple[int, int]] = []
        rotating = asyncio.ensure_future(store.rotate_key(lambda done, total: shown.append((done, total))))
        written = read = 0
        random = Random(1)
        while not rotating.done():
            name = f"s{random.randrange(count)}"
            entry = await store.get(PREFIX, "default", name)
            assert entry is not None
            read += 1
            await store.commit([secret(name, entry.revision, f"new-{written}")])
            written += 1
        rotation = await rotating
        assert written > 10 and rotation.unreadable == 0
        assert rotation.rewritten >= count and len(rotation.dropped) == 1
        assert shown == sorted(shown) and shown[-1][0] == shown[-1][1]
        assert store.failure is None
        await store.close()
        assert _keys_on_disk(path) == {rotation.key}
        store = await _open(path)
        assert len((await store.list(PREFIX)).entries) == count and store.unreadable == ()
        await store.close()

    asyncio.run(main())


@pytest.mark.parametrize("seed", range(25))
def test_a_rotation_that_loses_power_loses_nothing_and_is_finished_later(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    disk = Disk(f"rotation-{seed}-{tmp_path.name}")
    path = tmp_path / "store.db"
    count = 450

    async def open_store() -> SqliteStore:
        return await SqliteStore.open(path, encryption=Encryption(KEK), vfs=disk.name)

    async def main() -> None:
        store = await open_store()
        for start in range(0, count, 50):
            await store.commit([secret(f"s{i}") for i in range(start, start + 50)])
        before = store.revision
        disk.cut_after(random.randrange(200))
        with contextlib.suppress(StoreError):
            await store.rotate_key()
            await store.rotate_key()
        with contextlib.suppress(StoreError):
            await store.close()
        disk.power_on(random)
        store = await open_store()
        entries = (await store.list(PREFIX)).entries
        assert len(entries) == count and store.revision == before and store.unreadable == ()
        assert all(entry.object["stringData"]["b"] == CANARY for entry in entries)
        rotation = await store.rotate_key()
        await store.check()
        await store.close()
        ids = {bytes(part)[:12].decode() for part in bytes(disk.files[str(path)].live).split(b"k8s:enc:aesgcm:v1:")[1:]}
        assert rotation.key in ids
        store = await open_store()
        assert len((await store.list(PREFIX)).entries) == count
        await store.close()

    asyncio.run(main())


def test_the_outer_key_changes_too(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    new = bytes(reversed(range(32)))

    async def main() -> None:
        store = await _open(path)
        await store.commit([secret("x")])
        await store.change_kek(new)
        await store.rotate_key()
        assert store.kek == new
        await store.close()
        with pytest.raises(StoreError, match="wrapped by key"):
            await _open(path)
        store = await _open(path, new)
        assert await store.get(PREFIX, "default", "x") is not None
        await store.close()

    asyncio.run(main())


def test_a_store_without_encryption_has_no_key_to_change(tmp_path: Path) -> None:
    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        with pytest.raises(StoreError, match="not encrypted"):
            await store.rotate_key()
        await store.close()

    asyncio.run(main())


def test_a_copy_that_is_made_during_writes_is_one_moment(tmp_path: Path) -> None:
    """Each batch moves an amount from one record to another: every moment has the same sum."""

    async def main() -> None:
        store = await _open(tmp_path / "store.db")
        for start in range(0, 3_000, 100):
            await store.commit([secret(f"s{i}", text="y" * 500) for i in range(start, start + 100)])
        ends = await store.commit([secret("from", text="1000"), secret("to", text="0")])
        moved = 0
        started = store.revision
        copying = asyncio.ensure_future(store.copy_to(tmp_path / "copy.db"))
        while not copying.done():
            moved += 1
            one, other = ends
            ends = await store.commit(
                [secret("from", one.revision, str(1000 - moved)), secret("to", other.revision, str(moved))]
            )
        revision = await copying
        assert moved > 5 and started <= revision <= store.revision
        await store.close()
        renewed = renew(tmp_path / "copy.db", Encryption(KEK))
        assert renewed.objects == 3_002 and renewed.revision >= revision + REVISION_JUMP
        copy = await _open(tmp_path / "copy.db")
        amounts = [await copy.get(PREFIX, "default", name) for name in ("from", "to")]
        assert sum(int(entry.object["stringData"]["b"]) for entry in amounts if entry) == 1000
        # Revisions that clients know from after the copy mean nothing now: they must list again.
        assert copy.revision == copy.compacted == renewed.revision
        with pytest.raises(CompactedError):
            await copy.watch(PREFIX, store.revision)
        (new,) = await copy.commit([secret("new")])
        assert new.revision == renewed.revision + 1
        await copy.close()

    asyncio.run(main())


def test_a_copy_for_which_there_is_no_room_harms_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        store = await _open(tmp_path / "store.db")
        await store.commit([secret("x")])
        with pytest.raises(StoreError):
            await store.copy_to(tmp_path / "missing" / "copy.db")
        (tmp_path / "there.db").write_bytes(b"")
        with pytest.raises(StoreError, match="File exists"):
            await store.copy_to(tmp_path / "there.db")
        assert store.failure is None
        await store.commit([secret("y")])
        await store.copy_to(tmp_path / "copy.db")
        await store.close()

    asyncio.run(main())


def test_a_copy_whose_records_do_not_open_is_no_new_beginning(tmp_path: Path) -> None:
    async def main() -> None:
        store = await _open(tmp_path / "store.db")
        for name in ("one", "two"):
            await store.commit([secret(name)])
        await store.copy_to(tmp_path / "copy.db")
        await store.close()

    asyncio.run(main())
    with pytest.raises(StoreError, match="wrapped by key"):
        renew(tmp_path / "copy.db", Encryption(bytes(32)))
    _swap(tmp_path / "copy.db", "one", "two")
    with pytest.raises(StoreError, match="2 objects cannot be decrypted, the first: /secrets default/one"):
        renew(tmp_path / "copy.db", Encryption(KEK))
