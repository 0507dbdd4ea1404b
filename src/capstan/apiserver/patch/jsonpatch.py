"""JSON patch (RFC 6902) with JSON pointers (RFC 6901), by copy on write, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from capstan.api.errors import ApiError, bad_request

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 * 1024 * 1024

_OPERATIONS = {"add", "remove", "replace", "move", "copy", "test"}


class _Refused(Exception):
    """An operation that does not fit the document."""


def apply_json_patch(document: Any, patch: Any) -> Any:
    """`document` after all operations of `patch`, or ApiError and nothing done.

    Errors: 400 when `patch` is not a list of operations, 413 beyond the limits, 422 when an operation does not fit.
    """
    if not isinstance(patch, list):
        raise bad_request("error decoding patch: a JSON patch must be an array of operations")
    if len(patch) > MAX_OPERATIONS:
        allowed = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: {allowed}")
    operations = [_Operation.of(index, raw) for index, raw in enumerate(patch)]
    editor = _Editor(document)
    for operation in operations:
        try:
            editor.run(operation)
        except _Refused as refused:
            raise _unprocessable(operation, str(refused)) from None
    return editor.document


def _unprocessable(operation: _Operation, why: str) -> ApiError:
    shown = f"operation {operation.index} ({operation.op} {operation.shown_path!r}): {why}"
    message = f"the server rejected our request due to an error in our request: {shown}"
    return ApiError(422, "Invalid", message)


class _Operation:
    """One operation with its pointers parsed."""

    __slots__ = ("from_path", "index", "op", "path", "shown_path", "value")

    def __init__(self, index: int, op: str, path: str, from_path: str | None, value: Any) -> None:
        self.index, self.op, self.shown_path, self.value = index, op, path, value
        self.path = _pointer(index, path)
        self.from_path = () if from_path is None else _pointer(index, from_path)

    @classmethod
    def of(cls, index: int, raw: Any) -> _Operation:
        if not isinstance(raw, dict):
            raise bad_request(f"error decoding patch: operation {index} is not an object")
        op, path, source = raw.get("op"), raw.get("path"), raw.get("from")
        if op not in _OPERATIONS:
            raise bad_request(f"error decoding patch: operation {index} has an unknown op: {_shown(op)}")
        if not isinstance(path, str):
            raise bad_request(f"error decoding patch: operation {index} ({op}) has no path")
        if op in ("move", "copy") and not isinstance(source, str):
            raise bad_request(f"error decoding patch: operation {index} ({op}) has no from")
        if op in ("add", "replace", "test") and "value" not in raw:
            raise bad_request(f"error decoding patch: operation {index} ({op}) has no value")
        return cls(index, op, path, source if op in ("move", "copy") else None, raw.get("value"))


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) and len(value) < 64 else type(value).__name__


def _pointer(index: int, text: str) -> tuple[str, ...]:
    if not text:
        return ()
    if not text.startswith("/"):
        raise bad_request(f"error decoding patch: operation {index}: a path starts with '/' or is empty")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


class _Editor:
    """Edits a shared document: each container is copied once, when first written to."""

    def __init__(self, document: Any) -> None:
        self.document = document
        # Containers that this editor made, by id; holding them keeps their ids from being reused.
        self._owned: dict[int, Any] = {}
        self._copied = 0

    def run(self, operation: _Operation) -> None:
        op, path = operation.op, operation.path
        if op == "test":
            if not is_json_equal(self._find(path), operation.value):
                raise _Refused("testing value failed")
        elif op == "add":
            self._add(path, operation.value)
        elif op == "remove":
            self._remove(path)
        elif op == "replace":
            self._replace(path, operation.value)
        elif op == "copy":
            self._add(path, self._copy(operation.from_path))
        else:
            self._move(operation.from_path, path)

    def _move(self, source: tuple[str, ...], path: tuple[str, ...]) -> None:
        value = self._find(source)
        if source == path:
            return
        if path[: len(source)] == source:
            raise _Refused("cannot move a value into itself")
        self._remove(source)
        self._add(path, value)

    def _copy(self, source: tuple[str, ...]) -> Any:
        value = self._find(source)
        self._copied += len(orjson.dumps(value))
        if self._copied > MAX_COPIED_BYTES:
            why = f"The size of copied values in a JSON patch may not exceed {MAX_COPIED_BYTES} bytes"
            raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: {why}")
        # From here on the value has two places: nothing counts as ours alone any more.
        self._owned.clear()
        return value

    def _find(self, path: Sequence[str]) -> Any:
        value = self.document
        for part in path:
            if isinstance(value, dict):
                if part not in value:
                    raise _Refused(f"no such key: {part!r}")
                value = value[part]
            elif isinstance(value, list):
                value = value[_index(part, len(value) - 1)]
            else:
                raise _Refused(f"{part!r} is below a value that is neither an object nor an array")
        return value

    def _add(self, path: tuple[str, ...], value: Any) -> None:
        if not path:
            self.document = value
            return
        parent, last = self._writable(path[:-1]), path[-1]
        if isinstance(parent, list):
            parent.insert(len(parent) if last == "-" else _index(last, len(parent)), value)
        else:
            parent[last] = value

    def _remove(self, path: tuple[str, ...]) -> None:
        if not path:
            raise _Refused("the whole document cannot be removed")
        parent, last = self._writable(path[:-1]), path[-1]
        if isinstance(parent, list):
            del parent[_index(last, len(parent) - 1)]
        elif last in parent:
            del parent[last]
        else:
            raise _Refused(f"no such key: {last!r}")

    def _replace(self, path: tuple[str, ...], value: Any) -> None:
        if not path:
            self.document = value
            return
        parent, last = self._writable(path[:-1]), path[-1]
        if isinstance(parent, list):
            parent[_index(last, len(parent) - 1)] = value
        elif last in parent:
            parent[last] = value
        else:
            raise _Refused(f"no such key: {last!r}")

    def _writable(self, path: tuple[str, ...]) -> Any:
        """The container at `path`, copied together with its ancestors unless they are ours already."""
        value = self.document = self._own(self.document)
        for part in path:
            if isinstance(value, dict):
                if part not in value:
                    raise _Refused(f"no such key: {part!r}")
                key: Any = part
            else:
                key = _index(part, len(value) - 1)
            value[key] = self._own(value[key])
            value = value[key]
        return value

    def _own(self, value: Any) -> Any:
        if id(value) in self._owned:
            return value
        if isinstance(value, dict):
            fresh: Any = dict(value)
        elif isinstance(value, list):
            fresh = list(value)
        else:
            raise _Refused("the parent is neither an object nor an array")
        self._owned[id(fresh)] = fresh
        return fresh


def _index(part: str, highest: int) -> int:
    if not (part.isascii() and part.isdigit()) or (part[0] == "0" and part != "0"):
        raise _Refused(f"{part!r} is not an array index")
    if len(part) > 9 or int(part) > highest:
        raise _Refused(f"array index {part} is out of bounds")
    return int(part)


def is_json_equal(left: Any, right: Any) -> bool:
    """Equality of JSON values: numbers by value, but a boolean is no number."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_json_equal(v, right[k]) for k, v in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_json_equal, left, right))
    return bool(left == right)
