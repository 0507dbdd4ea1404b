"""One protobuf message to the JSON form of its kind, by the facts of its fields."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from capstan.api.kubernetes.messages import Field, message
from capstan.api.objects import Obj
from capstan.apiserver.protobuf.wire import BYTES, VARINT, WireError, double, fields, signed, varint

MAX_DEPTH = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Nothing:
    """A value that stands for absence: the zero time."""


_NOTHING: Any = _Nothing()


def decode_message(name: str, data: memoryview, depth: int = 0) -> Any:
    """The JSON object of message `name`. Zero values are left out where JSON leaves them out. Errors: WireError."""
    if depth > MAX_DEPTH:
        raise WireError(f"messages nest deeper than {MAX_DEPTH}")
    members = message(name).by_number
    result: Obj = {}
    for number, wire_type, raw in fields(data):
        member = members.get(number)
        if member is not None:
            _read(result, member, wire_type, raw, depth)
    for member in members.values():
        if member.always and member.name not in result:
            zero = _zero(member)
            if zero is not None:
                result[member.name] = zero
    either = _EITHER.get(name)
    return either(result) if either else result


def _read(result: Obj, member: Field, wire_type: int, raw: int | memoryview, depth: int) -> None:
    if member.shape == "map":
        _read_entry(result, member, _as_bytes(raw), depth)
    elif member.shape == "list":
        items = result.setdefault(member.name, [])
        if wire_type == BYTES and member.type in _NUMBERS:
            items.extend(_packed(member.type, _as_bytes(raw)))
        else:
            items.append(_value(member.type, wire_type, raw, depth))
    else:
        value = _value(member.type, wire_type, raw, depth)
        if member.inline and isinstance(value, dict):
            result.update(value)
        elif value is not _NOTHING and (member.presence or member.always or _is_set(value)):
            result[member.name] = value
        else:
            # A later field of the same number replaces an earlier one, also by nothing.
            result.pop(member.name, None)


def _is_set(value: Any) -> bool:
    return value not in ("", 0, False) and value != {} and value != []


def _zero(member: Field) -> Any:
    if member.shape:
        return [] if member.shape == "list" else None
    return {"string": "", "bool": False}.get(member.type, 0 if member.type in _NUMBERS else None)


def _read_entry(result: Obj, member: Field, data: memoryview, depth: int) -> None:
    key, value = "", None
    for number, wire_type, raw in fields(data):
        if number == 1:
            key = str(_as_bytes(raw), "utf-8")
        elif number == 2:
            value = _value(member.type, wire_type, raw, depth)
    if value is None:
        value = _value(member.type, BYTES, memoryview(b""), depth)
    result.setdefault(member.name, {})[key] = value


def _value(kind: str, wire_type: int, raw: int | memoryview, depth: int) -> Any:
    if kind in _NUMBERS or kind == "bool":
        return _number(kind, wire_type, raw)
    data = _as_bytes(raw)
    if kind == "string":
        return str(data, "utf-8")
    if kind == "bytes":
        return base64.b64encode(data).decode()
    form = _FORMS.get(kind)
    return form(data) if form else decode_message(kind, data, depth + 1)


_NUMBERS = frozenset({"int32", "int64", "uint32", "uint64", "double"})


def _number(kind: str, wire_type: int, raw: int | memoryview) -> Any:
    if kind == "double":
        if isinstance(raw, int) or len(raw) != 8:
            raise WireError("a double is not 8 bytes")
        value = double(raw)
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if wire_type != VARINT or not isinstance(raw, int):
        raise WireError(f"{kind} with wire type {wire_type}")
    if kind == "bool":
        return bool(raw)
    return raw if kind.startswith("u") else signed(raw)


def _packed(kind: str, data: memoryview) -> list[Any]:
    if kind == "double":
        return [_number(kind, BYTES, data[at : at + 8]) for at in range(0, len(data), 8)]
    found, at = [], 0
    while at < len(data):
        raw, at = varint(data, at)
        found.append(_number(kind, VARINT, raw))
    return found


def _as_bytes(raw: int | memoryview) -> memoryview:
    if isinstance(raw, int):
        raise WireError("a number where a message or text belongs")
    return raw


def _ints(data: memoryview) -> dict[int, int]:
    return {n: signed(v) for n, _, v in fields(data) if isinstance(v, int)}


def _moment(data: memoryview) -> tuple[datetime, int] | None:
    if not len(data):
        return None
    parts = _ints(data)
    try:
        return _EPOCH + timedelta(seconds=parts.get(1, 0)), parts.get(2, 0)
    except OverflowError:
        raise WireError("a time out of range") from None


def _time(data: memoryview) -> Any:
    moment = _moment(data)
    return moment[0].strftime("%Y-%m-%dT%H:%M:%SZ") if moment else _NOTHING


def _micro_time(data: memoryview) -> Any:
    moment = _moment(data)
    return f"{moment[0].strftime('%Y-%m-%dT%H:%M:%S')}.{moment[1] // 1000:06d}Z" if moment else _NOTHING


def _text(data: memoryview) -> str:
    """Messages of one string: Quantity."""
    return next((str(_as_bytes(v), "utf-8") for n, _, v in fields(data) if n == 1), "")


def _strings(data: memoryview) -> list[str]:
    """Messages of one repeated string: ExtraValue."""
    return [str(_as_bytes(v), "utf-8") for n, _, v in fields(data) if n == 1]


def _json(data: memoryview) -> Any:
    """Messages that carry JSON text: FieldsV1, RawExtension, JSON."""
    raw = next((bytes(_as_bytes(v)) for n, _, v in fields(data) if n == 1), b"")
    return orjson.loads(raw) if raw else _NOTHING


def _int_or_string(data: memoryview) -> int | str:
    kind, number, text = 0, 0, ""
    for field, _, raw in fields(data):
        if field == 1 and isinstance(raw, int):
            kind = raw
        elif field == 2 and isinstance(raw, int):
            number = signed(raw)
        elif field == 3 and not isinstance(raw, int):
            text = str(raw, "utf-8")
    return text if kind == 1 else number


def _duration(data: memoryview) -> str:
    """metav1.Duration, in seconds, as the shortest text that Go reads back."""
    return f"{_ints(data).get(1, 0) / 1e9:g}s"


_FORMS: dict[str, Callable[[memoryview], Any]] = {
    "duration": _duration,
    "intstr": _int_or_string,
    "json": _json,
    "microtime": _micro_time,
    "quantity": _text,
    "strings": _strings,
    "time": _time,
}


def _schema_or_bool(parts: Obj) -> Any:
    return parts["schema"] if "schema" in parts else bool(parts.get("allows"))


#: Messages that are one of several JSON forms.
_EITHER: dict[str, Callable[[Obj], Any]] = {
    "apiextensions.JSONSchemaPropsOrArray": lambda parts: parts.get("schema", parts.get("jSONSchemas", {})),
    "apiextensions.JSONSchemaPropsOrBool": _schema_or_bool,
    "apiextensions.JSONSchemaPropsOrStringArray": lambda parts: parts.get("schema", parts.get("property", [])),
}
