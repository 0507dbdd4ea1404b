"""What is stored under some prefixes, told to one who keeps it in memory: all of it first, then change by change."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from capstan.store.entry import Entry
from capstan.store.protocol import CompactedError, Store

log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Keeps what a mirror shows, in the shape that its readers want."""

    def put(self, entry: Entry) -> None:
        """An object is new, or is another than before."""
        ...

    def remove(self, entry: Entry) -> None:
        """An object is gone. Of the entry only prefix, namespace and name are to be relied on."""
        ...

    def arrange(self, prefix: str) -> None:
        """That was all for now about the objects of a prefix."""
        ...


class Mirror:
    """Tells a keeper what there is.

    Guarantees: the keeper hears of each revision at most once, and of nothing that has not changed, also after the
    store has forgotten what came next; between two calls of `arrange` nothing else runs.
    """

    def __init__(self, store: Store, prefixes: Sequence[str], keeper: Keeper) -> None:
        self._store = store
        self._keeper = keeper
        self._after: dict[str, int] = {}
        self._known: dict[str, dict[tuple[str, str], Entry]] = {prefix: {} for prefix in prefixes}

    async def load(self) -> None:
        """Tell all that is there now."""
        for prefix in self._known:
            await self._read(prefix)

    async def follow(self, prefix: str) -> None:
        """Until cancelled: the changes of one of the prefixes since `load`, or since it was followed before."""
        while True:
            try:
                await self._follow(prefix)
            except CompactedError:
                # Only a store whose history is elsewhere can run ahead of this reader: look again.
                log.warning("%s are read again: their history was compacted", prefix)
                await self._read(prefix)

    async def _follow(self, prefix: str) -> None:
        subscription = await self._store.watch(prefix, self._after[prefix])
        try:
            while True:
                for change in await subscription.next():
                    self._after[prefix] = change.revision
                    self._take(change.entry, deleted=change.deleted)
                self._keeper.arrange(prefix)
        finally:
            subscription.close()

    async def _read(self, prefix: str) -> None:
        page = await self._store.list(prefix)
        known, found = self._known[prefix], {entry.key: entry for entry in page.entries}
        for entry in [entry for key, entry in known.items() if key not in found]:
            self._take(entry, deleted=True)
        for key, entry in found.items():
            if key not in known or known[key].revision != entry.revision:
                self._take(entry, deleted=False)
        self._after[prefix] = page.revision
        self._keeper.arrange(prefix)

    def _take(self, entry: Entry, *, deleted: bool) -> None:
        if deleted:
            self._known[entry.prefix].pop(entry.key, None)
            self._keeper.remove(entry)
        else:
            self._known[entry.prefix][entry.key] = entry
            self._keeper.put(entry)
