"""The SQLite file: its lock, its settings and schema, and what is in it at the start."""

from __future__ import annotations

import fcntl
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import apsw

from capstan.store.directory import sync_directory
from capstan.store.entry import Change, Entry
from capstan.store.index import Index
from capstan.store.protocol import StoreError, UnreadableError
from capstan.store.sealing import SealError, Sealing

FORMAT = 2
PAGE_BYTES = 4096
#: The write-ahead log is copied into the file when it has this many pages: a commit waits some 15 ms for that.
CHECKPOINT_PAGES = 1_000
#: Files up to this size are checked page by page at start. Every start reads and checks each record of any file.
_CHECK_BYTES = 256 * 1024 * 1024

# A revision is one row; the present state of a key is its newest row. Rows go when compaction has passed what
# replaced them. `check` is the CRC-32 of the value, for what a disk changes by itself.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revisions (
    revision INTEGER PRIMARY KEY, previous INTEGER NOT NULL, deleted INTEGER NOT NULL,
    prefix TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, "check" INTEGER NOT NULL, value BLOB NOT NULL
);
"""
# Format 1 kept the present state in a table of its own beside the log.
_FROM_FORMAT_1 = """
INSERT INTO revisions SELECT revision, previous, deleted, prefix, namespace, name, checksum(value), value FROM log;
INSERT OR IGNORE INTO revisions
    SELECT revision, 0, 0, prefix, namespace, name, checksum(value), value FROM current;
DROP TRIGGER written;
DROP TRIGGER removed;
DROP TABLE current;
DROP TABLE log;
"""
_ALL = 'SELECT revision, previous, deleted, prefix, namespace, name, "check", value FROM revisions ORDER BY revision'

_Key = tuple[str, str, str]


@dataclass(slots=True)
class Loaded:
    """What the start found besides the objects."""

    #: Rows that nothing needs any more: compaction had passed them when the process ended.
    garbage: list[int] = field(default_factory=list)
    #: How many rows are not sealed as they would be now.
    stale: int = 0


def lock_store(place: Path) -> int:
    """Hold the lock file next to the store as long as this process has it open. Raises StoreError."""
    lock_path = place.with_name(place.name + ".lock")
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError(f"{lock_path} cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 32).decode(errors="replace").strip()
        os.close(lock)
        who = f" (process {holder})" if holder.isdigit() else ""
        raise StoreError(f"{place} is in use by another process{who}; one store has one process") from None
    try:
        os.truncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    except OSError as error:
        os.close(lock)
        raise StoreError(f"{lock_path} cannot be written: {error.strerror}") from None
    return lock


def open_database(place: Path, vfs: str | None = None, checkpoint_pages: int = CHECKPOINT_PAGES) -> apsw.Connection:
    """The database with its settings, checked and of our format. Raises StoreError or apsw.Error."""
    if vfs is None:
        _prepare_file(place)
    database = apsw.Connection(str(place), vfs=vfs)
    try:
        _configure(database, checkpoint_pages)
        _check_format(place, database)
        if database.pragma("page_count") * PAGE_BYTES <= _CHECK_BYTES:
            check_pages(place, database, "quick_check")
        _make_schema(database)
    except BaseException:
        database.close()
        raise
    return database


RESTORE = "restore it from a backup with `capstan restore`"


def check_pages(place: Path, database: apsw.Connection, pragma: str) -> None:
    """Let SQLite look at every page. Raises StoreError with the first thing that is wrong."""
    verdict = str(database.pragma(pragma, 1))
    if verdict != "ok":
        raise StoreError(f"{place} is damaged ({' '.join(verdict.split())}); {RESTORE}")


def refuse_foreign(place: Path, found: os.stat_result, user: int) -> None:
    """A file that is no plain file, or belongs to somebody else, is not opened: what we would write beside it
    would not be theirs to read."""
    if not stat.S_ISREG(found.st_mode):
        raise StoreError(f"{place} is not a regular file; symbolic links are not followed")
    if found.st_uid != user:
        raise StoreError(f"{place} belongs to user {found.st_uid}, Capstan runs as {user}; run it as that user")


def _prepare_file(place: Path) -> None:
    try:
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        sync_directory(place.parent)
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreError(f"{place} cannot be made: {error.strerror}") from None
    found = place.lstat()
    refuse_foreign(place, found, os.geteuid())
    if found.st_mode & 0o077:
        place.chmod(0o600)


def _configure(database: apsw.Connection, checkpoint_pages: int) -> None:
    # Nobody else opens the file: no shared memory beside it, no locks per commit.
    database.pragma("locking_mode", "exclusive")
    database.pragma("auto_vacuum", "incremental")
    database.pragma("journal_mode", "wal")
    database.pragma("synchronous", "full")
    database.pragma("cell_size_check", True)
    database.pragma("mmap_size", 0)
    database.pragma("trusted_schema", False)
    database.pragma("temp_store", "memory")
    # What an earlier process could not get to the disk may still be seen in the kernel's cache of the write-ahead
    # log: copied into the file and synced before it is served, it is what it looks like.
    database.pragma("wal_checkpoint(truncate)")
    database.wal_autocheckpoint(checkpoint_pages)


def _check_format(place: Path, database: apsw.Connection) -> None:
    if not database.pragma("table_info", "facts"):
        return
    found = int(fact(database, "format", 0))
    if not 1 <= found <= FORMAT:
        raise StoreError(f"{place} has format {found}, this version of Capstan reads up to {FORMAT}")


def _make_schema(database: apsw.Connection) -> None:
    database.create_scalar_function("checksum", _checksum, 1, deterministic=True)
    with database:
        database.execute(_SCHEMA)
        if int(fact(database, "format", FORMAT)) == 1:
            database.execute(_FROM_FORMAT_1)
        for name, value in (("revision", 0), ("compacted", 0)):
            database.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, value))
        set_fact(database, "format", FORMAT)


def _checksum(*values: Any) -> int:
    return crc32(values[0])


def fact(database: apsw.Connection, name: str, default: Any) -> Any:
    for (value,) in database.execute("SELECT value FROM facts WHERE name = ?", (name,)):
        return value
    return default


def set_fact(database: apsw.Connection, name: str, value: int | str | bytes) -> None:
    database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def load(database: apsw.Connection, index: Index, sealing: Sealing) -> Loaded:
    """Everything as bytes: decoding waits until somebody reads."""
    revision, compacted = int(fact(database, "revision", 0)), int(fact(database, "compacted", 0))
    loading = _Loading(index, sealing, compacted)
    for row in database.execute(_ALL):
        loading.take(row)
    return loading.finish(revision)


def unreadable_objects(index: Index) -> StoreError:
    """What is wrong when some objects do not open."""
    first = next(iter(index.unreadable.values()))
    count = len(index.unreadable)
    found = "1 object cannot be decrypted" if count == 1 else f"{count} objects cannot be decrypted, the first"
    return StoreError(f"{found}: {first.place} ({first.why}); {RESTORE}")


class _Loading:
    """Rows in the order of their revisions become present objects and retained changes."""

    def __init__(self, index: Index, sealing: Sealing, compacted: int) -> None:
        self._index = index
        self._sealing = sealing
        self._floor = compacted
        self._present: dict[_Key, Entry] = {}
        self._entries: dict[int, Entry] = {}
        self._changes: list[tuple[Entry, int, bool]] = []
        self._unreadable: dict[int, UnreadableError] = {}
        self._found = Loaded()
        self._newest = 0

    def take(self, row: tuple[int, int, int, str, str, str, int, bytes]) -> None:
        at, previous, deleted, prefix, namespace, name, check, stored = row
        self._newest = at
        if not self._sealing.is_current(prefix, stored):
            self._found.stale += 1
        value = self._opened(at, prefix, namespace, name, check, stored)
        entry = self._entries[at] = Entry(prefix, namespace, name, at, value)
        key = (prefix, namespace, name)
        if deleted:
            self._present.pop(key, None)
        else:
            self._present[key] = entry
        if at > self._floor:
            self._changes.append((entry, previous, bool(deleted)))

    def _opened(self, at: int, prefix: str, namespace: str, name: str, check: int, stored: bytes) -> bytes:
        try:
            if crc32(stored) != check:
                raise SealError("it was changed on the disk")
            return self._sealing.open(prefix, namespace, name, stored)
        except SealError as error:
            self._unreadable[at] = UnreadableError(prefix, namespace, name, str(error))
            return b""

    def finish(self, revision: int) -> Loaded:
        index = self._index
        needed = set()
        for key, entry in self._present.items():
            index.load(entry)
            needed.add(entry.revision)
            if entry.revision in self._unreadable:
                index.unreadable[key] = self._unreadable[entry.revision]
        floor = self._floor
        if len(self._changes) > index.retain:
            floor = self._changes[-index.retain - 1][0].revision
        for entry, past, _ in self._changes:
            # History that cannot be shown is as good as compacted.
            if entry.revision in self._unreadable or past in self._unreadable:
                floor = max(floor, entry.revision)
        for entry, past, deleted in self._changes:
            if entry.revision > floor:
                index.load_history(Change(entry, self._entries.get(past), deleted))
                needed |= {entry.revision, past}
        self._found.garbage = [at for at in self._entries if at not in needed]
        index.loaded(max(revision, self._newest), floor)
        return self._found


def on_disk(change: Change, sealing: Sealing) -> tuple[object, ...]:
    """The row of a change."""
    entry, previous = change.entry, change.previous
    past = previous.revision if previous is not None else 0
    stored = sealing.seal(entry.prefix, entry.namespace, entry.name, entry.value)
    place = (entry.prefix, entry.namespace, entry.name)
    return (entry.revision, past, change.deleted, *place, crc32(stored), stored)
