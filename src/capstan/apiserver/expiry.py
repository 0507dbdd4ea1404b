"""Events live for an hour after their last change; this deletes them one by one when their time is over."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from capstan.apiserver.backend import Backend
from capstan.store.entry import Entry
from capstan.store.protocol import MismatchError, Remove

EVENTS = "/events"
TTL_SECONDS = 3600.0


class EventExpiry:
    """Keeps the keys of all Events in the order in which they end, and sleeps until the first does."""

    def __init__(self, backend: Backend, ttl_seconds: float = TTL_SECONDS) -> None:
        self._backend = backend
        self._ttl = ttl_seconds
        self._ends: dict[tuple[str, str], tuple[float, int]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        store = self._backend.store
        page = await store.list(EVENTS)
        now = self._backend.clock()
        for entry in sorted(page.entries, key=lambda e: (_last_seen(e), e.key)):
            age = (now - seen).total_seconds() if (seen := _moment(_last_seen(entry))) else 0.0
            self._keep(entry, self._ttl - age)
        subscription = await store.watch(EVENTS, page.revision)
        try:
            while True:
                for change in await subscription.next(self._until_first()):
                    self._ends.pop(change.entry.key, None)
                    if not change.deleted:
                        self._keep(change.entry, self._ttl)
                await self._remove_ended()
        finally:
            subscription.close()

    def _keep(self, entry: Entry, seconds: float) -> None:
        self._ends[entry.key] = (asyncio.get_running_loop().time() + max(0.0, seconds), entry.revision)

    def _until_first(self) -> float | None:
        first = next(iter(self._ends.values()), None)
        return None if first is None else max(0.0, first[0] - asyncio.get_running_loop().time())

    async def _remove_ended(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._ends:
            (namespace, name), (end, revision) = next(iter(self._ends.items()))
            if end > now:
                return
            del self._ends[(namespace, name)]
            try:
                await self._backend.store.commit([Remove(EVENTS, namespace, name, revision)])
            except MismatchError:
                continue


def _last_seen(entry: Entry) -> str:
    obj: dict[str, Any] = entry.object
    return str(obj.get("lastTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp") or "")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
