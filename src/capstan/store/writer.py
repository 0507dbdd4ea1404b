"""The one thread that uses the database: groups of commits made durable together, other work between them."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import apsw

from capstan.store.database import on_disk
from capstan.store.entry import Change
from capstan.store.protocol import StoreError
from capstan.store.sealing import Sealing

_GROUP_LIMIT = 512
_COLUMNS = 8
_ROW = "(" + ", ".join("?" * _COLUMNS) + ")"
_ROWS_AT_ONCE = 64

T = TypeVar("T")


@dataclass(slots=True)
class Job:
    """One commit on its way to the disk."""

    changes: list[Change]
    done: asyncio.Future[None]
    error: StoreError | None = None
    #: Who waits to write the same objects next.
    followers: list[asyncio.Future[None]] = field(default_factory=list)


@dataclass(slots=True)
class _Call:
    """Other work with the database, and what came of it."""

    work: Callable[[apsw.Connection], Any]
    done: asyncio.Future[Any]
    writes: bool


class _Write:
    """Says to the thread that commits wait."""


_WRITE = _Write()


class Writer:
    """Runs commits and other work one after the other, in the order of their arrival.

    Guarantees: a commit or a call that ended without an error is durable. A full disk refuses what is written,
    SQLite takes it back whole, and the next write is tried again. After any other failed write nothing is written
    any more: what reached the disk is then unknown until the next start (a failed fsync is not tried again: the
    kernel may have thrown away what it could not write).
    """

    def __init__(
        self,
        path: Path,
        database: apsw.Connection,
        sealing: Sealing,
        publish: Callable[[Job], None],
    ) -> None:
        self._path = path
        self._database = database
        self._sealing = sealing
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Write | _Call | None] = queue.SimpleQueue()
        self._waiting: deque[Job] = deque()
        self._signalled = False
        self._unfinished = 0
        self._failure: StoreError | None = None
        #: What the last write said of a full disk; the next one that succeeds clears it.
        self._full: StoreError | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> StoreError | None:
        """Why nothing is written, if so: for good, or until the disk has room again."""
        return self._failure or self._full

    @property
    def broken(self) -> StoreError | None:
        return self._failure

    def submit(self, job: Job) -> None:
        """Everything that comes while a group is written, or in one turn of the loop, is the next group."""
        self._unfinished += 1
        self._waiting.append(job)
        if not self._signalled:
            self._signalled = True
            self._loop.call_soon(self._queue.put, _WRITE)

    async def call(self, work: Callable[[apsw.Connection], T], *, writes: bool = True) -> T:
        """Do something with the database between groups. Raises StoreError; a failure of work that `writes` counts
        like that of a commit."""
        done: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Call(work, done, writes))
        return await asyncio.shield(done)

    async def close(self) -> None:
        """Finish what was submitted and end the thread."""
        while self._unfinished:
            await self.call(lambda database: None, writes=False)
        self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)
        await asyncio.sleep(0)

    # The thread.

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, _Call):
                self._do(item)
            else:
                self._write()

    def _do(self, call: _Call) -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            if call.writes and self._failure is not None:
                raise self._failure
            result = call.work(self._database)
            if call.writes:
                self._full = None
        except (apsw.Error, OSError) as failed:
            error = self._failed(failed) if call.writes else StoreError(f"{self._path}: {failed}")
        except Exception as failed:
            error = failed
        self._loop.call_soon_threadsafe(_settle, call.done, result, error)

    def _write(self) -> None:
        # Cleared before the jobs are taken: one that comes after that signals again.
        self._signalled = False
        group: list[Job] = []
        while self._waiting and len(group) < _GROUP_LIMIT:
            group.append(self._waiting.popleft())
        if not group:
            return
        if self._waiting:
            self._queue.put(_WRITE)
        try:
            if self._failure is not None:
                raise self._failure
            self._append([change for job in group for change in job.changes])
            self._full = None
        except (apsw.Error, OSError, StoreError) as error:
            failure = error if isinstance(error, StoreError) else self._failed(error)
            for job in group:
                job.error = failure
        self._loop.call_soon_threadsafe(self._finish, group)

    def _failed(self, error: Exception) -> StoreError:
        """What a failed write means for later ones."""
        if isinstance(error, apsw.FullError):
            self._full = StoreError(f"{self._path} cannot be written: {error}; free some space on its disk")
            return self._full
        advice = "nothing is written until Capstan is started again; check the disk first"
        if self._failure is None:
            self._failure = StoreError(f"{self._path} cannot be written: {error}; {advice}")
        return self._failure

    def _append(self, changes: Sequence[Change]) -> None:
        """A group as one statement where it fits: each statement costs this thread a turn at the interpreter's
        lock, which a busy loop gives away only every few milliseconds."""
        values: list[object] = []
        for change in changes:
            values += on_disk(change, self._sealing)
        if len(changes) <= _ROWS_AT_ONCE:
            if changes:
                self._database.execute(_insert(len(changes)), values)
            return
        with self._database:
            for start in range(0, len(changes), _ROWS_AT_ONCE):
                rows = min(_ROWS_AT_ONCE, len(changes) - start)
                self._database.execute(_insert(rows), values[start * _COLUMNS : (start + rows) * _COLUMNS])

    # On the loop again.

    def _finish(self, group: list[Job]) -> None:
        self._unfinished -= len(group)
        for job in group:
            self._publish(job)
            _settle(job.done, None, job.error)
            for follower in job.followers:
                _settle(follower, None, None)


def _settle(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
        done.exception()


@cache
def _insert(rows: int) -> str:
    return "INSERT INTO revisions VALUES " + ", ".join([_ROW] * rows)
