"""A kept copy of one resource: list once, watch from there, and tell what changed. Indexed by owner and label.

The states of the loop: list (the copy is replaced, differences are told), watch (each event is applied once), and
wait (the server did not answer; back-off). A watch that is too old (410) goes back to list; one that merely ended
goes on from the last revision it saw. Own writes are put into the copy as soon as they are answered (`observe`), so
that the next decision of this process never rests on a state from before them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import Key, Obj, Resource, key_of
from capstan.api.struct import decode
from capstan.runtime.client.protocol import Client
from capstan.runtime.eventlog import EventLog

log = EventLog(__name__)

#: Called with the old and the new object; None for one that was not or is no longer there.
ChangeHandler = Callable[["Entry | None", "Entry | None"], None]

Index = Callable[[Any], Iterable[str]]

RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)


class Entry:
    """One object of the copy. The typed view is made on first use and shared by all readers."""

    __slots__ = ("_view", "key", "object", "revision")

    def __init__(self, obj: Obj) -> None:
        self.object = obj
        self.key = key_of(obj)
        self.revision = int(obj["metadata"].get("resourceVersion") or 0)
        self._view: Any = None

    def view(self, struct: type[Any]) -> Any:
        if self._view is None or type(self._view) is not struct:
            self._view = decode(self.object, struct)
        return self._view


class Informer:
    """The copy of one resource in one namespace, or in all of them."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        *,
        struct: type[Any] | None = None,
        namespace: str = "",
        indexes: Mapping[str, Index] | None = None,
        transform: Callable[[Obj], Obj] | None = None,
    ) -> None:
        self.resource = resource
        self.struct = struct
        self._client = client
        self._namespace = namespace
        self._transform = transform
        self._entries: dict[Key, Entry] = {}
        self._indexes: dict[str, Index] = dict(indexes or {})
        #: index name -> value -> keys, in order of arrival. "owner" and "label" are always there.
        self._buckets: dict[str, dict[str, dict[Key, None]]] = {name: {} for name in ("owner", "label", *self._indexes)}
        self._values: dict[Key, list[tuple[str, str]]] = {}
        self._handlers: list[ChangeHandler] = []
        #: The newest revision that the watch has shown; what it removed must not come back by an older answer.
        self._seen = 0
        self._synced = asyncio.Event()
        #: None before the first answer, and before the first failure to get one.
        self.connected: bool | None = None
        #: Why the server did not answer last time; empty while it does.
        self.trouble = ""
        self.on_connection: Callable[[bool], None] | None = None

    def on_change(self, handler: ChangeHandler) -> None:
        """Told of every change from now on, and at once of what is there already."""
        self._handlers.append(handler)
        for entry in list(self._entries.values()):
            handler(None, entry)

    def add_indexes(self, indexes: Mapping[str, Index]) -> None:
        """More indexes; only before the first list."""
        for name, index in indexes.items():
            if name not in self._indexes:
                self._indexes[name] = index
                self._buckets[name] = {}

    @property
    def synced(self) -> bool:
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        await self._synced.wait()

    def get(self, key: Key) -> Entry | None:
        return self._entries.get(key)

    def entries(self) -> Iterable[Entry]:
        return self._entries.values()

    def lookup(self, index: str, value: str) -> list[Entry]:
        return [self._entries[key] for key in self._buckets[index].get(value, ())]

    async def run(self) -> None:
        """List and watch until cancelled. Never raises for what the server or an object does."""
        loop = asyncio.get_running_loop()
        revision = ""
        attempt = 0
        while True:
            began, ended_well = loop.time(), False
            try:
                if not revision:
                    revision = await self._list()
                elif not self.connected:
                    # Only an answer shows that the server is back: a watch that is being opened shows nothing.
                    await self._client.list(self.resource, self._namespace, limit=1)
                self.trouble = ""
                self._set_connected(True)
                async for event in self._client.watch(self.resource, self._namespace, resource_version=revision):
                    revision = self._apply_event(event.type, event.object) or revision
                ended_well = True
            except ApiError as error:
                ended_well = error.code == 410
                self.trouble = error.message
                log.debug("watch refused", resource=self.resource.group_resource, reason=error.reason)
                revision = ""
            except (TransientError, OSError) as error:
                self.trouble = str(error)
                log.debug("watch broken", resource=self.resource.group_resource, error=str(error))
            if loop.time() - began > RETRY_SECONDS[-1]:
                attempt = 0
            if not ended_well:
                self._set_connected(False)
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1

    def observe(self, obj: Obj) -> None:
        """Put an own write's answer into the copy, unless the watch has already shown what came after it."""
        revision = int(obj["metadata"].get("resourceVersion") or 0)
        if revision > self._seen or key_of(obj) in self._entries:
            self._put(self._transform(obj) if self._transform else obj)

    async def _list(self) -> str:
        items: list[Obj] = []
        token = ""
        while True:
            page = await self._client.list(self.resource, self._namespace, limit=500, continue_token=token)
            items.extend(page.items)
            token = page.continue_token
            if not token:
                break
        seen = {key_of(item) for item in items}
        for key in [key for key in self._entries if key not in seen]:
            self._remove(key)
        for item in items:
            self._put(self._transform(item) if self._transform else item)
        self._seen = max(self._seen, int(page.resource_version or 0))
        self._synced.set()
        return page.resource_version

    def _apply_event(self, type_: str, obj: Obj) -> str:
        if type_ == "ERROR":
            raise ApiError(obj.get("code", 500), obj.get("reason", ""), obj.get("message", ""))
        revision: str = obj["metadata"].get("resourceVersion", "")
        self._seen = max(self._seen, int(revision or 0))
        if type_ == "DELETED":
            entry = self._entries.get(key_of(obj))
            if entry is not None and entry.revision <= int(revision or 0):
                self._remove(entry.key)
        elif type_ != "BOOKMARK":
            self._put(self._transform(obj) if self._transform else obj)
        return revision

    def _put(self, obj: Obj) -> None:
        entry = Entry(obj)
        old = self._entries.get(entry.key)
        if old is not None and old.revision >= entry.revision:
            return
        self._entries[entry.key] = entry
        self._reindex(entry.key, entry)
        self._tell(old, entry)

    def _remove(self, key: Key) -> None:
        old = self._entries.pop(key)
        self._reindex(key, None)
        self._tell(old, None)

    def _reindex(self, key: Key, entry: Entry | None) -> None:
        values = self._values_of(entry) if entry is not None else []
        before = self._values.pop(key, [])
        if values:
            self._values[key] = values
        if values == before:
            return
        for index, value in before:
            bucket = self._buckets[index][value]
            del bucket[key]
            if not bucket:
                del self._buckets[index][value]
        for index, value in values:
            self._buckets[index].setdefault(value, {})[key] = None

    def _values_of(self, entry: Entry) -> list[tuple[str, str]]:
        meta = entry.object["metadata"]
        found = {("owner", ref["uid"]): None for ref in meta.get("ownerReferences") or ()}
        found.update({("label", f"{name}={value}"): None for name, value in (meta.get("labels") or {}).items()})
        if self._indexes:
            try:
                subject = entry.view(self.struct) if self.struct else entry.object
                found.update({(name, v): None for name, index in self._indexes.items() for v in index(subject)})
            except Exception as error:  # one object that cannot be decoded must not stop the others
                log.warning("object not indexed", kind=self.resource.kind, key=str(entry.key), error=str(error))
        return list(found)

    def _tell(self, old: Entry | None, new: Entry | None) -> None:
        for handler in self._handlers:
            try:
                handler(old, new)
            except Exception as error:  # isolate: one mapping must not stop the informer
                key = (new or old).key  # type: ignore[union-attr]
                log.error("change handler failed", kind=self.resource.kind, key=str(key), error=repr(error))

    def _set_connected(self, connected: bool) -> None:
        if connected != self.connected:
            self.connected = connected
            if self.on_connection is not None:
                self.on_connection(connected)
