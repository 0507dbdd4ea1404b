"""The store in an etcd cluster: writes are its transactions, reads come from a copy that is known to be new enough."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from capstan.store.entry import Entry
from capstan.store.etcd import messages
from capstan.store.etcd.address import EtcdAddress
from capstan.store.etcd.compactor import COMPACT_SECONDS, Compactor
from capstan.store.etcd.decoding import Decoder
from capstan.store.etcd.follower import Follower
from capstan.store.etcd.layout import Layout, end_of, etcd_revision, packed, packed_last, revision_of
from capstan.store.etcd.members import CompactedAt, Members
from capstan.store.index import Index, MemorySubscription
from capstan.store.protocol import (
    MAX_BATCH,
    MismatchError,
    Page,
    Put,
    Remove,
    StoreError,
    StoreUnavailableError,
    Write,
)
from capstan.store.sealing import Encryption, Sealer, SealError, Unsealed

log = logging.getLogger(__name__)

RETAIN_CHANGES = 10_000
#: How often the cluster is asked whether it answers, for readiness.
PROBE_SECONDS = 2.0
#: An event follows the write that it tells of by about a millisecond.
_SOON_SECONDS = 0.02
_LATE_SECONDS = 1.0
_TOO_LATE_SECONDS = 5.0


class EtcdStore:
    """Implements `Store`, in any number of processes at once.

    Guarantees: strict serializability over all of them, as etcd gives it: a read first asks the cluster for its
    newest revision and waits until the copy in memory has it; reads that wait at the same time ask once. Revisions of
    one object are the same everywhere. A write whose answer did not come raises StoreUnavailableError: it may have
    happened. Nothing is ever sent twice.
    """

    def __init__(self, address: EtcdAddress, retain: int) -> None:
        self._layout = Layout(address.root)
        self._members = Members(address)
        self._index = Index(retain)
        self._sealing: Sealer | Unsealed = Unsealed()
        self._decoder = Decoder(self._layout, self._index, self._sealing)
        self._follower = Follower(self._members, self._layout, self._index, self._decoder, retain)
        self._compactor = Compactor(self._members, self._layout)
        self._asking: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._failure: StoreError | None = None
        self._closed = False
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls,
        address: EtcdAddress,
        retain: int = RETAIN_CHANGES,
        *,
        encryption: Encryption | None = None,
        compact_seconds: float = COMPACT_SECONDS,
    ) -> EtcdStore:
        """Connect, and load what is there. Raises StoreError."""
        store = cls(address, retain)
        try:
            if encryption is not None:
                await store._unlock(encryption)
            await store._follower.start()
            await store._barrier()
        except BaseException as error:
            await store.close()
            if isinstance(error, CompactedAt):
                raise StoreUnavailableError(f"{address} compacts faster than it can be read") from None
            raise
        loop = asyncio.get_running_loop()
        store._tasks = [
            loop.create_task(store._probe(), name="etcd-probe"),
            loop.create_task(store._compactor.run(compact_seconds), name="etcd-compactor"),
        ]
        return store

    @property
    def revision(self) -> int:
        return self._index.revision

    @property
    def compacted(self) -> int:
        return self._index.compacted

    @property
    def failure(self) -> StoreError | None:
        """Why the store cannot serve just now, or why some objects cannot be read."""
        return self._failure or next(iter(self._index.unreadable.values()), None)

    async def get(self, prefix: str, namespace: str, name: str) -> Entry | None:
        await self._barrier()
        return self._index.get(prefix, namespace, name)

    async def list(
        self,
        prefix: str,
        namespace: str = "",
        *,
        after: tuple[str, str] | None = None,
        limit: int = 0,
        revision: int = 0,
    ) -> Page:
        if not revision or revision > self._index.revision:
            await self._barrier()
        return self._index.list(prefix, namespace, after, limit, revision)

    async def prefixes(self) -> Sequence[str]:
        await self._barrier()
        return self._index.prefixes()

    async def watch(self, prefix: str, after: int, *, buffer: int = 0) -> MemorySubscription:
        self._check_open()
        if after > self._index.revision:
            # Another replica gave that revision: what comes up to it must not be taken for news.
            await self._barrier()
        return self._index.watch(prefix, after, buffer)

    async def commit(self, batch: Sequence[Write]) -> Sequence[Entry]:
        self._check_open()
        if len(batch) > MAX_BATCH:
            raise ValueError(f"a batch has at most {MAX_BATCH} writes")
        if not batch:
            return []
        if not self._fits(batch):
            # This copy may be old: only what is so after asking is a mismatch.
            await self._barrier()
            self._index.check(batch)
        answer = await self._members.write(messages.TXN, self._transaction(batch), "TxnResponse")
        etcd = int(answer.header.revision)
        await self._reach(etcd)
        if not answer.succeeded:
            self._index.check(batch)
            # What was in the way is gone again; it was there when the write was decided.
            raise MismatchError(batch[0], self._index.get(batch[0].prefix, batch[0].namespace, batch[0].name))
        return [self._written(write, revision_of(etcd, place)) for place, write in enumerate(batch)]

    async def compact(self, revision: int) -> None:
        self._check_open()
        self._index.compact(revision)
        await self._compactor.compact(etcd_revision(min(revision, self._index.revision)))

    async def close(self) -> None:
        """End the watch and the connections. What was acknowledged is in etcd already."""
        if self._closed:
            return
        self._closed = True
        tasks = [task for task in (*self._tasks, self._asking, self._next) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._follower.stop()
        self._members.close()
        self._index.close(StoreError("the store was closed"))

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the store was closed")

    # Writing.

    def _fits(self, batch: Sequence[Write]) -> bool:
        try:
            self._index.check(batch)
        except MismatchError:
            return False
        return True

    def _transaction(self, batch: Sequence[Write]) -> Any:
        compare, op = messages.message("Compare"), messages.message("RequestOp")
        request = messages.message("TxnRequest")()
        removed = []
        for place, write in enumerate(batch):
            key = self._layout.object(write.prefix, write.namespace, write.name)
            request.compare.append(
                compare(
                    result=messages.EQUAL,
                    target=messages.TARGET_MOD,
                    key=key,
                    mod_revision=etcd_revision(write.expected),
                )
            )
            if isinstance(write, Put):
                put = messages.message("PutRequest")(key=key, value=packed(place, self._sealed(write, write.value)))
                request.success.append(op(request_put=put))
            else:
                delete = messages.message("DeleteRangeRequest")(key=key)
                request.success.append(op(request_delete_range=delete))
                removed.append((place, key, b"" if write.value is None else self._sealed(write, write.value)))
        if removed:
            last = messages.message("PutRequest")(key=self._layout.last, value=packed_last(removed))
            request.success.append(op(request_put=last))
        return request

    def _sealed(self, write: Write, value: bytes) -> bytes:
        return self._sealing.seal(write.prefix, write.namespace, write.name, value)

    def _written(self, write: Write, revision: int) -> Entry:
        """The entry as it was published, unless it is replaced already."""
        found = self._index.get(write.prefix, write.namespace, write.name)
        if found is not None and found.revision == revision:
            return found
        value = write.value
        if isinstance(write, Remove) and value is None:
            change = self._index.change_at(write.prefix, revision)
            value = change.entry.value if change is not None else b'{"metadata":{"name":"%s"}}' % write.name.encode()
        assert value is not None
        return Entry(write.prefix, write.namespace, write.name, revision, value)

    # Reading: the copy is asked once it is known to have everything that was acknowledged before.

    async def _barrier(self) -> None:
        """Joins the round that begins after this call; a round that runs already may have asked too early."""
        self._check_open()
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._round(), name="etcd-barrier")
        await asyncio.shield(self._next)

    async def _round(self) -> None:
        if self._asking is not None:
            await asyncio.wait([self._asking])
        self._asking, self._next = self._next, None
        await self._ask()

    async def _ask(self) -> None:
        request = messages.message("RangeRequest")(key=self._layout.compaction, keys_only=True)
        answer = await self._members.read(messages.RANGE, request, "RangeResponse")
        await self._reach(int(answer.header.revision))

    async def _reach(self, etcd: int) -> None:
        """Wait for the watch. When others write to this etcd too, nothing may come: then it is asked whether anything
        of ours is missing. (etcd's own progress reports may overtake events before 3.4.25 and 3.5.8.)"""
        if await self._reached(etcd, _SOON_SECONDS):
            return
        if await self._is_behind():
            if await self._reached(etcd, _LATE_SECONDS):
                return
            log.warning("the watch of etcd gives nothing and is begun again")
            self._follower.restart()
            if not await self._reached(etcd, _TOO_LATE_SECONDS):
                raise StoreUnavailableError("the watch of etcd is behind")
        else:
            self._follower.passed(etcd)

    async def _reached(self, etcd: int, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._follower.reach(etcd)
        except TimeoutError:
            return False
        return True

    async def _is_behind(self) -> bool:
        """Whether any key of ours was written after what was seen. Deletes write one too."""
        everything = self._layout.everything
        request = messages.message("RangeRequest")(
            key=everything,
            range_end=end_of(everything),
            min_mod_revision=self._follower.seen + 1,
            keys_only=True,
            limit=1,
        )
        seen = self._follower.seen
        answer = await self._members.read(messages.RANGE, request, "RangeResponse")
        return bool(answer.kvs) or self._follower.seen != seen

    async def _probe(self) -> None:
        """Readiness is known before somebody asks for it."""
        while True:
            try:
                await self._barrier()
                if self._failure is not None:
                    log.info("etcd answers again")
                self._failure = None
            except StoreError as error:
                if self._failure is None:
                    log.warning("etcd cannot be used: %s", error)
                self._failure = error
            await asyncio.sleep(PROBE_SECONDS)

    # Encryption.

    async def _unlock(self, encryption: Encryption) -> None:
        """The data keys lie in etcd, wrapped; the first replica makes them."""
        try:
            kv = await self._kept_keys()
            encryption = encryption.found(None if kv is None else kv.value)
            if kv is None:
                await self._keep_first(encryption)
                kv = await self._kept_keys()
            assert kv is not None, "the keys are kept now, whoever made them"
            sealer = encryption.sealer(kv.value)
        except SealError as error:
            raise StoreError(f"the objects in etcd cannot be decrypted: {error}") from None
        self._sealing = self._decoder.sealing = sealer
        self._follower.on_keys = lambda document: sealer.use(encryption.sealer(document).ring)

    async def _kept_keys(self) -> Any:
        request = messages.message("RangeRequest")(key=self._layout.keys)
        answer = await self._members.read(messages.RANGE, request, "RangeResponse")
        return answer.kvs[0] if answer.kvs else None

    async def _keep_first(self, encryption: Encryption) -> None:
        document = encryption.wrapped(encryption.sealer(None).ring)
        request = messages.message("TxnRequest")()
        request.compare.append(
            messages.message("Compare")(
                result=messages.EQUAL, target=messages.TARGET_MOD, key=self._layout.keys, mod_revision=0
            )
        )
        put = messages.message("PutRequest")(key=self._layout.keys, value=document)
        request.success.append(messages.message("RequestOp")(request_put=put))
        await self._members.write(messages.TXN, request, "TxnResponse")
