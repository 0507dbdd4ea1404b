"""How long history is kept, and how what is no longer kept leaves the disk: in small steps between commits."""

from __future__ import annotations

import asyncio
from collections import deque

import apsw
import orjson

from capstan.store.entry import Change
from capstan.store.index import Index
from capstan.store.protocol import StoreError
from capstan.store.writer import Writer

HISTORY_SECONDS = 300.0
_SAMPLES = 5
_STEP_ROWS = 200
_STEP_PAGES = 200
#: Free pages are given back to the file system when there are so many, and a quarter of the file.
_FREE_PAGES = 1_000

# The counter must survive the rows that it is otherwise read from.
_KEEP = """
UPDATE facts SET value = max(value, CASE name WHEN 'compacted' THEN ?1
                                              ELSE (SELECT ifnull(max(revision), 0) FROM revisions) END)
WHERE name IN ('compacted', 'revision')
"""
_DROP = "DELETE FROM revisions WHERE revision IN (SELECT value FROM json_each(?))"


class Retention:
    """Compacts the index by age (it compacts itself by count), and trims the database after it."""

    def __init__(self, index: Index, writer: Writer, history_seconds: float, garbage: list[int]) -> None:
        self._index = index
        self._writer = writer
        self._seconds = history_seconds
        self._garbage = deque(garbage)
        self._samples: deque[tuple[float, int]] = deque()
        self._wake = asyncio.Event()
        self._trimming = asyncio.Lock()
        if len(garbage) >= _STEP_ROWS:
            self._wake.set()
        index.on_dropped = self._dropped

    async def run(self) -> None:
        """Until cancelled, or nothing can be written."""
        loop = asyncio.get_running_loop()
        self._sample(loop.time())
        while True:
            timer = loop.call_later(self._seconds / _SAMPLES, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()
            self._wake.clear()
            self._sample(loop.time())
            try:
                await self.trim()
            except StoreError:
                # `failure` says it to whoever asks; a disk that was full has room again later.
                if self._writer.broken is not None:
                    return

    async def trim(self) -> None:
        """Make the database forget what the index has forgotten, and the file small again."""
        async with self._trimming:
            while self._garbage:
                rows = [self._garbage.popleft() for _ in range(min(_STEP_ROWS, len(self._garbage)))]
                try:
                    await self._writer.call(_Trim(rows, self._index.compacted))
                except StoreError:
                    self._garbage.extendleft(reversed(rows))
                    raise
            while await self._writer.call(_shrink):
                pass

    async def compact(self, revision: int) -> None:
        """Forget history up to a revision, here and on the disk."""
        self._index.compact(revision)
        await self._writer.call(_Trim([], self._index.compacted))
        await self.trim()

    def _sample(self, now: float) -> None:
        """Note how far history is now; compact to what it was as long ago as it is kept."""
        while self._samples and self._samples[0][0] <= now - self._seconds:
            self._index.compact(self._samples.popleft()[1])
        if not self._samples or now - self._samples[-1][0] >= self._seconds / _SAMPLES:
            self._samples.append((now, self._index.revision))

    def _dropped(self, change: Change) -> None:
        """What a compacted change replaced is needed no more, nor is a deletion that nobody can see."""
        if change.previous is not None:
            self._garbage.append(change.previous.revision)
        if change.deleted:
            self._garbage.append(change.revision)
        if len(self._garbage) >= _STEP_ROWS:
            self._wake.set()


class _Trim:
    """One step: rows go, and the facts say so, in one transaction."""

    def __init__(self, rows: list[int], compacted: int) -> None:
        self._rows = orjson.dumps(rows).decode()
        self._compacted = compacted

    def __call__(self, database: apsw.Connection) -> None:
        with database:
            database.execute(_KEEP, (self._compacted,))
            database.execute(_DROP, (self._rows,))


def _shrink(database: apsw.Connection) -> bool:
    """Give some free pages back. True when there is more to give."""
    free = database.pragma("freelist_count")
    if free < _FREE_PAGES or free * 4 < database.pragma("page_count"):
        return False
    with database:
        for _ in database.execute(f"PRAGMA incremental_vacuum({_STEP_PAGES})"):
            pass
    return True
