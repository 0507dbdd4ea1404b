"""Schemas of variables: flags that are false in v1beta1 are flags that nobody set."""

from __future__ import annotations

from typing import Any, Final

_FLAGS: Final = (
    "uniqueItems",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-int-or-string",
)
_ONE: Final = ("additionalProperties", "items", "not")
_SEVERAL: Final = ("allOf", "anyOf", "oneOf")


def flags_meant(schema: Any) -> Any:
    """The schema without flags that are false, at every depth; the very schema when there are none."""
    if not isinstance(schema, dict):
        return schema
    after = {name: _meant(name, value) for name, value in schema.items() if name not in _FLAGS or value}
    same = len(after) == len(schema) and all(after[name] is value for name, value in schema.items())
    return schema if same else after


def _meant(keyword: str, value: Any) -> Any:
    if keyword in _ONE:
        return flags_meant(value)
    if keyword in _SEVERAL and isinstance(value, list):
        parts = [flags_meant(part) for part in value]
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    if keyword == "properties" and isinstance(value, dict):
        fields = {name: flags_meant(part) for name, part in value.items()}
        return value if all(fields[name] is part for name, part in value.items()) else fields
    return value
