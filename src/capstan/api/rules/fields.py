"""Reading and replacing fields of plain objects by their path. Nothing is changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capstan.api.objects import Obj


def value_at(obj: Mapping[str, Any] | None, path: str) -> Any:
    """The value at a path of wire names such as `spec.template.spec`; None where there is none, or null."""
    value: Any = obj
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def mapping_at(obj: Mapping[str, Any] | None, path: str) -> Mapping[str, Any]:
    """The object at a path; empty where there is none."""
    value = value_at(obj, path)
    return value if isinstance(value, Mapping) else {}


def text_at(obj: Mapping[str, Any] | None, path: str) -> str:
    """The string at a path; empty where there is none."""
    value = value_at(obj, path)
    return value if isinstance(value, str) else ""


def with_value(obj: Mapping[str, Any], path: str, value: Any) -> Obj:
    """A copy of `obj` with another value at the path; objects on the way are made where missing."""
    name, _, rest = path.partition(".")
    if not rest:
        return {**obj, name: value}
    inner = obj.get(name)
    return {**obj, name: with_value(inner if isinstance(inner, Mapping) else {}, rest, value)}


def with_entry(obj: Mapping[str, Any], path: str, key: str, value: str) -> Obj:
    """A copy of `obj` with one entry set in the map at the path; for labels, whose keys hold dots."""
    entries = mapping_at(obj, path)
    return dict(obj) if entries.get(key) == value else with_value(obj, path, {**entries, key: value})
