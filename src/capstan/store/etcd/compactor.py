"""History in etcd ends some minutes ago: in each round one replica compacts, whoever comes first."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from capstan.store.etcd import messages
from capstan.store.etcd.layout import Layout
from capstan.store.etcd.members import CompactedAt, Members
from capstan.store.protocol import StoreUnavailableError

log = logging.getLogger(__name__)

#: History is kept for one to two of these, as kube-apiserver does it.
COMPACT_SECONDS = 300.0


class Compactor:
    """The key of the rounds counts them by its version. Who raises it first compacts to where the round before
    began; the others wait for the next."""

    def __init__(self, members: Members, layout: Layout) -> None:
        self._members = members
        self._layout = layout
        self._version = 0
        self._began = 0

    async def run(self, seconds: float) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.round()
            except StoreUnavailableError as error:
                log.info("no compaction in this round: %s", error)

    async def round(self) -> bool:
        """Whether this replica was the one that compacted."""
        answer = await self._members.write(messages.TXN, self._raise_version(), "TxnResponse")
        began, self._began = self._began, int(answer.header.revision)
        if not answer.succeeded:
            kvs = answer.responses[0].response_range.kvs
            self._version = int(kvs[0].version) if kvs else 0
            return False
        self._version += 1
        if began:
            await self.compact(began)
        return bool(began)

    async def compact(self, etcd: int) -> None:
        """Forget what is older than a revision of etcd; the state at it stays."""
        request = messages.message("CompactionRequest")(revision=etcd)
        try:
            await self._members.read(messages.COMPACT, request, "CompactionResponse")
        except CompactedAt:
            return

    def _raise_version(self) -> Any:
        key, op = self._layout.compaction, messages.message("RequestOp")
        request = messages.message("TxnRequest")()
        request.compare.append(
            messages.message("Compare")(
                result=messages.EQUAL, target=messages.TARGET_VERSION, key=key, version=self._version
            )
        )
        request.success.append(op(request_put=messages.message("PutRequest")(key=key, value=b"round")))
        request.failure.append(op(request_range=messages.message("RangeRequest")(key=key)))
        return request
