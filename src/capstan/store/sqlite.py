"""The store in one SQLite file: one writer thread, groups of commits made durable together, reads from memory."""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import apsw

from capstan.store.entry import Change, Entry
from capstan.store.index import Index, MemorySubscription
from capstan.store.memory import changes_of
from capstan.store.protocol import StoreError, Write
from capstan.store.reads import IndexReads

RETAIN_CHANGES = 10_000
_FORMAT = 1
_GROUP_LIMIT = 512
_COMPACT_EVERY = 1_000
_COMPACT_STEP = 500
#: Files up to this size are checked page by page at start; larger ones only as far as they are read.
_CHECK_BYTES = 64 * 1024 * 1024

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS current (
    prefix TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    revision INTEGER NOT NULL, value BLOB NOT NULL,
    UNIQUE (prefix, namespace, name)
);
CREATE TABLE IF NOT EXISTS log (
    revision INTEGER PRIMARY KEY, previous INTEGER NOT NULL, deleted INTEGER NOT NULL,
    prefix TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL
);
CREATE TRIGGER IF NOT EXISTS written AFTER INSERT ON log WHEN NOT NEW.deleted BEGIN
    INSERT INTO current (prefix, namespace, name, revision, value)
    VALUES (NEW.prefix, NEW.namespace, NEW.name, NEW.revision, NEW.value)
    ON CONFLICT (prefix, namespace, name) DO UPDATE SET revision = excluded.revision, value = excluded.value;
END;
CREATE TRIGGER IF NOT EXISTS removed AFTER INSERT ON log WHEN NEW.deleted BEGIN
    DELETE FROM current WHERE prefix = NEW.prefix AND namespace = NEW.namespace AND name = NEW.name;
END;
"""
_ROW = "(?, ?, ?, ?, ?, ?, ?)"
_ROWS_AT_ONCE = 64
# The counter must survive the history that it is otherwise read from.
_KEEP = """
UPDATE facts SET value = max(value, CASE name WHEN 'compacted' THEN ?1 ELSE (SELECT max(revision) FROM log) END)
WHERE name IN ('compacted', 'revision')
"""
# A revision that is older than the retained history stays while a retained change still shows it as its past.
_TRIM = """
DELETE FROM log WHERE revision IN (
    SELECT revision FROM log WHERE revision <= ?1
    AND revision NOT IN (SELECT previous FROM log WHERE revision > ?1)
    LIMIT ?2
)
"""


@dataclass(slots=True)
class _Job:
    """One commit on its way to the disk, or a compaction when it has no changes."""

    changes: list[Change]
    done: asyncio.Future[None]
    compact: int = 0
    error: Exception | None = field(default=None)


_Group = list[_Job]
_Changes = list[Change]


class SqliteStore(IndexReads):
    """Implements `Store`. Open it with `open`; a second process on the same file is refused.

    Guarantees: `synchronous=FULL`: a commit that returned survives a power cut. A full disk refuses the commit, which
    SQLite takes back whole, and the next one is tried again. After any other failed write the store takes no more
    writes: what reached the disk is then unknown.
    """

    def __init__(self, path: Path, database: apsw.Connection, lock: int, index: Index, retain: int) -> None:
        super().__init__(index)
        self._path = path
        self._database = database
        self._lock = lock
        self._retain = retain
        self._assigned = index.revision
        self._compacted_at = index.revision
        self._in_flight: dict[tuple[str, str, str], asyncio.Future[None]] = {}
        self._waiting: _Group = []
        self._writing: _Group = []
        self._busy = False
        self._jobs: queue.SimpleQueue[_Group | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._failure: StoreError | None = None
        #: What the last write said of a full disk; the next one that succeeds clears it.
        self._full: StoreError | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._write_groups, name="store-writer", daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, path: str | os.PathLike[str], retain: int = RETAIN_CHANGES) -> SqliteStore:
        """Open or make the file. Raises StoreError when it is in use, damaged, or not one of ours."""
        place = Path(path)
        lock = _locked(place)
        index = Index(retain)
        try:
            database = _opened(place)
            _load(database, index)
        except (apsw.Error, StoreError, UnicodeDecodeError) as error:
            os.close(lock)
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"{place} is damaged or not a Capstan store ({error}); restore it from a backup") from None
        return cls(place, database, lock, index, retain)

    @property
    def failure(self) -> StoreError | None:
        """Why the store takes no writes, if so: for good, or until the disk has room again."""
        return self._failure or self._full

    async def commit(self, batch: Sequence[Write]) -> Sequence[Entry]:
        keys = [(write.prefix, write.namespace, write.name) for write in batch]
        while waiting := next((self._in_flight[key] for key in keys if key in self._in_flight), None):
            await asyncio.wait([waiting])
        self._check_open()
        self._index.check(batch)
        changes = changes_of(batch, self._index, self._assigned)
        self._assigned += len(changes)
        done: asyncio.Future[None] = self._loop.create_future()
        self._in_flight.update(dict.fromkeys(keys, done))
        self._submit(_Job(changes, done))
        # The write happens whether or not its caller still waits, so it is shielded from a cancellation.
        await asyncio.shield(done)
        return [change.entry for change in changes]

    async def watch(self, prefix: str, after: int, *, buffer: int = 0) -> MemorySubscription:
        self._check_open()
        return self._index.watch(prefix, after, buffer)

    async def compact(self, revision: int) -> None:
        self._check_open()
        self._index.compact(revision)
        done: asyncio.Future[None] = self._loop.create_future()
        self._submit(_Job([], done, compact=self._index.compacted))
        await asyncio.shield(done)

    async def close(self) -> None:
        """Finish what was committed, and free the file."""
        if self._closed:
            return
        self._closed = True
        while self._busy or self._waiting:
            await asyncio.wait([job.done for job in (*self._writing, *self._waiting)])
        self._jobs.put(None)
        await self._loop.run_in_executor(None, self._thread.join)
        await asyncio.sleep(0)
        self._index.close(StoreError("the store was closed"))
        self._database.close()
        os.close(self._lock)

    def _check_open(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise StoreError("the store was closed")

    def _submit(self, job: _Job) -> None:
        """Everything that comes while a group is written, or in one turn of the loop, is the next group."""
        self._waiting.append(job)
        if not self._busy and len(self._waiting) == 1:
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._busy or not self._waiting:
            return
        self._busy = True
        self._writing, self._waiting = self._waiting[:_GROUP_LIMIT], self._waiting[_GROUP_LIMIT:]
        self._jobs.put(self._writing)

    # The writer thread: only this thread uses the database after the start.

    def _write_groups(self) -> None:
        while (group := self._jobs.get()) is not None:
            self._write_group(group)
            self._loop.call_soon_threadsafe(self._publish, group)

    def _write_group(self, group: _Group) -> None:
        try:
            self._append([change for job in group for change in job.changes])
        except (apsw.Error, OSError, StoreError) as error:
            self._refuse(group, error)
            return
        try:
            self._trim_after(group)
        except (apsw.Error, OSError) as error:
            # What the group wrote is durable: only who asked for the compaction is told, and later ones catch up.
            self._refuse([job for job in group if job.compact], error)

    def _refuse(self, jobs: _Group, error: Exception) -> None:
        failure = error if isinstance(error, StoreError) else StoreError(f"{self._path} cannot be written: {error}")
        if isinstance(error, apsw.FullError):
            self._full = failure
        elif self._failure is None:
            self._failure = failure
        for job in jobs:
            job.error = failure

    def _trim_after(self, group: _Group) -> None:
        compact = max((job.compact for job in group), default=0)
        newest = max((job.changes[-1].revision for job in group if job.changes), default=0)
        if not compact and newest - self._compacted_at >= _COMPACT_EVERY:
            compact = newest - self._retain
            self._compacted_at = newest
        if compact > 0:
            self._trim(compact)

    def _append(self, changes: _Changes) -> None:
        """A group as one statement where it fits: each statement costs this thread a turn at the interpreter's
        lock, which a busy loop gives away only every few milliseconds. Triggers keep `current`."""
        if not changes:
            return
        if self._failure is not None:
            raise self._failure
        values: list[object] = []
        for change in changes:
            entry, previous = change.entry, change.previous
            past = previous.revision if previous is not None else 0
            values += (entry.revision, past, change.deleted, entry.prefix, entry.namespace, entry.name, entry.value)
        if len(changes) <= _ROWS_AT_ONCE:
            self._database.execute(_insert(len(changes)), values)
        else:
            with self._database:
                for start in range(0, len(changes), _ROWS_AT_ONCE):
                    rows = min(_ROWS_AT_ONCE, len(changes) - start)
                    self._database.execute(_insert(rows), values[start * 7 : (start + rows) * 7])
        self._full = None

    def _trim(self, compact: int) -> None:
        """Delete old history in small steps, each its own transaction, so that no commit waits long."""
        while True:
            with self._database:
                self._database.execute(_KEEP, (compact,))
                self._database.execute(_TRIM, (compact, _COMPACT_STEP))
                if self._database.changes() < _COMPACT_STEP:
                    return

    def _publish(self, group: _Group) -> None:
        """On the loop: make a durable group visible, in revision order, and answer those who wait."""
        self._busy = False
        self._hand_over()
        for job in group:
            for change in job.changes:
                key = (change.entry.prefix, change.entry.namespace, change.entry.name)
                del self._in_flight[key]
                if job.error is None:
                    self._index.publish(change)
            if job.done.done():
                continue
            if job.error is None:
                job.done.set_result(None)
            else:
                job.done.set_exception(job.error)
                job.done.exception()


@cache
def _insert(rows: int) -> str:
    return "INSERT INTO log VALUES " + ", ".join([_ROW] * rows)


def _locked(place: Path) -> int:
    """Hold the lock file next to the store as long as this process has it open."""
    lock_path = place.with_name(place.name + ".lock")
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{lock_path} cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 32).decode(errors="replace").strip()
        os.close(lock)
        who = f" (process {holder})" if holder.isdigit() else ""
        raise StoreError(f"{place} is in use by another process{who}; one store has one process") from None
    os.truncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def _opened(place: Path) -> apsw.Connection:
    """The database with its settings, checked and of our format."""
    if not place.exists():
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    database = apsw.Connection(str(place))
    database.pragma("journal_mode", "wal")
    database.pragma("synchronous", "full")
    database.pragma("cell_size_check", True)
    database.pragma("mmap_size", 0)
    if place.stat().st_size <= _CHECK_BYTES:
        verdict = database.pragma("quick_check", 1)
        if verdict != "ok":
            raise StoreError(f"{place} is damaged ({verdict}); restore it from a backup")
    with database:
        database.execute(_SCHEMA)
        for name, value in (("format", _FORMAT), ("revision", 0), ("compacted", 0)):
            database.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, value))
    found = _fact(database, "format")
    if found != _FORMAT:
        raise StoreError(f"{place} has format {found}, this version of Capstan reads {_FORMAT}")
    return database


def _fact(database: apsw.Connection, name: str) -> int:
    return int(next(iter(database.execute("SELECT value FROM facts WHERE name = ?", (name,))))[0])


def _load(database: apsw.Connection, index: Index) -> None:
    """Everything as bytes: decoding waits until somebody reads."""
    revision, compacted = _fact(database, "revision"), _fact(database, "compacted")
    present: dict[tuple[str, str, str], Entry] = {}
    for prefix, namespace, name, at, value in database.execute(
        "SELECT prefix, namespace, name, revision, value FROM current ORDER BY prefix, namespace, name"
    ):
        entry = present[(prefix, namespace, name)] = Entry(prefix, namespace, name, at, value)
        index.load(entry)
    known = {entry.revision: entry for entry in present.values()}
    for at, past, deleted, prefix, namespace, name, value in database.execute(
        "SELECT revision, previous, deleted, prefix, namespace, name, value FROM log ORDER BY revision"
    ):
        logged = known.setdefault(at, Entry(prefix, namespace, name, at, value))
        if at > compacted:
            index.load_history(Change(logged, known.get(past), bool(deleted)))
    index.loaded(max(revision, *known) if known else revision, compacted)
