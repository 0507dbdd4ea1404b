"""The published state in memory: present objects in key order, retained changes, and who waits for more."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Sequence

from capstan.store.entry import Change, Entry
from capstan.store.protocol import CompactedError, MismatchError, Page, StoreError, UnreadableError, Write

_LAST = "\U0010ffff"


def _revision(change: Change) -> int:
    return change.entry.revision


class Shelf:
    """The objects of one prefix and the retained changes to them."""

    __slots__ = ("dead", "entries", "keys", "log", "subscriptions")

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], Entry] = {}
        self.keys: list[tuple[str, str]] = []
        self.log: list[Change] = []
        self.dead = 0
        self.subscriptions: dict[MemorySubscription, None] = {}

    def put(self, change: Change) -> None:
        key = change.entry.key
        if change.deleted:
            del self.entries[key]
            del self.keys[bisect_left(self.keys, key)]
        else:
            if change.previous is None:
                insort(self.keys, key)
            self.entries[key] = change.entry
        self.log.append(change)

    def drop_oldest(self) -> None:
        """The oldest retained change is compacted; the list is cut when half of it is dead."""
        self.dead += 1
        if self.dead * 2 > len(self.log):
            del self.log[: self.dead]
            self.dead = 0

    def since(self, revision: int) -> list[Change]:
        return self.log[bisect_right(self.log, revision, lo=self.dead, key=_revision) :]

    def as_of(self, revision: int) -> tuple[dict[tuple[str, str], Entry], list[tuple[str, str]]]:
        """The entries and their sorted keys at an older revision: later changes undone."""
        before: dict[tuple[str, str], Entry | None] = {}
        for change in self.since(revision):
            before.setdefault(change.entry.key, change.previous)
        if not before:
            return self.entries, self.keys
        entries = {**self.entries, **{k: e for k, e in before.items() if e is not None}}
        for key, entry in before.items():
            if entry is None:
                entries.pop(key, None)
        return entries, sorted(entries)


class MemorySubscription:
    """A reader's own queue of changes. Delivery only appends and wakes; nobody waits for a reader."""

    __slots__ = ("_buffer", "_error", "_limit", "_shelf", "_waiter")

    def __init__(self, shelf: dict[MemorySubscription, None], backlog: list[Change], limit: int) -> None:
        self._buffer = backlog
        self._limit = limit
        self._shelf = shelf
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    def deliver(self, change: Change) -> None:
        self._buffer.append(change)
        if self._limit and len(self._buffer) > self._limit:
            self.fail(CompactedError(self._buffer[0].revision, change.revision))
            return
        self._wake()

    def fail(self, error: Exception) -> None:
        self._error = error
        self._buffer = []
        self._shelf.pop(self, None)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self, timeout_seconds: float | None = None) -> Sequence[Change]:
        if not self._buffer and self._error is None:
            await self._wait(timeout_seconds)
        if self._error is not None:
            raise self._error
        batch, self._buffer = self._buffer, []
        return batch

    async def _wait(self, timeout_seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if timeout_seconds is None else loop.call_later(timeout_seconds, self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        self.fail(StoreError("the watch was closed"))


class Index:
    """All shelves, the one revision counter, and the retained history. Knows nothing of durability."""

    def __init__(self, retain: int) -> None:
        self.revision = 0
        self.compacted = 0
        self.retain = retain
        self._shelves: dict[str, Shelf] = {}
        self._history: deque[Change] = deque()
        self._everything: dict[MemorySubscription, None] = {}
        #: Called with each change that falls out of the retained history.
        self.on_dropped: Callable[[Change], None] | None = None
        #: Present objects whose bytes cannot be read, with what a read of them says.
        self.unreadable: dict[tuple[str, str, str], UnreadableError] = {}

    def get(self, prefix: str, namespace: str, name: str) -> Entry | None:
        if self.unreadable and (prefix, namespace, name) in self.unreadable:
            raise self.unreadable[(prefix, namespace, name)].again()
        shelf = self._shelves.get(prefix)
        return None if shelf is None else shelf.entries.get((namespace, name))

    def prefixes(self) -> Sequence[str]:
        return sorted(prefix for prefix, shelf in self._shelves.items() if shelf.entries)

    def count(self) -> int:
        """How many objects there are."""
        return sum(len(shelf.entries) for shelf in self._shelves.values())

    def load(self, entry: Entry) -> None:
        """Put a present object back at start, in any order; `loaded` sorts."""
        self._shelf(entry.prefix).entries[entry.key] = entry

    def load_history(self, change: Change) -> None:
        self._shelf(change.entry.prefix).log.append(change)
        self._history.append(change)

    def loaded(self, revision: int, compacted: int) -> None:
        for shelf in self._shelves.values():
            shelf.keys = sorted(shelf.entries)
        self.revision = revision
        self.compacted = compacted

    def check(self, batch: Sequence[Write]) -> None:
        """Raises MismatchError unless every write finds the revision that it expects."""
        for write in batch:
            current = self.get(write.prefix, write.namespace, write.name)
            if (0 if current is None else current.revision) != write.expected:
                raise MismatchError(write, current)

    def publish(self, change: Change) -> None:
        """Make one change visible and hand it to everyone who watches."""
        shelf = self._shelf(change.entry.prefix)
        shelf.put(change)
        self.revision = change.revision
        if change.previous is not None:
            change.previous.forget()
        self._history.append(change)
        for subscription in tuple(shelf.subscriptions):
            subscription.deliver(change)
        for subscription in tuple(self._everything):
            subscription.deliver(change)
        if len(self._history) > self.retain:
            self.compact(self._history[0].revision)

    def list(self, prefix: str, namespace: str, after: tuple[str, str] | None, limit: int, revision: int) -> Page:
        shelf = self._shelves.get(prefix)
        if revision and revision < self.compacted:
            raise CompactedError(revision, self.compacted)
        at = revision or self.revision
        if shelf is None:
            return Page((), at)
        if at < self.revision:
            entries, keys = shelf.as_of(at)
        else:
            entries, keys = shelf.entries, shelf.keys
        start = bisect_right(keys, after) if after is not None else 0
        end = len(keys)
        if namespace:
            start = max(start, bisect_left(keys, (namespace, "")))
            end = bisect_right(keys, (namespace, _LAST))
        stop = min(end, start + limit) if limit else end
        shown = keys[start:stop]
        if self.unreadable:
            self._check_readable(prefix, shown)
        return Page([entries[key] for key in shown], at, max(0, end - stop))

    def _check_readable(self, prefix: str, keys: Sequence[tuple[str, str]]) -> None:
        for namespace, name in keys:
            if (prefix, namespace, name) in self.unreadable:
                raise self.unreadable[(prefix, namespace, name)].again()

    def watch(self, prefix: str, after: int, buffer: int) -> MemorySubscription:
        if after < self.compacted:
            raise CompactedError(after, self.compacted)
        if prefix:
            shelf = self._shelf(prefix)
            home, backlog = shelf.subscriptions, shelf.since(after)
        else:
            home = self._everything
            backlog = [change for change in self._history if change.revision > after]
        subscription = MemorySubscription(home, backlog, buffer)
        home[subscription] = None
        return subscription

    def compact(self, revision: int) -> None:
        revision = min(revision, self.revision)
        while self._history and self._history[0].revision <= revision:
            change = self._history.popleft()
            self._shelves[change.entry.prefix].drop_oldest()
            if self.on_dropped is not None:
                self.on_dropped(change)
        self.compacted = max(self.compacted, revision)

    def change_at(self, prefix: str, revision: int) -> Change | None:
        """The retained change of a revision."""
        shelf = self._shelves.get(prefix)
        found = shelf.since(revision - 1)[:1] if shelf is not None else []
        return found[0] if found and found[0].revision == revision else None

    def clear(self, error: Exception) -> None:
        """Forget everything, to be loaded anew; who watched is told."""
        self.close(error)
        self._shelves.clear()
        self._history.clear()
        self.unreadable.clear()

    def close(self, error: Exception) -> None:
        for home in (self._everything, *(shelf.subscriptions for shelf in self._shelves.values())):
            for subscription in tuple(home):
                subscription.fail(error)

    def _shelf(self, prefix: str) -> Shelf:
        shelf = self._shelves.get(prefix)
        if shelf is None:
            shelf = self._shelves[prefix] = Shelf()
        return shelf
