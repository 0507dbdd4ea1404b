"""The store without a disk: same promises but durability, no threads, no timers, the same order every run."""

from __future__ import annotations

from collections.abc import Sequence

from capstan.store.entry import Change, Entry
from capstan.store.index import Index, MemorySubscription
from capstan.store.protocol import Put, StoreError, Write
from capstan.store.reads import IndexReads

RETAIN_CHANGES = 2_000


class MemoryStore(IndexReads):
    """Implements `Store`. Making one costs microseconds: simulated worlds have hundreds."""

    def __init__(self, retain: int = RETAIN_CHANGES) -> None:
        super().__init__(Index(retain))

    async def commit(self, batch: Sequence[Write]) -> Sequence[Entry]:
        self._index.check(batch)
        changes = changes_of(batch, self._index, self._index.revision)
        for change in changes:
            self._index.publish(change)
        return [change.entry for change in changes]

    async def watch(self, prefix: str, after: int, *, buffer: int = 0) -> MemorySubscription:
        return self._index.watch(prefix, after, buffer)

    async def compact(self, revision: int) -> None:
        self._index.compact(revision)

    async def close(self) -> None:
        self._index.close(StoreError("the store was closed"))


def changes_of(batch: Sequence[Write], index: Index, revision: int) -> list[Change]:
    """The changes that a checked batch makes; revisions follow `revision` one by one."""
    changes = []
    for write in batch:
        revision += 1
        previous = index.get(write.prefix, write.namespace, write.name)
        value = write.value
        if value is None:
            assert previous is not None, "a checked delete has something to delete"
            value = previous.value
        entry = Entry(write.prefix, write.namespace, write.name, revision, value)
        changes.append(Change(entry, previous, deleted=not isinstance(write, Put)))
    return changes
