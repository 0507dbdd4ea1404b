"""One revision of one object as bytes, with a decoded view that is made once and shared by every reader."""

from __future__ import annotations

from typing import Any

import orjson

from capstan.api.objects import Obj

_METADATA = b'"metadata":{'


class Entry:
    """One revision of one object.

    `value` is the encoded object without its resourceVersion: a JSON object whose first `"metadata":{` opens
    its non-empty metadata. `json` is the same with the resourceVersion put in, which is what goes on the wire.
    `views` belongs to the API server: it keeps there what it derives from this revision (other versions).
    `asked` says that others were asked for them, so that they cannot be made again at once.
    """

    __slots__ = ("_object", "asked", "name", "namespace", "prefix", "revision", "value", "views")

    def __init__(self, prefix: str, namespace: str, name: str, revision: int, value: bytes) -> None:
        self.prefix = prefix
        self.namespace = namespace
        self.name = name
        self.revision = revision
        self.value = value
        self.views: dict[Any, Any] | None = None
        self.asked = False
        self._object: Obj | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.namespace, self.name)

    @property
    def json(self) -> bytes:
        """The object on the wire, in its stored version. Put together again each time: that is cheaper than to keep
        every object twice."""
        value = self.value
        at = value.index(_METADATA) + len(_METADATA)
        return b"".join((value[:at], b'"resourceVersion":"%d",' % self.revision, value[at:]))

    @property
    def object(self) -> Obj:
        """The decoded object, shared: nobody changes it."""
        decoded = self._object
        if decoded is None:
            decoded = self._object = orjson.loads(self.json)
        return decoded

    def forget(self) -> None:
        """Free what can be made again; called when a newer revision replaces this one."""
        self._object = None
        if not self.asked:
            self.views = None

    def __repr__(self) -> str:
        return f"Entry({self.prefix} {self.namespace}/{self.name} @{self.revision})"


class Change:
    """One event of the log. For a delete, `entry` is the last state with the revision of the delete; for a
    create `previous` is None. `frames` belongs to the API server: the encoded watch events of this change."""

    __slots__ = ("deleted", "entry", "frames", "previous")

    def __init__(self, entry: Entry, previous: Entry | None, deleted: bool) -> None:
        self.entry = entry
        self.previous = previous
        self.deleted = deleted
        self.frames: dict[Any, bytes] | None = None

    @property
    def revision(self) -> int:
        return self.entry.revision

    def __repr__(self) -> str:
        verb = "delete" if self.deleted else ("update" if self.previous else "create")
        return f"Change({verb} {self.entry!r})"
