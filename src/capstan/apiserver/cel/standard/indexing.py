"""What stands at a place of a list or under a key of a map."""

from __future__ import annotations

from typing import Any

from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.values import ABSENT, format_double, lookup, type_of


def index_list(items: list[Any], place: Any) -> Any:
    """The item at a place. Errors: CelEvaluationError when there is none."""
    if place.__class__ is float and place.is_integer():
        place = int(place)
    if place.__class__ is bool or not isinstance(place, int):
        raise CelEvaluationError(f"unsupported index type '{type_of(place)}' in list")
    if not 0 <= place < len(items):
        raise CelEvaluationError(f"index out of bounds: {int(place)}")
    return items[place]


def index_map(value: Any, key: Any) -> Any:
    """The value under a key. Errors: CelEvaluationError when there is none."""
    found = lookup(value, key)
    if found is ABSENT:
        shown = format_value(key)
        raise CelEvaluationError(f"no such key: {shown}")
    return found


def format_value(value: Any) -> str:
    """A value as errors name it."""
    if value.__class__ is bool:
        return "true" if value else "false"
    return format_double(value) if value.__class__ is float else str(value)
