"""JSON patch (RFC 6902) with JSON pointers (RFC 6901), by copy on write.

Arguments are not changed; what a patch does not touch is shared between the old and the new document.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

OPERATIONS: Final = frozenset({"add", "remove", "replace", "move", "copy", "test"})

_SHOWN_LENGTH = 64


class PatchError(ValueError):
    """A patch that cannot be carried out. `pointer` is the RFC 6901 pointer it concerns, `index` and `op` name the
    operation, `malformed` tells what is no patch at all from one that does not fit the document, `test_failed` a
    failed `test` from a path that does not fit."""

    def __init__(
        self,
        why: str,
        pointer: str = "",
        *,
        index: int = -1,
        op: str = "",
        malformed: bool = False,
        test_failed: bool = False,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.pointer = pointer
        self.index = index
        self.op = op
        self.malformed = malformed
        self.test_failed = test_failed

    def __str__(self) -> str:
        place = f"operation {self.index}: " if self.index >= 0 else ""
        return f"{place}{self.pointer}: {self.why}" if self.pointer else f"{place}{self.why}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation with its pointers parsed; `pointer` is the path as it was written."""

    index: int
    op: str
    pointer: str
    path: tuple[str, ...]
    source: tuple[str, ...] = ()
    value: Any = None


def apply_json_patch(document: Any, patch: Any, on_copy: Callable[[Any], None] | None = None) -> Any:
    """The document after all operations in order. `on_copy` sees each value that a `copy` adds, and may raise.

    Guarantees: all operations are read before the first is carried out. Errors: PatchError; nothing has changed.
    """
    operations = parse_operations(patch)
    editor = _Editor(document, on_copy)
    for operation in operations:
        try:
            editor.run(operation)
        except _Unfit as unfit:
            raise PatchError(
                str(unfit),
                operation.pointer,
                index=operation.index,
                op=operation.op,
                test_failed=isinstance(unfit, _TestFailed),
            ) from None
    return editor.document


def parse_operations(patch: Any) -> list[Operation]:
    """The operations of a patch. Raises PatchError (malformed) when it is not a list of operations."""
    if not isinstance(patch, list):
        raise PatchError("a JSON patch must be an array of operations", malformed=True)
    return [_operation(index, raw) for index, raw in enumerate(patch)]


def _operation(index: int, raw: Any) -> Operation:
    def malformed(why: str) -> PatchError:
        return PatchError(why, index=index, malformed=True)

    if not isinstance(raw, dict):
        raise malformed("it is not an object")
    op, path, source = raw.get("op"), raw.get("path"), raw.get("from")
    if not isinstance(op, str) or op not in OPERATIONS:
        raise malformed(f"unknown op: {_shown(op)}")
    if not isinstance(path, str):
        raise malformed(f"{op} has no path")
    if op in ("move", "copy") and not isinstance(source, str):
        raise malformed(f"{op} has no from")
    if op in ("add", "replace", "test") and "value" not in raw:
        raise malformed(f"{op} has no value")
    try:
        origin = parse_pointer(str(source)) if op in ("move", "copy") else ()
        return Operation(index, op, path, parse_pointer(path), origin, raw.get("value"))
    except PatchError as error:
        raise malformed(error.why) from None


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) and len(value) < _SHOWN_LENGTH else type(value).__name__


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """The reference tokens of an RFC 6901 pointer. Raises PatchError when it does not begin with a slash. A tilde
    that escapes nothing stands for itself, as Kubernetes and Talos have it."""
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise PatchError("a path starts with '/' or is empty", pointer, malformed=True)
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def format_pointer(tokens: Sequence[str]) -> str:
    """The RFC 6901 pointer of reference tokens."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def json_equal(left: Any, right: Any) -> bool:
    """Equality of JSON values: true is not 1, but 1 is 1.0 (RFC 6902, 4.6)."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(json_equal(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return bool(left == right)


class _Unfit(Exception):
    """An operation that does not fit the document."""


class _TestFailed(_Unfit):
    """A `test` whose value differs."""


class _Editor:
    """Edits a shared document: each container is copied once, when first written to."""

    def __init__(self, document: Any, on_copy: Callable[[Any], None] | None) -> None:
        self.document = document
        self._on_copy = on_copy
        # Containers that this editor made, by id; holding them keeps their ids from being reused.
        self._owned: dict[int, Any] = {}

    def run(self, operation: Operation) -> None:
        op, path = operation.op, operation.path
        if op == "test":
            if not json_equal(self._find(path), operation.value):
                raise _TestFailed("testing value failed")
        elif op == "add":
            self._add(path, operation.value)
        elif op == "remove":
            self._remove(path)
        elif op == "replace":
            self._replace(path, operation.value)
        elif op == "copy":
            self._add(path, self._copy(operation.source))
        else:
            self._move(operation.source, path)

    def _move(self, source: tuple[str, ...], path: tuple[str, ...]) -> None:
        value = self._find(source)
        if source == path:
            return
        if path[: len(source)] == source:
            raise _Unfit("cannot move a value into itself")
        self._remove(source)
        self._add(path, value)

    def _copy(self, source: tuple[str, ...]) -> Any:
        value = self._find(source)
        if self._on_copy is not None:
            self._on_copy(value)
        # From here on the value has two places: nothing counts as ours alone any more.
        self._owned.clear()
        return value

    def _find(self, path: Sequence[str]) -> Any:
        value = self.document
        for token in path:
            value = value[_key(value, token)]
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
            raise _Unfit("the whole document cannot be removed")
        parent, last = self._writable(path[:-1]), path[-1]
        del parent[_key(parent, last)]

    def _replace(self, path: tuple[str, ...], value: Any) -> None:
        if not path:
            self.document = value
            return
        parent, last = self._writable(path[:-1]), path[-1]
        parent[_key(parent, last)] = value

    def _writable(self, path: tuple[str, ...]) -> Any:
        """The container at `path`, copied together with its ancestors unless they are ours already."""
        value = self.document = self._own(self.document)
        for token in path:
            key = _key(value, token)
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
            raise _Unfit("the parent is neither an object nor an array")
        self._owned[id(fresh)] = fresh
        return fresh


def _key(container: Any, token: str) -> Any:
    """What `token` names in a container that has it."""
    if isinstance(container, dict):
        if token not in container:
            raise _Unfit(f"there is no {token!r}")
        return token
    if isinstance(container, list):
        return _index(token, len(container) - 1)
    raise _Unfit(f"there is no {token!r}: its parent is neither an object nor an array")


def _index(token: str, highest: int) -> int:
    if not (token.isascii() and token.isdigit()) or (token[0] == "0" and token != "0"):
        raise _Unfit(f"{token!r} is not an array index")
    if len(token) > 9 or int(token) > highest:
        raise _Unfit(f"array index {token} is out of bounds")
    return int(token)
