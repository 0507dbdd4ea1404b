"""JSON patches as pure functions: RFC 6902 operations and RFC 7386 merge patches.

Neither changes its arguments; what a patch does not touch is shared between the old and the new document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_MISSING: Final = object()


class PatchError(ValueError):
    """An operation that cannot be carried out. `pointer` is the RFC 6901 pointer it concerns, `index` the
    operation's place in the patch, `test_failed` tells a failed `test` from a path that does not fit."""

    def __init__(self, why: str, pointer: str = "", *, index: int = -1, test_failed: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.pointer = pointer
        self.index = index
        self.test_failed = test_failed

    def __str__(self) -> str:
        place = f"operation {self.index}: " if self.index >= 0 else ""
        return f"{place}{self.pointer}: {self.why}" if self.pointer else f"{place}{self.why}"


def apply_json_patch(document: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    """The document after all operations in order (RFC 6902). Raises PatchError; then nothing has changed."""
    for index, operation in enumerate(operations):
        try:
            document = _apply(document, operation)
        except PatchError as error:
            raise PatchError(error.why, error.pointer, index=index, test_failed=error.test_failed) from None
    return document


def merge_patch(document: Any, patch: Any) -> Any:
    """The document after a merge patch (RFC 7386): null removes, lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """The reference tokens of an RFC 6901 pointer. Raises PatchError when it does not begin with a slash."""
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise PatchError("a JSON pointer begins with a slash", pointer)
    return tuple(_unescape(token, pointer) for token in pointer[1:].split("/"))


def format_pointer(tokens: Sequence[str]) -> str:
    """The RFC 6901 pointer of reference tokens."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def json_equal(left: Any, right: Any) -> bool:
    """Equality of JSON values: true is not 1, but 1 is 1.0 (RFC 6902, 4.6)."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(json_equal(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(json_equal(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def _apply(document: Any, operation: Mapping[str, Any]) -> Any:
    if not isinstance(operation, Mapping):
        raise PatchError("an operation is an object")
    name = operation.get("op")
    carry_out = _OPERATIONS.get(name) if isinstance(name, str) else None
    if carry_out is None:
        raise PatchError(f"unknown operation {name!r}")
    return carry_out(document, operation, parse_pointer(_text(operation, "path")))


def _add(document: Any, operation: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    return _with_added(document, path, _value(operation), path)


def _remove(document: Any, _operation: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    if not path:
        return None
    return _without(document, path, path)


def _replace(document: Any, operation: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    return _with_replaced(document, path, _value(operation), path)


def _move(document: Any, operation: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    source = parse_pointer(_text(operation, "from"))
    if path[: len(source)] == source and len(path) > len(source):
        raise PatchError("a value cannot be moved into itself", format_pointer(path))
    value = _found(document, source)
    if source == path:
        return document
    return _with_added(_without(document, source, source), path, value, path)


def _copy(document: Any, operation: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    return _with_added(document, path, _found(document, parse_pointer(_text(operation, "from"))), path)


def _test(document: Any, operation: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    if not json_equal(_found(document, path), _value(operation)):
        raise PatchError("the test failed: the value differs", format_pointer(path), test_failed=True)
    return document


_Operation = Callable[[Any, Mapping[str, Any], tuple[str, ...]], Any]
_OPERATIONS: Mapping[str, _Operation] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _with_added(document: Any, tokens: tuple[str, ...], value: Any, path: tuple[str, ...]) -> Any:
    if not tokens:
        return value
    head, rest = tokens[0], tokens[1:]
    if rest:
        return _with_child(document, head, path, lambda child: _with_added(child, rest, value, path))
    if isinstance(document, dict):
        return {**document, head: value}
    if isinstance(document, list):
        at = len(document) if head == "-" else _index(head, len(document) + 1, path)
        return [*document[:at], value, *document[at:]]
    raise PatchError("there is neither an object nor a list to add to", format_pointer(path))


def _with_replaced(document: Any, tokens: tuple[str, ...], value: Any, path: tuple[str, ...]) -> Any:
    if not tokens:
        return value
    head, rest = tokens[0], tokens[1:]
    return _with_child(document, head, path, lambda child: _with_replaced(child, rest, value, path))


def _without(document: Any, tokens: tuple[str, ...], path: tuple[str, ...]) -> Any:
    if not tokens:
        return None
    head, rest = tokens[0], tokens[1:]
    if rest:
        return _with_child(document, head, path, lambda child: _without(child, rest, path))
    _child(document, head, path)
    if isinstance(document, dict):
        return {name: value for name, value in document.items() if name != head}
    at = _index(head, len(document), path)
    return [*document[:at], *document[at + 1 :]]


def _with_child(document: Any, head: str, path: tuple[str, ...], change: Callable[[Any], Any]) -> Any:
    changed = change(_child(document, head, path))
    if isinstance(document, dict):
        return {**document, head: changed}
    at = _index(head, len(document), path)
    return [*document[:at], changed, *document[at + 1 :]]


def _found(document: Any, path: tuple[str, ...]) -> Any:
    for token in path:
        document = _child(document, token, path)
    return document


def _child(document: Any, token: str, path: tuple[str, ...]) -> Any:
    if isinstance(document, dict):
        value = document.get(token, _MISSING)
        if value is _MISSING:
            raise PatchError(f"there is no {token!r}", format_pointer(path))
        return value
    if isinstance(document, list):
        return document[_index(token, len(document), path)]
    raise PatchError(f"there is no {token!r}: its parent is neither an object nor a list", format_pointer(path))


def _index(token: str, length: int, path: tuple[str, ...]) -> int:
    if not token.isascii() or not token.isdigit() or (len(token) > 1 and token[0] == "0"):
        raise PatchError(f"{token!r} is not a list index", format_pointer(path))
    if len(token) > 9 or int(token) >= length:
        raise PatchError(f"index {token} is beyond the end of the list", format_pointer(path))
    return int(token)


def _text(operation: Mapping[str, Any], name: str) -> str:
    value = operation.get(name)
    if not isinstance(value, str):
        raise PatchError(f"the operation needs a {name!r} text")
    return value


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise PatchError("the operation needs a 'value'", str(operation.get("path", "")))
    return operation["value"]


def _unescape(token: str, pointer: str) -> str:
    if "~" not in token:
        return token
    if "~" in token.replace("~0", "").replace("~1", ""):
        raise PatchError("a tilde is written ~0, a slash ~1", pointer)
    return token.replace("~1", "/").replace("~0", "~")
