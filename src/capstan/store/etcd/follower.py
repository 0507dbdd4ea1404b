"""The copy of everything that each server keeps in memory: loaded once, then kept by one watch of all keys."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from capstan.store.etcd import messages
from capstan.store.etcd.decoding import Decoder
from capstan.store.etcd.layout import Layout, end_of, revision_of, unpacked_last
from capstan.store.etcd.members import CompactedAt, Members
from capstan.store.index import Index
from capstan.store.protocol import CompactedError, StoreUnavailableError

log = logging.getLogger(__name__)

_PAGE = 200
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 1.0


class Follower:
    """Feeds an index. `seen` is the revision of etcd up to which everything is in it.

    Guarantees: changes are published in the order of their revisions, each once, those of a transaction together. When
    etcd has forgotten what came after `seen`, all subscriptions end by CompactedError and the state is loaded again.
    """

    def __init__(self, members: Members, layout: Layout, index: Index, decoder: Decoder, history: int) -> None:
        self._members = members
        self._layout = layout
        self._index = index
        self._decoder = decoder
        self._history = history
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None
        self.seen = 0
        #: Called with the ring of data keys when another replica changed it.
        self.on_keys: Callable[[bytes], None] | None = None

    async def start(self) -> None:
        """Load a state of some time ago, and follow what happened since. Raises StoreError."""
        newest = await self._newest()
        await self._load(max(1, newest - self._history))
        self._task = asyncio.get_running_loop().create_task(self._run(), name="etcd-follower")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def restart(self) -> None:
        """Begin the watch again at another member, as when nothing comes of it any more."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._task = asyncio.get_running_loop().create_task(self._run(), name="etcd-follower")

    async def reach(self, etcd: int) -> None:
        """Wait until everything up to a revision of etcd is in the index."""
        if self.seen >= etcd:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((etcd, waiter))
        await waiter

    def passed(self, etcd: int) -> None:
        """Nothing of ours happened up to a revision of etcd, whoever else writes there."""
        if etcd > self.seen:
            self.seen = etcd
            self._wake()

    async def _newest(self) -> int:
        request = messages.message("RangeRequest")(key=self._layout.last, keys_only=True)
        answer = await self._members.read(messages.RANGE, request, "RangeResponse")
        return int(answer.header.revision)

    async def _load(self, etcd: int) -> None:
        """The state as of a revision, or of the oldest that is left."""
        while True:
            try:
                await self._load_at(etcd)
                return
            except CompactedAt:
                etcd = await self._oldest(etcd)

    async def _oldest(self, etcd: int) -> int:
        """A watch that begins too early is told where it could begin."""
        async with contextlib.aclosing(self._members.watch(self._watch_request(etcd))) as answers:  # type: ignore[type-var]
            async for answer in answers:
                if answer.canceled and answer.compact_revision:
                    return int(answer.compact_revision)
                if not answer.created:
                    break
        return etcd

    async def _load_at(self, etcd: int) -> None:
        """All keys in pages of one revision; nobody can tell from the first one, which is empty, what is compacted."""
        start, newest = self._layout.everything, 0
        end, more = end_of(start), True
        kvs: list[Any] = []
        while more:
            request = messages.message("RangeRequest")(key=start, range_end=end, revision=etcd, limit=_PAGE)
            answer = await self._members.read(messages.RANGE, request, "RangeResponse")
            kvs += answer.kvs
            more = answer.more
            start = answer.kvs[-1].key + b"\0" if answer.kvs else start
        for kv in kvs:
            if kv.key.startswith(self._layout.objects):
                newest = max(newest, self._decoder.load(kv))
            elif kv.key == self._layout.last:
                places = [place for place, _ in unpacked_last(kv.value).values()]
                newest = max(newest, revision_of(kv.mod_revision, max(places, default=0)))
        self._index.loaded(newest, newest)
        self.seen = etcd

    async def _run(self) -> None:
        wait = _FIRST_WAIT
        while True:
            before = self.seen
            try:
                await self._follow()
            except CompactedAt:
                await self._begin_again()
            except StoreUnavailableError as error:
                wait = _FIRST_WAIT if self.seen > before else min(wait * 2, _LONGEST_WAIT)
                log.info("the watch of etcd begins again: %s", error)
                await asyncio.sleep(wait)

    async def _follow(self) -> None:
        pending: list[Any] = []
        async with contextlib.aclosing(self._members.watch(self._watch_request(self.seen + 1))) as answers:  # type: ignore[type-var]
            async for answer in answers:
                if answer.canceled:
                    if answer.compact_revision:
                        raise CompactedAt
                    raise StoreUnavailableError(f"etcd ended the watch: {answer.cancel_reason}")
                pending += answer.events
                if not answer.fragment and pending:
                    self._take(pending)
                    pending = []

    def _take(self, events: Sequence[Any]) -> None:
        for etcd, group in groupby(events, key=lambda event: int(event.kv.mod_revision)):
            if etcd <= self.seen:
                continue
            together = list(group)
            self._see_keys(together)
            for change in self._decoder.changes(etcd, together):
                self._index.publish(change)
            self.seen = etcd
        self._wake()

    def _see_keys(self, events: Sequence[Any]) -> None:
        for event in events:
            if event.kv.key == self._layout.keys and event.type == messages.PUT and self.on_keys is not None:
                self.on_keys(event.kv.value)

    def _wake(self) -> None:
        reached = [waiter for etcd, waiter in self._waiting if etcd <= self.seen]
        if reached:
            self._waiting = [(etcd, waiter) for etcd, waiter in self._waiting if etcd > self.seen]
        for waiter in reached:
            if not waiter.done():
                waiter.set_result(None)

    async def _begin_again(self) -> None:
        """etcd compacted what this server has not seen: what it has is thrown away, and everybody told."""
        log.warning("etcd has forgotten what came after revision %d: everything is loaded again", self.seen)
        newest = await self._newest()
        self._index.clear(CompactedError(revision_of(self.seen), revision_of(newest)))
        await self._load(newest)
        self._wake()

    def _watch_request(self, start: int) -> Any:
        key = self._layout.everything
        create = messages.message("WatchCreateRequest")(
            key=key, range_end=end_of(key), start_revision=start, fragment=True
        )
        return messages.message("WatchRequest")(create_request=create)
