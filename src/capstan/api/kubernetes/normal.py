"""Brings an object of a built-in kind into the form in which Kubernetes writes it, whatever a client wrote. Pure.

Empty fields that are not written are gone, quantities are texts, times are in UTC: so equal objects are equal bytes.
What has the wrong type stays as it is, for validation to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from capstan.api.kubernetes.messages import Field, message
from capstan.api.objects import Obj


def normalised(name: str, obj: Obj) -> Obj:
    """The object of message `name` as it is kept; the very object when nothing changes."""
    fields = message(name).by_name
    changed: Obj = {}
    gone: set[str] = set()
    for key, value in obj.items():
        field = fields.get(key)
        if field is None:
            continue
        if value and field.type in _UNCHANGED:
            # The most frequent case: only what is empty can be absent, and these have one form.
            continue
        if _is_absent(field, value):
            gone.add(key)
        elif (new := _value(field, value)) is not value:
            changed[key] = new
    for field in _always_written(name):
        if field.name not in obj or field.name in gone:
            changed[field.name] = normalised(field.type, {})
            gone.discard(field.name)
    if not changed and not gone:
        return obj
    return {**{key: value for key, value in obj.items() if key not in gone}, **changed}


@cache
def _always_written(name: str) -> tuple[Field, ...]:
    """The objects in a message that Kubernetes writes even when a client said nothing of them: what must be said in
    them is then missing there."""
    return tuple(
        field
        for field in message(name).by_name.values()
        if field.is_message and not (field.shape or field.presence) and (field.always or field.required)
    )


_UNCHANGED = frozenset(("string", "bytes", "bool", "int32", "int64", "uint32", "double", "intstr", "json", "strings"))


def _is_absent(field: Field, value: Any) -> bool:
    """Whether Kubernetes would not write this value: zero without presence, or null."""
    if value is None:
        return True
    if field.presence or field.always:
        return False
    if field.is_message and not field.shape:
        return False
    return value == "" or value is False or (type(value) is int and value == 0) or value == [] or value == {}


def _value(field: Field, value: Any) -> Any:
    if field.shape == "list":
        return _list(field, value) if type(value) is list else value
    if field.shape == "map":
        return _map(field, value) if type(value) is dict else value
    return _single(field, value)


def _list(field: Field, value: list[Any]) -> list[Any]:
    if not field.is_message and field.type not in _FORMED:
        return value
    new = [_single(field, item) for item in value]
    return value if all(a is b for a, b in zip(new, value, strict=True)) else new


def _map(field: Field, value: Obj) -> Obj:
    if not field.is_message and field.type not in _FORMED:
        return value
    new = {key: _single(field, item) for key, item in value.items()}
    return value if all(new[key] is item for key, item in value.items()) else new


def _single(field: Field, value: Any) -> Any:
    form = _FORMED.get(field.type)
    if form is not None:
        return form(value)
    return normalised(field.type, value) if field.is_message and type(value) is dict else value


def _quantity(value: Any) -> Any:
    return str(value) if type(value) in (int, float) else value


def _time(value: Any) -> Any:
    return _in_utc(value, "%Y-%m-%dT%H:%M:%SZ", 20)


def _micro_time(value: Any) -> Any:
    return _in_utc(value, "%Y-%m-%dT%H:%M:%S.%fZ", 27)


def _in_utc(value: Any, form: str, length: int) -> Any:
    """RFC 3339 in the form that Kubernetes writes; anything else as it is."""
    if type(value) is not str or (len(value) == length and value.endswith("Z")):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return value if moment.tzinfo is None else moment.astimezone(UTC).strftime(form)


_FORMED: dict[str, Callable[[Any], Any]] = {"quantity": _quantity, "time": _time, "microtime": _micro_time}
