"""From etcd's events to changes of objects: what one revision of etcd did, in the order of its writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from capstan.store.entry import Change, Entry
from capstan.store.etcd import messages
from capstan.store.etcd.layout import Layout, revision_of, unpacked, unpacked_last
from capstan.store.index import Index
from capstan.store.protocol import UnreadableError
from capstan.store.sealing import SealError, Sealing


class Decoder:
    """Knows the layout and the index, which has the state before each change."""

    def __init__(self, layout: Layout, index: Index, sealing: Sealing) -> None:
        self._layout = layout
        self._index = index
        self.sealing = sealing

    def load(self, kv: Any) -> int:
        """Put one stored object into the index; gives its revision. One that does not open is named there."""
        prefix, namespace, name = self._layout.parse(kv.key)
        place, sealed = unpacked(kv.value)
        revision = revision_of(kv.mod_revision, place)
        value, error = self._opened(prefix, namespace, name, sealed)
        self._index.load(Entry(prefix, namespace, name, revision, value))
        if error is not None:
            self._index.unreadable[(prefix, namespace, name)] = error
        return revision

    def changes(self, etcd: int, events: Sequence[Any]) -> list[Change]:
        """All changes of one revision of etcd."""
        layout = self._layout
        removed = _removed(layout, events)
        found = []
        for event in events:
            if not event.kv.key.startswith(layout.objects):
                continue
            prefix, namespace, name = layout.parse(event.kv.key)
            key = (prefix, namespace, name)
            error = self._index.unreadable.pop(key, None)
            previous = self._index.get(*key)
            if event.type == messages.DELETE:
                place, sealed = removed.get(event.kv.key, (0, b""))
                if previous is None:
                    continue
                value = self._opened(*key, sealed)[0] if sealed else previous.value
            else:
                place, sealed = unpacked(event.kv.value)
                value, error = self._opened(*key, sealed)
                if error is not None:
                    self._index.unreadable[key] = error
            entry = Entry(prefix, namespace, name, revision_of(etcd, place), value)
            found.append(Change(entry, previous, deleted=event.type == messages.DELETE))
        return sorted(found, key=lambda change: change.revision)

    def _opened(self, prefix: str, namespace: str, name: str, sealed: bytes) -> tuple[bytes, UnreadableError | None]:
        try:
            return self.sealing.open(prefix, namespace, name, sealed), None
        except SealError as error:
            unreadable = UnreadableError(prefix, namespace, name, str(error))
            return b'{"metadata":{"name":""}}', unreadable


def _removed(layout: Layout, events: Iterable[Any]) -> dict[bytes, tuple[int, bytes]]:
    for event in events:
        if event.kv.key == layout.last and event.type == messages.PUT:
            return dict(unpacked_last(event.kv.value))
    return {}
