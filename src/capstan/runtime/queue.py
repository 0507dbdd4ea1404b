"""The work queue: a key waits once however often it is added, is never worked on twice at the same time, and comes
back later when it is delayed or failed.

States of a key: waiting (in the queue), working (handed out), dirty (added again while working: waits when done),
delayed (a timer will add it). The same rules as client-go's work queue.

A key that comes again and again is handed out at growing distances (`Pace`): while a cluster comes
up, dozens of changes of its parts wake the same parent, and each look at all of them together is worth as much as
one at each. A key that was left in peace for a while is handed out at once, and one that gets on with its work
(`progressed`) begins anew with the smallest distance.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")

#: Back-off after failures: 5 ms, doubling (cluster-api-core.md 0.3), capped lower than upstream's 1000 s so that a
#: cause that is gone is noticed within five minutes even where it cannot be watched.
FIRST_DELAY_SECONDS = 0.005
LONGEST_DELAY_SECONDS = 300.0
KEPT_GAPS = 4096
#: Who can wait does so longer while the loop has more to do than it can: timers come later than this.
LATE_SECONDS = 0.03
LONGEST_LAZY_SECONDS = 10.0
#: Timers of some loops come so much too early.
TIMER_SLACK_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds from one hand-out of a key to its next: `first`, growing by `growth` up to `longest`, and from the
    beginning once the key was not handed out for `peace`. `hurried` is the longest when something happened that the
    key waited for."""

    first: float = 0.01
    growth: float = 1.5
    longest: float = 2.0
    peace: float = 4.0
    hurried: float = 0.1


#: Of those that add up what their parts say: there is more to tell with each look that comes a little later.
PARENTS = Pace(first=0.05, growth=2.0, longest=4.0, peace=8.0)


@dataclass(slots=True)
class _Gap:
    until: float
    seconds: float


class WorkQueue(Generic[K]):
    """Keys to work on, in the order of their arrival. All methods are called from the event loop."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace
        self._gaps: dict[K, _Gap] = {}
        #: Keys that were added and only wait for their distance to the last time.
        self._paced: set[K] = set()
        #: Keys that can wait, with the time that they can wait for and until when.
        self._lazy: dict[K, tuple[float, float]] = {}
        self._waiting: deque[K] = deque()
        self._known: set[K] = set()
        self._working: set[K] = set()
        self._dirty: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._getters: deque[asyncio.Future[None]] = deque()
        self._closed = False
        #: How often a key was handed over to wait, and came back after a failure.
        self.added = self.retried = 0

    @property
    def working(self) -> int:
        """How many keys are worked on."""
        return len(self._working)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is worked on; delayed keys do not count, those that are only paced do."""
        return not self._waiting and not self._working and not self._paced

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
            self._paced.discard(key)
        if key in self._working:
            self._dirty.add(key)
        elif key not in self._known and not self._is_paced(key):
            self.added += 1
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
        self._lazy.pop(key, None)
        self._timers[key] = loop.call_at(due, self._due, key)

    def add_lazily(self, key: K, seconds: float) -> None:
        """Work on `key` within `seconds`, at its next time if that comes before; somewhat later while there is more to
        do than can be done. The queue is not idle until then."""
        if key in self._known or key in self._dirty or self._closed:
            return
        now = asyncio.get_running_loop().time()
        timer, lazy = self._timers.get(key), self._lazy.get(key)
        self.add_after(key, seconds)
        self._paced.add(key)
        if self._timers.get(key) is not timer:
            self._lazy[key] = lazy or (seconds, now + max(seconds, LONGEST_LAZY_SECONDS))

    def discard(self, key: K) -> None:
        """There is nothing to work on any more, until the key is added anew."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        for kept in (self._paced, self._dirty):
            kept.discard(key)
        for told in (self._gaps, self._failures, self._lazy):
            told.pop(key, None)
        if key in self._known:
            self._known.discard(key)
            self._waiting.remove(key)

    def add_failed(self, key: K, *, first: float = FIRST_DELAY_SECONDS) -> float:
        """Work on `key` after its back-off, which doubles with each failure. Gives the wait in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.retried += 1
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
        self._lazy.pop(key, None)
        self._working.add(key)
        self._note(key)
        return key

    def done(self, key: K) -> None:
        self._working.discard(key)
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key)

    def progressed(self, key: K) -> None:
        """Something was done for the key, or is asked of it: its next step follows soon."""
        gap = self._gaps.get(key)
        if gap is not None and self._pace is not None:
            gap.until += self._pace.first - gap.seconds
            gap.seconds = self._pace.first

    def hurry(self, key: K) -> None:
        """What the key waited for happened: the next time comes soon, the distances after it are as they were."""
        gap = self._gaps.get(key)
        if gap is not None and self._pace is not None and gap.seconds > self._pace.hurried:
            gap.until += self._pace.hurried - gap.seconds
            gap.seconds = self._pace.hurried

    def close(self) -> None:
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._paced.clear()
        self._waiting.clear()
        while self._getters:
            self._wake()

    def _due(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None and self._can_wait(key, timer.when()):
            return
        self._paced.discard(key)
        self.add(key)

    def _can_wait(self, key: K, due: float) -> bool:
        """Whether a key that can wait has to, since the loop is late; then a timer brings it again."""
        seconds, until = self._lazy.get(key, (0.0, 0.0))
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - due < LATE_SECONDS or now + seconds > until:
            return False
        self._timers[key] = loop.call_at(now + seconds, self._due, key)
        return True

    def _note(self, key: K) -> None:
        """The key is handed out: from here on its distance counts."""
        pace = self._pace
        if pace is None:
            return
        now = asyncio.get_running_loop().time()
        gap = self._gaps.get(key)
        if gap is None or now - (gap.until - gap.seconds) > pace.peace:
            if len(self._gaps) >= KEPT_GAPS:
                self._gaps = {k: g for k, g in self._gaps.items() if g.until + pace.peace > now}
            self._gaps[key] = _Gap(now + pace.first, pace.first)
            return
        gap.seconds = min(gap.seconds * pace.growth, pace.longest)
        gap.until = now + gap.seconds

    def _is_paced(self, key: K) -> bool:
        """Whether the key has to keep its distance; then a timer brings it."""
        gap = self._gaps.get(key)
        if gap is None:
            return False
        loop = asyncio.get_running_loop()
        if gap.until <= loop.time() + TIMER_SLACK_SECONDS:
            return False
        self._paced.add(key)
        self._timers[key] = loop.call_at(gap.until, self._due, key)
        return True

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
