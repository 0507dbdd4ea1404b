"""What stores answer from memory: all reads, whatever the writes go through."""

from __future__ import annotations

from collections.abc import Sequence

from capstan.store.entry import Entry
from capstan.store.index import Index
from capstan.store.protocol import Page


class IndexReads:
    """The reads of `Store` over an index that holds every object."""

    def __init__(self, index: Index) -> None:
        self._index = index

    @property
    def revision(self) -> int:
        return self._index.revision

    @property
    def compacted(self) -> int:
        return self._index.compacted

    async def get(self, prefix: str, namespace: str, name: str) -> Entry | None:
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
        return self._index.list(prefix, namespace, after, limit, revision)

    async def prefixes(self) -> Sequence[str]:
        return self._index.prefixes()
