"""The webhook configurations at the moment, compiled once for each change and kept by watches of the store."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from capstan.apiserver.webhooks.admission.hook import Hook, hooks_of
from capstan.store.entry import Entry
from capstan.store.protocol import CompactedError, Store

log = logging.getLogger(__name__)

GROUP = "admissionregistration.k8s.io"
VALIDATING, MUTATING = "validatingwebhookconfigurations", "mutatingwebhookconfigurations"
#: Where the store keeps them.
PREFIXES = tuple(f"{GROUP}/{plural}" for plural in (MUTATING, VALIDATING))


class Webhooks:
    """What is configured: by the names of the configurations, and in them in the order of their lists."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after: dict[str, int] = {}
        self._configured: dict[str, dict[str, tuple[Hook, ...]]] = {prefix: {} for prefix in PREFIXES}
        self._hooks: dict[str, tuple[Hook, ...]] = dict.fromkeys(PREFIXES, ())

    def hooks(self, plural: str) -> Sequence[Hook]:
        return self._hooks[f"{GROUP}/{plural}"]

    async def load(self) -> None:
        for prefix in PREFIXES:
            await self._read(prefix)

    async def follow(self, prefix: str) -> None:
        """Until cancelled: the changes of one of PREFIXES since `load`."""
        while True:
            subscription = await self._store.watch(prefix, self._after[prefix])
            try:
                while True:
                    for change in await subscription.next():
                        self._take(prefix, change.entry, deleted=change.deleted)
                    self._arrange(prefix)
            except CompactedError:
                log.warning("%s are read again: their history was compacted", prefix)
                await self._read(prefix)
            finally:
                subscription.close()

    async def _read(self, prefix: str) -> None:
        self._after[prefix] = self._store.revision
        self._configured[prefix] = {}
        for entry in (await self._store.list(prefix)).entries:
            self._take(prefix, entry, deleted=False)
        self._arrange(prefix)

    def _take(self, prefix: str, entry: Entry, *, deleted: bool) -> None:
        if deleted:
            self._configured[prefix].pop(entry.name, None)
        else:
            self._configured[prefix][entry.name] = tuple(hooks_of(entry.object))

    def _arrange(self, prefix: str) -> None:
        configured = self._configured[prefix]
        self._hooks[prefix] = tuple(hook for name in sorted(configured) for hook in configured[name])
