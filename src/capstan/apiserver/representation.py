"""Objects, lists and watch events as bytes: as they are kept where possible, else as Table or metadata only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import orjson

from capstan.api.errors import ApiError, bad_request
from capstan.api.objects import Obj
from capstan.apiserver.backend import view, view_json
from capstan.apiserver.negotiation import YAML, Accepted
from capstan.apiserver.reading import EntryPage
from capstan.apiserver.resources import Target
from capstan.apiserver.table import IncludeObject, partial_metadata, to_table
from capstan.apiserver.watch import Event, bookmark_object
from capstan.store.entry import Entry

_EVENT = {kind: f'{{"type":"{kind}","object":'.encode() for kind in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")}


class Shape(msgspec.Struct, frozen=True):
    """How one answer is made: what was negotiated, for which resource, and the time for ages."""

    target: Target
    accepted: Accepted
    include: IncludeObject
    now: datetime

    def table(self, objects: Sequence[Obj], metadata: Obj, *, headers: bool = True) -> Obj:
        served, version = self.target.served, self.target.version
        made = to_table(
            objects,
            version.columns,
            self.now,
            include_object=self.include,
            group=served.group,
            kind=served.kind,
            metadata=metadata,
            headers=headers,
        )
        return {**made, "apiVersion": f"meta.k8s.io/{self.accepted.version}"}

    def partial(self, obj: Obj) -> Obj:
        return {**partial_metadata(obj), "apiVersion": f"meta.k8s.io/{self.accepted.version}"}


def include_object(text: str) -> IncludeObject:
    """The `includeObject` parameter. Raises 400."""
    if text in ("", "Metadata"):
        return "Metadata"
    if text == "Object":
        return "Object"
    if text == "None":
        return "None"
    raise bad_request(f'invalid includeObject value "{text[:40]}": must be "", "None", "Metadata" or "Object"')


def object_bytes(shape: Shape, obj: Obj) -> bytes:
    """One decoded object. A Status is never transformed."""
    if obj.get("kind") == "Status" and obj.get("apiVersion") == "v1":
        return encoded(shape.accepted, obj)
    if shape.accepted.form == "Table":
        version = obj["metadata"].get("resourceVersion", "")
        obj = shape.table([obj], {"resourceVersion": version})
    elif shape.accepted.form == "PartialObjectMetadata":
        obj = shape.partial(obj)
    return encoded(shape.accepted, obj)


def entry_bytes(shape: Shape, entry: Entry) -> bytes:
    """One stored object."""
    target = shape.target
    if shape.accepted.form == "Object" and shape.accepted.media != YAML:
        return view_json(target.served, entry, target.version.name)
    return object_bytes(shape, view(target.served, entry, target.version.name))


def list_bytes(shape: Shape, page: EntryPage) -> bytes:
    """A page of a list. The objects of a plain JSON list are joined as they are kept."""
    target, accepted = shape.target, shape.accepted
    served, version = target.served, target.version.name
    metadata: Obj = {"resourceVersion": str(page.revision)}
    if page.continue_token:
        metadata["continue"] = page.continue_token
    if page.remaining is not None:
        metadata["remainingItemCount"] = page.remaining
    if accepted.form == "Table":
        return encoded(accepted, shape.table([view(served, entry, version) for entry in page.entries], metadata))
    if accepted.form == "PartialObjectMetadata":
        items = [shape.partial(view(served, entry, version)) for entry in page.entries]
        kind = "PartialObjectMetadataList"
        body = {"kind": kind, "apiVersion": f"meta.k8s.io/{accepted.version}", "metadata": metadata, "items": items}
        return encoded(accepted, body)
    head = orjson.dumps({"kind": served.kind_of_list, "apiVersion": target.api_version, "metadata": metadata})
    encoded_items = [view_json(served, entry, version) for entry in page.entries]
    joined = b",".join(_untyped(target, encoded_items) if served.builtin else encoded_items)
    body_json = b"".join((head[:-1], b',"items":[', joined, b"]}"))
    return encoded(accepted, orjson.loads(body_json)) if accepted.media == YAML else body_json


def _untyped(target: Target, items: Sequence[bytes]) -> list[bytes]:
    """Items of a list of Kubernetes' own kinds do not repeat their type."""
    typed = b'{"apiVersion":"%b","kind":"%b",' % (target.api_version.encode(), target.served.kind.encode())
    return [b"{" + item[len(typed) :] if item.startswith(typed) else item for item in items]


class Frames:
    """The events of one watch as lines. Plain events are encoded once for all watchers of a change; only the ages of
    a Table need to know what time it is."""

    def __init__(self, shape: Shape, now: Callable[[], datetime]) -> None:
        self._shape = shape
        self._now = now
        self._headers = True

    def encode(self, events: Sequence[Event]) -> bytes:
        if len(events) == 1:
            return self._frame(events[0])
        return b"".join([self._frame(event) for event in events])

    def _frame(self, event: Event) -> bytes:
        shape = self._shape
        if event.entry is None:
            return _line(event.type, orjson.dumps(self._bookmark(event)))
        version = shape.target.version.name
        if shape.accepted.form == "Table":
            obj = view(shape.target.served, event.entry, version)
            current = Shape(shape.target, shape.accepted, shape.include, self._now())
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            table = current.table([obj], metadata, headers=self._headers)
            self._headers = False
            return _line(event.type, orjson.dumps(table))
        if event.change is None:
            return self._plain(event.type, event.entry)
        if event.change.frames is None:
            event.change.frames = {}
        key = (shape.accepted.form, shape.accepted.version, version, event.type)
        frame = event.change.frames.get(key)
        if frame is None:
            frame = event.change.frames[key] = self._plain(event.type, event.entry)
        return frame

    def _plain(self, kind: str, entry: Entry) -> bytes:
        served, version = self._shape.target.served, self._shape.target.version.name
        if self._shape.accepted.form == "PartialObjectMetadata":
            return _line(kind, orjson.dumps(self._shape.partial(view(served, entry, version))))
        return _line(kind, view_json(served, entry, version))

    def _bookmark(self, event: Event) -> Obj:
        obj = bookmark_object(self._shape.target, event)
        if self._shape.accepted.form == "PartialObjectMetadata":
            return self._shape.partial(obj)
        if self._shape.accepted.form == "Table":
            metadata = {"resourceVersion": str(event.revision)}
            table = self._shape.table([], metadata, headers=self._headers)
            self._headers = False
            # kubectl reads the end of the initial events from the row's metadata.
            return {**table, "rows": [{"cells": [], "object": self._shape.partial(obj)}]}
        return obj


def error_frame(error: ApiError) -> bytes:
    return b'{"type":"ERROR","object":' + orjson.dumps(error.status()) + b"}\n"


def _line(kind: str, encoded_object: bytes) -> bytes:
    return b"".join((_EVENT[kind], encoded_object, b"}\n"))


def encoded(accepted: Accepted, obj: Any) -> bytes:
    """A decoded value in the media type that was negotiated."""
    if accepted.media != YAML:
        return orjson.dumps(obj)
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(obj, Dumper=dumper, default_flow_style=False, allow_unicode=True)
    return text.encode()
