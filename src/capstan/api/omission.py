"""Fields that are there and say nothing: older versions take them, newer ones want them to be left out."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.objects import Obj

#: How much there must be of a value, by its Python type.
_LIMITS: Final = {dict: "minProperties", list: "minItems", str: "minLength", int: "minimum"}


def without_empties(obj: Obj, schema: Obj) -> Obj:
    """`obj` without the optional fields that are empty where `schema` demands that there be something in them; the
    very object where there are none. What the schema does not know stays."""
    after = _cleaned(obj, schema)
    return after if isinstance(after, dict) else obj


def _cleaned(value: Any, schema: Any) -> Any:
    if not isinstance(schema, dict):
        return value
    if isinstance(value, list):
        items = schema.get("items")
        cleaned = [_cleaned(item, items) for item in value]
        return value if all(new is old for new, old in zip(cleaned, value, strict=True)) else cleaned
    if not isinstance(value, dict):
        return value
    known, others = schema.get("properties") or {}, schema.get("additionalProperties")
    required = schema.get("required") or ()
    after = {}
    for name, part in value.items():
        inner = known.get(name, others)
        cleaned = _cleaned(part, inner)
        if name in required or not _says_nothing(cleaned, inner):
            after[name] = cleaned
    same = len(after) == len(value) and all(after[name] is part for name, part in value.items())
    return value if same else after


def _says_nothing(value: Any, schema: Any) -> bool:
    """An object of which only empty lists and objects are left, which it must have, says nothing itself."""
    if not isinstance(schema, dict):
        return False
    if isinstance(value, dict) and value:
        known = schema.get("properties") or {}
        return all(not isinstance(v, str | int) and _says_nothing(v, known.get(name)) for name, v in value.items())
    limit = _LIMITS.get(type(value))
    return limit is not None and not value and (schema.get(limit) or 0) >= 1
