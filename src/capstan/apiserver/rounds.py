"""A round of work for each name that a change concerns; what fails is tried again after a while."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from capstan.api.errors import ApiError
from capstan.store.entry import Change, Entry
from capstan.store.protocol import CompactedError, Store

log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0


class Rounds:
    """`look` does the work for one name and raises ApiError to be called again; `concerns` gives the names that a
    change under the prefix `watched` makes due (the empty one: any change), `found` those of an object that is there
    at the beginning. `noun` is what the names are names of, for the log."""

    def __init__(
        self,
        store: Store,
        noun: str,
        look: Callable[[str], Awaitable[None]],
        concerns: Callable[[Change], Iterable[str]],
        *,
        found: Callable[[Entry], Iterable[str]] = lambda entry: (entry.name,),
        watched: str = "",
    ) -> None:
        self._store = store
        self._noun = noun
        self._look = look
        self._concerns = concerns
        self._found = found
        self._watched = watched
        self._due: dict[str, None] = {}
        self._prefix = ""
        self._names: dict[str, None] = {}

    async def begin(self, prefix: str) -> int:
        """Everything under the prefix is due; gives the revision that was looked at."""
        self._prefix = prefix
        page = await self._store.list(prefix)
        for entry in page.entries:
            self._add(self._found(entry))
        return page.revision

    def _add(self, names: Iterable[str]) -> None:
        due = dict.fromkeys(names)
        self._due.update(due)
        self._names.update(due)

    async def work(self) -> bool:
        """Look at what is due. What failed stays due; False when something did."""
        due, self._due = self._due, {}
        for name in due:
            try:
                await self._look(name)
            except ApiError as error:
                log.warning("%s %s waits: %s", self._noun, name, error.message)
                self._due[name] = None
        return not self._due

    async def follow(self, after: int) -> None:
        """Until cancelled: work, then wait for changes. When the store has forgotten some of them, everything is due
        again, and what is gone since too."""
        while True:
            try:
                await self._follow(after)
            except CompactedError as error:
                log.warning("every %s is looked at again: %s", self._noun, error)
                after = await self.begin(self._prefix)
                self._due.update(self._names)

    async def _follow(self, after: int) -> None:
        subscription = await self._store.watch(self._watched, after)
        try:
            while True:
                done = await self.work()
                for change in await subscription.next(None if done else _RETRY_SECONDS):
                    self._add(self._concerns(change))
        finally:
            subscription.close()
