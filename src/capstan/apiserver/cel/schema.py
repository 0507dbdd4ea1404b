"""Structural schemas to types: what `self` is in a rule, how large it can be, and how its JSON becomes values."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from capstan.apiserver.cel import times
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.types import Field, Type
from capstan.apiserver.cel.values import ABSENT, KeyedList, SetList, View

#: The largest request: what is not bounded by a schema is bounded by it.
_REQUEST = 3 * 1024 * 1024
_RESERVED = frozenset(
    (
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else"),
        *("for", "function", "if", "import", "let", "loop", "package", "namespace", "return"),
        *("var", "void", "while"),
    )
)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_./-]*")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SPANS = {"w": 7 * 24 * 3600 * 10**9, "d": 24 * 3600 * 10**9}
#: Bytes of the longest value of a format and of the shortest.
_FORMATS = {"duration": (32, 3), "date": (12, 12), "date-time": (32, 21)}
Adapt = Callable[[Any], Any]


def escape(name: str) -> str | None:
    """A property's name as expressions write it, None if they cannot."""
    if not _NAME.fullmatch(name) or "$" in name:
        return None
    if name in _RESERVED:
        return f"__{name}__"
    for plain, escaped in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        name = name.replace(plain, escaped)
    return name


def schema_type(schema: Mapping[str, Any], *, root: bool = False, name: str = "self") -> Type | None:
    """The type of what a structural schema describes, None if expressions cannot see it.

    `root` is set for the schema of a whole custom resource: its apiVersion, kind, metadata.name and
    metadata.generateName are there although no schema lists them. `Type.adapt` turns JSON into a value.
    """
    if schema.get("x-kubernetes-int-or-string"):
        return Type("dyn", limit=_text_limit(schema), smallest=1)
    if root or schema.get("x-kubernetes-embedded-resource"):
        schema = _with_metadata(schema)
    kind = schema.get("type")
    if kind == "array":
        return _list(schema, name)
    if kind == "object":
        return _map(schema, name) if _additional(schema) is not None else _object(schema, name)
    if kind == "string":
        return _string(schema)
    return _SCALARS.get(str(kind))


def value_of(of: Type, value: Any) -> Any:
    """JSON as a value of a type."""
    return of.adapt(value) if of.adapt is not None and value is not None else value


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise CelEvaluationError(f"invalid data, expected float, got {type(value).__name__}")


_SCALARS: dict[str, Type] = {
    "boolean": Type("bool", limit=0, smallest=4),
    "integer": Type("int", limit=0, smallest=1),
    "number": Type("double", limit=0, smallest=1, adapt=_number),
}
#: Kubernetes counts no sizes of keys, objects and scalars: what it cannot bound it takes for nothing.
_KEY = Type("string", limit=0, smallest=2)
_TEXT = {"type": "string"}
_METADATA = {"type": "object", "properties": {"name": _TEXT, "generateName": _TEXT}}


def _with_metadata(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = dict(schema.get("properties") or {})
    metadata = properties.get("metadata") or {}
    known = metadata.get("properties") or {}
    properties.update(kind=_TEXT, apiVersion=_TEXT)
    if "name" not in known or "generateName" not in known:
        properties["metadata"] = _METADATA
    return {**schema, "type": "object", "properties": properties}


def _additional(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = schema.get("additionalProperties")
    return found if isinstance(found, Mapping) else None


def _bound(schema: Mapping[str, Any], key: str) -> int | None:
    found = schema.get(key)
    return max(0, int(found)) if isinstance(found, int | float) else None


def _text_limit(schema: Mapping[str, Any]) -> int:
    longest = _bound(schema, "maxLength")
    if longest is not None:
        # Lengths are in code points, sizes of requests in bytes.
        return longest * 4
    if schema.get("enum") and not schema.get("x-kubernetes-int-or-string"):
        return max((len(v.encode()) for v in schema["enum"] if isinstance(v, str)), default=0)
    return _REQUEST - 2


def _string(schema: Mapping[str, Any]) -> Type:
    form = str(schema.get("format") or "")
    if form == "byte":
        longest = _bound(schema, "maxLength")
        return Type("bytes", limit=_REQUEST - 2 if longest is None else longest, smallest=2, adapt=_bytes)
    if form in _FORMATS:
        longest, shortest = _FORMATS[form]
        kind = "duration" if form == "duration" else "timestamp"
        return Type(kind, limit=longest, smallest=shortest, adapt=_READERS[form])
    return Type("string", limit=_text_limit(schema), smallest=2)


def _list(schema: Mapping[str, Any], name: str) -> Type | None:
    items = schema.get("items")
    inner = schema_type(items, name=f"{name}.@items") if isinstance(items, Mapping) else None
    if inner is None:
        return None
    longest = _bound(schema, "maxItems")
    limit = (_REQUEST - 2) // (inner.smallest + 1) if longest is None else longest
    return Type("list", params=(inner,), limit=limit, smallest=2, adapt=_list_adapter(schema, inner))


def _list_adapter(schema: Mapping[str, Any], inner: Type) -> Adapt | None:
    adapt, kind = inner.adapt, schema.get("x-kubernetes-list-type")
    keys = tuple(escape(str(key)) or str(key) for key in schema.get("x-kubernetes-list-map-keys") or ())
    if kind == "map" and keys:
        return lambda items: KeyedList(_each(items, adapt), keys)
    if kind == "set":
        return lambda items: SetList(_each(items, adapt))
    return (lambda items: _each(items, adapt)) if adapt is not None else None


def _each(items: Sequence[Any], adapt: Adapt | None) -> list[Any]:
    if adapt is None:
        return items if isinstance(items, list) else list(items)
    return [item if item is None else adapt(item) for item in items]


def _map(schema: Mapping[str, Any], name: str) -> Type | None:
    values = _additional(schema)
    inner = schema_type(values, name=f"{name}.@values") if values is not None else None
    if inner is None:
        return None
    longest = _bound(schema, "maxProperties")
    limit = (_REQUEST - 2) // (inner.smallest + 6) if longest is None else longest
    adapt = inner.adapt
    whole: Adapt | None = None
    if adapt is not None:
        each = adapt
        whole = lambda found: {k: v if v is None else each(v) for k, v in found.items()}  # noqa: E731
    return Type("map", params=(_KEY, inner), limit=limit, smallest=2, adapt=whole)


class ObjectView(View):
    """An object of a schema over its JSON: fields become values when they are looked at."""

    __slots__ = ("fields", "raw")

    def __init__(self, raw: Mapping[str, Any], fields: Mapping[str, Field]) -> None:
        self.raw = raw
        self.fields = fields

    def find(self, name: str) -> Any:
        known = self.fields.get(name)
        value = self.raw.get(name if known is None else known.wire)
        if value is None:
            return ABSENT
        return value if known is None or known.type.adapt is None else known.type.adapt(value)

    def names(self) -> Sequence[str]:
        return [escape(name) or name for name, value in self.raw.items() if value is not None]


def _object(schema: Mapping[str, Any], name: str) -> Type:
    required = set(schema.get("required") or ())
    fields: dict[str, Field] = {}
    smallest, plain = 2, True
    for wire, inner in (schema.get("properties") or {}).items():
        found = schema_type(inner, name=f"{name}.{wire}")
        if found is None:
            continue
        shown = escape(wire)
        if shown is not None:
            fields[shown] = Field(shown, wire, found, wire in required)
            plain = plain and shown == wire and found.adapt is None
        if wire in required and "default" not in inner:
            smallest += len(wire) + found.smallest + 4
    adapt: Adapt | None = None
    if not plain:
        adapt = lambda raw: ObjectView(raw, fields)  # noqa: E731
    return Type("object", name, limit=0, smallest=smallest, fields=fields, adapt=adapt)


def _bytes(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise CelEvaluationError(f"Invalid byte formatted string {value}") from None


def _date(value: str) -> Any:
    if not _DATE.fullmatch(value):
        raise CelEvaluationError(f"Invalid date formatted string {value}")
    return times.timestamp_of(f"{value}T00:00:00Z")


def _duration(value: str) -> Any:
    found = re.fullmatch(r"(\d{1,6})([wd])", value.strip(), re.ASCII)
    if found:
        return times.duration(int(found.group(1)) * _SPANS[found.group(2)])
    return times.duration_of(value)


_READERS: dict[str, Adapt] = {
    "date": _date,
    "date-time": lambda value: times.timestamp_of(value.replace(" ", "T", 1)),
    "duration": _duration,
}
