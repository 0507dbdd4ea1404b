"""YAML as Kubernetes reads it: one document of JSON types, YAML 1.1 scalars, bounded depth and aliases.

The scalar rules are those of sigs.k8s.io/yaml: `on`, `yes`, `y` and their kind are booleans, `0777` is octal,
`12:30` is a string, dates stay strings, and keys become strings.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from capstan.api.errors import ApiError, bad_request
from capstan.apiserver.depth import MAX_DEPTH

# Aliases share their value here, but are written out by whoever encodes the object.
MAX_ALIASED_NODES = 100_000

_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_NULL = frozenset(["", "~", "null", "Null", "NULL"])
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INT = re.compile(r"[-+]?(0[bB][01]+|0[xX][0-9a-fA-F]+|0[oO]?[0-7]*|[1-9][0-9]*)")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


def load_yaml(body: bytes, max_duplicates: int = 100) -> tuple[Any, tuple[str, ...], tuple[int, ...]]:
    """The only document of `body`, the paths of duplicate keys (the last value wins), and the lines they are on.

    Errors: ApiError 400 with the line.
    """
    builder = _Builder(max_duplicates)
    try:
        for event in yaml.parse(body, Loader=_LOADER):
            builder.feed(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise _bad(line, error.problem or "malformed") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0][:200]
        raise bad_request(f"error converting YAML to JSON: yaml: {first}") from None
    return builder.root, tuple(builder.duplicates), tuple(builder.lines)


def _bad(line: int, why: str) -> ApiError:
    where = f"line {line}: " if line else ""
    return bad_request(f"error converting YAML to JSON: yaml: {where}{why}")


class _Open:
    """A mapping or sequence under construction."""

    __slots__ = ("anchor", "key", "line", "merges", "path", "size", "value")

    def __init__(self, value: dict[str, Any] | list[Any], anchor: str | None, path: str) -> None:
        self.value = value
        self.anchor = anchor
        self.path = path
        self.key: str | None = None
        self.line = 0
        self.merges: list[Any] = []
        self.size = 1


class _Builder:
    """Builds one document from parser events, without recursion, and stops at the first limit that is passed."""

    def __init__(self, max_duplicates: int) -> None:
        self.root: Any = None
        self.duplicates: list[str] = []
        self.lines: list[int] = []
        self._max_duplicates = max_duplicates
        self._documents = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._aliased = 0

    def feed(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._start({}, event)
        elif kind is yaml.SequenceStartEvent:
            self._start([], event)
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            self._end()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise _bad(event.start_mark.line + 1, "the body holds more than one document")

    def _scalar(self, event: Any) -> None:
        value = _resolve(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        merge = event.value == "<<" and not event.style
        self._put(value, 1, event.start_mark.line + 1, merge)

    def _start(self, value: dict[str, Any] | list[Any], event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise _bad(event.start_mark.line + 1, f"exceeded max depth of {MAX_DEPTH}")
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            raise _bad(event.start_mark.line + 1, "a key must be a scalar")
        self._open.append(_Open(value, event.anchor, self._path()))

    def _path(self) -> str:
        if not self._open:
            return ""
        top = self._open[-1]
        if isinstance(top.value, list):
            return f"{top.path}[{len(top.value)}]"
        return f"{top.path}.{top.key}".lstrip(".")

    def _end(self) -> None:
        done = self._open.pop()
        if isinstance(done.value, dict):
            for merged in reversed(done.merges):
                done.value = {**merged, **done.value}
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size)
        self._put(done.value, done.size, 0, False)

    def _alias(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if event.anchor not in self._anchors:
            raise _bad(line, f"unknown anchor {event.anchor!r} referenced")
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > MAX_ALIASED_NODES:
            raise _bad(line, "document contains excessive aliasing")
        self._put(value, size, line, False)

    def _put(self, value: Any, size: int, line: int, merge: bool) -> None:
        if not self._open:
            self.root = value
            return
        top = self._open[-1]
        top.size += size
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            top.key = "<<" if merge else _key(value, line)
            top.line = line
            if merge:
                top.merges.append(None)
        elif top.merges and top.merges[-1] is None:
            top.merges.pop()
            top.merges.extend(reversed(_merged(value, line)))
            top.key = None
        else:
            if top.key in top.value and len(self.duplicates) < self._max_duplicates:
                self.duplicates.append(f"{top.path}.{top.key}".lstrip("."))
                self.lines.append(top.line)
            top.value[top.key] = value
            top.key = None


def _merged(value: Any, line: int) -> list[dict[str, Any]]:
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        raise _bad(line, "map merge requires map or sequence of maps as the value")
    return sources


def _key(value: Any, line: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return str(value)
    raise _bad(line, "a key must be a scalar")


def _resolve(event: Any) -> Any:
    """The JSON value of a scalar: strings when quoted, else by the YAML 1.1 rules of the Go library."""
    text, tag = event.value, event.tag
    if tag is None or tag == "!":
        if not event.implicit[0] or event.style:
            return text
        return _plain(text, event)
    if tag in (_TAG + "str", _TAG + "timestamp"):
        return text
    if tag == _TAG + "binary":
        return text
    value = _plain(text, event)
    wanted = {"int": int, "float": float, "bool": bool, "null": type(None)}.get(tag.removeprefix(_TAG))
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is None or type(value) is not wanted:
        raise _bad(event.start_mark.line + 1, f"cannot decode the value as {tag[:60]}")
    return value


def _plain(text: str, event: Any) -> Any:
    if text in _NULL:
        return None
    first = text[0]
    if first in "yYtToOnNfF":
        return True if text in _TRUE else False if text in _FALSE else text
    if first not in "+-.0123456789":
        return text
    return _number(text, event)


def _number(text: str, event: Any) -> Any:
    digits = text.replace("_", "")
    if len(digits) <= 64 and _INT.fullmatch(digits):
        return _integer(digits)
    if _FLOAT.fullmatch(digits):
        value = float(digits)
        if math.isinf(value):
            raise _bad(event.start_mark.line + 1, "a number is out of range")
        return value
    if _INFINITE.fullmatch(text):
        raise _bad(event.start_mark.line + 1, "infinity and NaN have no JSON form")
    return text


def _integer(digits: str) -> int | float:
    body = digits.lstrip("+-")
    if len(body) > 1 and body[0] == "0" and body[1].isdigit():
        value = int(body, 8)
    else:
        value = int(body, 0)
    value = -value if digits.startswith("-") else value
    return value if -(2**63) <= value < 2**64 else float(value)
