"""Refused fields in the words of Kubernetes' field.Error: paths, values and messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from capstan.api.errors import FieldCause
from capstan.apiserver.validation.plainwords import format_example

#: Where a value is: None at the root, else the parent's path and a step. A step is a property's name, an
#: index, or (index, keys, values) of an item in a list that is a map.
Path = tuple[Any, Any] | None

_MAX_SHOWN = 1000


def steps_of(path: Path) -> list[Any]:
    """The steps of a path from the root down."""
    steps = []
    while path is not None:
        path, step = path
        steps.append(step)
    steps.reverse()
    return steps


def render(path: Path) -> str:
    """`spec.list[0].name`; keys of free maps read as `labels[a.b/c]` would, but kube writes them with a dot."""
    text = ""
    for step in steps_of(path):
        if isinstance(step, str):
            text = f"{text}.{step}" if text else step
        else:
            text = f"{text}[{step[0] if isinstance(step, tuple) else step}]"
    return text


def shown(value: Any) -> str:
    """A value inside a message."""
    if value is None:
        return '"null"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int | float):
        return str(value)
    text = orjson.dumps(value).decode()
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."


def quoted(text: str) -> str:
    """A string as Go's %q writes it, near enough: JSON quoting."""
    text = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."
    return orjson.dumps(text).decode()


def type_name(value: Any) -> str:
    """The JSON type of a value, as messages name it."""
    if value is None:
        return "null"
    names: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
    return names.get(type(value), "number")


def required(path: Path, detail: str = "") -> FieldCause:
    return FieldCause(render(path), f"Required value: {detail}" if detail else "Required value", "FieldValueRequired")


def invalid(path: Path, value: Any, detail: str) -> FieldCause:
    return FieldCause(render(path), f"Invalid value: {shown(value)}: {detail}", "FieldValueInvalid")


def wrong_type(path: Path, wanted: str, value: Any) -> FieldCause:
    """The value is of another type than the schema's."""
    found = type_name(value)
    field = render(path)
    detail = f'{field or "<root>"} in body must be of type {wanted}: "{found}"'
    return FieldCause(field, f'Invalid value: "{found}": {detail}', "FieldValueTypeInvalid")


def wrong_format(path: Path, wanted: str, value: Any) -> FieldCause:
    """The string does not have the schema's format."""
    field = render(path)
    if wanted == "byte":
        # Base64 is how secrets travel: one that is misspelt must not show up in answers and logs.
        value = "<hidden>"
    detail = f"{field} in body must be of type {wanted}: {shown(value)}"
    example = format_example(wanted)
    if example:
        detail = f"{detail}: write it as in {example}"
    return FieldCause(field, f"Invalid value: {shown(value)}: {detail}", "FieldValueTypeInvalid")


def in_body(path: Path, value: Any, rule: str) -> FieldCause:
    """The value breaks a keyword of the schema: `rule` is `should match '^a'` and the like."""
    field = render(path)
    return FieldCause(field, f"Invalid value: {shown(value)}: {field} in body {rule}", "FieldValueInvalid")


def not_supported(path: Path, value: Any, allowed: Sequence[Any]) -> FieldCause:
    values = ", ".join(quoted(v if isinstance(v, str) else orjson.dumps(v).decode()) for v in allowed)
    message = f"Unsupported value: {shown(value)}: supported values: {values}"
    return FieldCause(render(path), message, "FieldValueNotSupported")


def too_long(path: Path, limit: int) -> FieldCause:
    return FieldCause(render(path), f"Too long: may not be more than {limit} bytes", "FieldValueTooLong")


def too_many(path: Path, actual: int, limit: int) -> FieldCause:
    message = f"Too many: {actual}: must have at most {limit} items"
    return FieldCause(render(path), message, "FieldValueTooMany")


def duplicate(path: Path, value: Any) -> FieldCause:
    return FieldCause(render(path), f"Duplicate value: {shown(value)}", "FieldValueDuplicate")
