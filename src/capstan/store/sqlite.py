"""The store in one SQLite file: one writer thread, groups of commits made durable together, reads from memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import apsw

from capstan.store.copying import Copying, verify_copy
from capstan.store.database import (
    CHECKPOINT_PAGES,
    RESTORE,
    Loaded,
    check_pages,
    fact,
    load,
    lock_store,
    open_database,
    set_fact,
    unreadable_objects,
)
from capstan.store.entry import Entry
from capstan.store.index import Index, MemorySubscription
from capstan.store.memory import changes_of
from capstan.store.protocol import StoreError, UnreadableError, Write
from capstan.store.reads import IndexReads
from capstan.store.resealing import Progress, Resealing
from capstan.store.retention import HISTORY_SECONDS, Retention
from capstan.store.sealing import Encryption, KeyRing, Sealer, SealError, Unsealed
from capstan.store.writer import Job, Writer

RETAIN_CHANGES = 10_000


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: the new data key's id, how many rows were written again, and the ids of the keys that
    are gone. `unreadable` rows keep their old keys from being dropped."""

    key: str
    rewritten: int
    dropped: tuple[str, ...]
    unreadable: int


@dataclass(frozen=True, slots=True)
class _Opened:
    """What `open` has found and made, before the event loop has a part in it."""

    database: apsw.Connection
    lock: int
    index: Index
    loaded: Loaded
    encryption: Encryption | None
    sealer: Sealer | None
    #: Values lie in the file in another way than they should: in plain text, or encrypted without need.
    exposed: bool


class SqliteStore(IndexReads):
    """Implements `Store`. Open it with `open`; a second process on the same file is refused.

    Guarantees: `synchronous=FULL`: a commit that returned survives a power cut. How writes fail: see `Writer`.
    With `encryption`, values of its prefixes are ciphertext in the file, its write-ahead log and its copies from the
    moment that `open` returns, whatever was there before.
    """

    def __init__(self, path: Path, opened: _Opened, history_seconds: float) -> None:
        super().__init__(opened.index)
        self._path = path
        self._opened = opened
        self._encryption = opened.encryption
        self._assigned = opened.index.revision
        self._in_flight: dict[tuple[str, str, str], Job] = {}
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._writer = Writer(path, opened.database, opened.sealer or Unsealed(), self._publish)
        self._retention = Retention(opened.index, self._writer, history_seconds, opened.loaded.garbage)
        self._rotating = asyncio.Lock()
        self._copying = asyncio.Lock()
        self._tasks = [self._loop.create_task(self._retention.run(), name="store-retention")]

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        retain: int = RETAIN_CHANGES,
        *,
        encryption: Encryption | None = None,
        history_seconds: float = HISTORY_SECONDS,
        checkpoint_pages: int = CHECKPOINT_PAGES,
        vfs: str | None = None,
    ) -> SqliteStore:
        """Open or make the file. History is kept for so many changes and seconds, whichever ends first; the
        write-ahead log is copied into the file when it has `checkpoint_pages`. `vfs` names the file system under
        SQLite (apsw's, for tests). Raises StoreError when the file is in use, damaged, not one
        of ours, or encrypted with another key."""
        place = Path(path)
        opened = _open(place, retain, encryption, checkpoint_pages, vfs)
        store = cls(place, opened, history_seconds)
        try:
            await store._finish_opening()
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def failure(self) -> StoreError | None:
        """Why the store is not well, if so: it takes no writes, or some objects cannot be read."""
        if self._writer.failure is not None or not self._index.unreadable:
            return self._writer.failure
        return unreadable_objects(self._index)

    @property
    def kek(self) -> bytes:
        """The key that opens the data keys; for backups. Raises StoreError when nothing is encrypted."""
        return self._sealed()[1].key

    @property
    def unreadable(self) -> Sequence[UnreadableError]:
        """Objects that are there and cannot be read."""
        return tuple(self._index.unreadable.values())

    async def commit(self, batch: Sequence[Write]) -> Sequence[Entry]:
        keys = [(write.prefix, write.namespace, write.name) for write in batch]
        while ahead := self._ahead_of(keys):
            turn: asyncio.Future[None] = self._loop.create_future()
            ahead.followers.append(turn)
            await turn
        self._check_open()
        self._index.check(batch)
        changes = changes_of(batch, self._index, self._assigned)
        self._assigned += len(changes)
        job = Job(changes, self._loop.create_future())
        for key in keys:
            self._in_flight[key] = job
        self._writer.submit(job)
        # The write happens whether or not its caller still waits: nobody else waits for this future.
        await job.done
        return [change.entry for change in changes]

    def _ahead_of(self, keys: Sequence[tuple[str, str, str]]) -> Job | None:
        """A commit on its way that writes one of the same objects."""
        for key in keys:
            if key in self._in_flight:
                return self._in_flight[key]
        return None

    async def watch(self, prefix: str, after: int, *, buffer: int = 0) -> MemorySubscription:
        self._check_open()
        return self._index.watch(prefix, after, buffer)

    async def compact(self, revision: int) -> None:
        self._check_open()
        await self._retention.compact(revision)

    async def rotate_key(self, progress: Progress | None = None) -> Rotation:
        """Make a new data key, write everything again under it while the store works, and drop the old keys.

        A crash between any two steps leaves every row readable; the next start goes on. Raises StoreError."""
        self._check_open()
        async with self._rotating:
            sealer, encryption = self._sealed()
            ring = sealer.ring.with_new_key(encryption.token)

            def use(database: apsw.Connection) -> None:
                # On the writer's thread: the key is durable before anything is sealed with it.
                with database:
                    set_fact(database, "keys", encryption.wrapped(ring))
                sealer.use(ring)

            await self._writer.call(use)
            return await self._reseal(progress)

    async def change_kek(self, kek: bytes) -> None:
        """Wrap the data keys with another KEK; from now on only that one opens the file."""
        self._check_open()
        async with self._rotating:
            sealer, encryption = self._sealed()
            encryption = replace(encryption, kek=kek)
            await self._keep_ring(sealer, encryption, sealer.ring)
            self._encryption = encryption

    async def copy_to(self, path: Path, progress: Progress | None = None) -> int:
        """Make a consistent copy of the file while the store works, and check it. Gives the revision that it has at
        least. Raises StoreError; nothing but the copy is harmed then."""
        self._check_open()
        async with self._copying:
            copying = Copying(path)
            try:
                await self._writer.call(copying.begin, writes=False)
                while await self._writer.call(copying.step, writes=False):
                    if progress is not None:
                        progress(copying.done_pages, copying.total_pages)
                revision = self.revision
            finally:
                await self._writer.call(copying.end, writes=False)
            await self._loop.run_in_executor(None, verify_copy, path)
            return revision

    async def check(self) -> None:
        """Read the whole file and check how it hangs together; writes wait for it. Raises StoreError."""
        self._check_open()
        await self._writer.call(partial(check_pages, self._path, pragma="integrity_check"), writes=False)

    async def close(self) -> None:
        """Finish what was committed, and free the file."""
        if self._closed:
            return
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._writer.close()
        self._index.close(StoreError("the store was closed"))
        with contextlib.suppress(apsw.Error):
            self._opened.database.close()
        os.close(self._opened.lock)

    def _check_open(self) -> None:
        if self._writer.broken is not None:
            # One error, raised again and again: without this it would keep the trace of every time.
            raise self._writer.broken.with_traceback(None)
        if self._closed:
            raise StoreError("the store was closed")

    def _publish(self, job: Job) -> None:
        """Make a durable commit visible; called in revision order."""
        for change in job.changes:
            del self._in_flight[(change.entry.prefix, change.entry.namespace, change.entry.name)]
            if job.error is None:
                self._index.publish(change)

    # Encryption.

    def _sealed(self) -> tuple[Sealer, Encryption]:
        if self._opened.sealer is None or self._encryption is None:
            raise StoreError(f"{self._path} is not encrypted: it has no key to change")
        return self._opened.sealer, self._encryption

    async def _finish_opening(self) -> None:
        """What was left by an interrupted rotation is done beside the work; plain text is gone before it begins."""
        sealer, encryption = self._opened.sealer, self._encryption
        if sealer is None or encryption is None:
            return
        if self._opened.exposed:
            await self._reseal(None)
            await self._writer.call(_scrub)
            await self._writer.call(_Remember(_covered(encryption)))
        elif self._opened.loaded.stale or len(sealer.ring.keys) > 1:
            self._tasks.append(self._loop.create_task(self._resume(), name="store-reseal"))

    async def _resume(self) -> None:
        async with self._rotating:
            # A failure is in `failure`; the next start tries again.
            with contextlib.suppress(StoreError):
                await self._reseal(None)

    async def _reseal(self, progress: Progress | None) -> Rotation:
        sealer, encryption = self._sealed()
        walk = Resealing(sealer, self._assigned)
        more = True
        while more:
            more = await self._writer.call(walk.step)
            if progress is not None:
                progress(min(walk.at, walk.last) if more else walk.last, walk.last)
        dropped: tuple[str, ...] = ()
        if not walk.unreadable:
            ring = sealer.ring.only_current()
            dropped = tuple(sorted(set(sealer.ring.keys) - set(ring.keys)))
            if dropped:
                await self._keep_ring(sealer, encryption, ring)
                await self._writer.call(_checkpoint)
        return Rotation(sealer.ring.current, walk.written, dropped, len(walk.unreadable))

    async def _keep_ring(self, sealer: Sealer, encryption: Encryption, ring: KeyRing) -> None:
        def keep(database: apsw.Connection) -> None:
            with database:
                set_fact(database, "keys", encryption.wrapped(ring))
            sealer.use(ring)

        await self._writer.call(keep)


def _covered(encryption: Encryption) -> str:
    return " ".join(sorted(encryption.prefixes))


def _checkpoint(database: apsw.Connection) -> None:
    """What lies in the write-ahead log goes to the file, and out of the log's own file."""
    for _ in database.execute("PRAGMA wal_checkpoint(truncate)"):
        pass


def _scrub(database: apsw.Connection) -> None:
    """Nothing that was deleted or replaced stays in free pages or in the write-ahead log."""
    database.execute("VACUUM")
    _checkpoint(database)


class _Remember:
    """Writes down which prefixes are encrypted, once nothing of them is left in plain text."""

    def __init__(self, covered: str) -> None:
        self._covered = covered

    def __call__(self, database: apsw.Connection) -> None:
        set_fact(database, "encrypted", self._covered)


def _open(place: Path, retain: int, encryption: Encryption | None, checkpoint_pages: int, vfs: str | None) -> _Opened:
    lock = lock_store(place)
    database: apsw.Connection | None = None
    try:
        database = open_database(place, vfs, checkpoint_pages)
        return _loaded(database, lock, retain, encryption)
    except (apsw.Error, StoreError, SealError, UnicodeDecodeError) as error:
        if database is not None:
            database.close()
        os.close(lock)
        raise _refusal(place, error) from None


def _loaded(database: apsw.Connection, lock: int, retain: int, encryption: Encryption | None) -> _Opened:
    document = fact(database, "keys", None)
    sealer = None
    if encryption is None:
        if document is not None:
            raise SealError("it is encrypted and no key was given")
    else:
        encryption = encryption.found(document)
        sealer = encryption.sealer(document)
        if document is None:
            set_fact(database, "keys", encryption.wrapped(sealer.ring))
    index = Index(retain)
    loaded = load(database, index, sealer or Unsealed())
    exposed = encryption is not None and fact(database, "encrypted", "") != _covered(encryption)
    return _Opened(database, lock, index, loaded, encryption, sealer, exposed)


def _refusal(place: Path, error: Exception) -> StoreError:
    """What is wrong with the file, and what to do about it."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, SealError):
        return StoreError(f"{place} cannot be decrypted: {error}; give the key that it was made with")
    if isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        return StoreError(
            f"{place} cannot be opened for writing: {error}; check the disk and the owner of its directory"
        )
    if isinstance(error, apsw.FullError):
        return StoreError(f"{place} cannot be opened: {error}; free some space on its disk")
    if isinstance(error, apsw.BusyError):
        return StoreError(f"{place} is in use by another program; one store has one process")
    if isinstance(error, apsw.IOError):
        return StoreError(f"{place} cannot be read: {error}; check the disk, or {RESTORE}")
    return StoreError(f"{place} is damaged or not a Capstan store ({error}); {RESTORE}")
