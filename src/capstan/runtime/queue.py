"""The work queue: a key waits once however often it is added, is never worked on twice at the same time, and comes
back later when it is delayed or failed.

States of a key: waiting (in the queue), working (handed out), dirty (added again while working: waits when done),
delayed (a timer will add it). The same rules as client-go's work queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

K = TypeVar("K")

#: Back-off after failures: 5 ms, doubling (cluster-api-core.md 0.3), capped lower than upstream's 1000 s so that a
#: cause that is gone is noticed within five minutes even where it cannot be watched.
FIRST_DELAY_SECONDS = 0.005
LONGEST_DELAY_SECONDS = 300.0


class WorkQueue(Generic[K]):
    """Keys to work on, in the order of their arrival. All methods are called from the event loop."""

    def __init__(self) -> None:
        self._waiting: deque[K] = deque()
        self._known: set[K] = set()
        self._working: set[K] = set()
        self._dirty: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._getters: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is worked on; delayed keys do not count."""
        return not self._waiting and not self._working

    def next_timer(self) -> float | None:
        """When the earliest delayed key is due, in the event loop's time."""
        return min((t.when() for t in self._timers.values()), default=None)

    def add(self, key: K) -> None:
        """Work on `key` soon. A timer for it is no longer needed."""
        if self._closed:
            return
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._working:
            self._dirty.add(key)
        elif key not in self._known:
            self._known.add(key)
            self._waiting.append(key)
            self._wake()

    def add_after(self, key: K, seconds: float) -> None:
        """Work on `key` in `seconds`; an earlier timer stays."""
        if self._closed:
            return
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(due, self._due, key)

    def add_failed(self, key: K, *, first: float = FIRST_DELAY_SECONDS) -> float:
        """Work on `key` after its back-off, which doubles with each failure. Gives the wait in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(first * 2.0 ** min(failures, 40), LONGEST_DELAY_SECONDS)
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """The key succeeded: its next failure starts the back-off anew."""
        self._failures.pop(key, None)

    async def get(self) -> K | None:
        """The next key, which is then being worked on until `done`; None once the queue is closed."""
        while not self._waiting:
            if self._closed:
                return None
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            await getter
        key = self._waiting.popleft()
        self._known.discard(key)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        self._working.discard(key)
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key)

    def close(self) -> None:
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()
        while self._getters:
            self._wake()

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
