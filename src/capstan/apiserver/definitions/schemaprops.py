"""The shape of an openAPIV3Schema itself: which keywords there are and what type each has.

A definition carries its schemas as plain JSON. Here unknown keywords are dropped (and told of, as unknown fields
are), and a keyword of a wrong type is refused before anything reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from capstan.api.errors import bad_request
from capstan.api.objects import Obj

MAX_DEPTH = 200

#: Told of each unknown keyword: where it stands, its name, and the known ones.
Unknown = Callable[[str, str, Collection[str]], None]

_STRINGS = ("id", "$schema", "$ref", "description", "type", "format", "title", "pattern")
_NUMBERS = ("maximum", "minimum", "multipleOf")
_COUNTS = ("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties")
_FLAGS = (
    *("exclusiveMaximum", "exclusiveMinimum", "uniqueItems", "nullable"),
    *("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string"),
)
_VENDOR_STRINGS = ("x-kubernetes-list-type", "x-kubernetes-map-type")
_LISTS_OF_STRINGS = ("required", "x-kubernetes-list-map-keys")
_ANY = ("default", "example")
_SCHEMA_LISTS = ("allOf", "oneOf", "anyOf")
_SCHEMA_MAPS = ("properties", "patternProperties", "definitions")
_SCHEMA_OR_FLAG = ("additionalProperties", "additionalItems")
_OTHER = ("enum", "items", "not", "dependencies", "externalDocs", "x-kubernetes-validations")

KEYWORDS = frozenset(
    (
        *(*_STRINGS, *_NUMBERS, *_COUNTS, *_FLAGS, *_VENDOR_STRINGS, *_LISTS_OF_STRINGS, *_ANY),
        *(*_SCHEMA_LISTS, *_SCHEMA_MAPS, *_SCHEMA_OR_FLAG, *_OTHER),
    )
)
_RULE = {
    **dict.fromkeys(("rule", "message", "messageExpression", "reason", "fieldPath"), str),
    "optionalOldSelf": bool,
}
_SCALARS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys((*_STRINGS, *_VENDOR_STRINGS), str),
    **dict.fromkeys(_FLAGS, bool),
    **dict.fromkeys(_NUMBERS, (int, float)),
    **dict.fromkeys(_COUNTS, int),
}


def clean_schema(schema: Any, field: str, unknown: Unknown, depth: int = 0) -> Obj:
    """The schema without nulls and unknown keywords (the very object when there are none). Errors: ApiError 400."""
    if not isinstance(schema, dict):
        raise _mistyped(field, schema, "JSONSchemaProps")
    if depth > MAX_DEPTH:
        raise bad_request(f"{field} nests deeper than {MAX_DEPTH}")
    made: Obj = {}
    changed = False
    for name, value in schema.items():
        if value is None or name not in KEYWORDS:
            if value is not None:
                unknown(field, name, KEYWORDS)
            changed = True
            continue
        made[name] = cleaned = _keyword(name, value, f"{field}.{name}", unknown, depth)
        changed = changed or cleaned is not value
    return made if changed else schema


def _keyword(name: str, value: Any, field: str, unknown: Unknown, depth: int) -> Any:
    if name in _SCALARS:
        return _scalar(value, _SCALARS[name], field)
    if name in _ANY:
        return value
    if name in _SCHEMA_MAPS:
        _typed(value, dict, field)
        return _same(value, {k: clean_schema(v, f"{field}.{k}", unknown, depth + 1) for k, v in value.items()})
    if name in _SCHEMA_LISTS or (name == "items" and isinstance(value, list)):
        _typed(value, list, field)
        return _same(value, [clean_schema(v, f"{field}[{i}]", unknown, depth + 1) for i, v in enumerate(value)])
    if name in _SCHEMA_OR_FLAG and isinstance(value, bool):
        return value
    if name in ("items", "not", *_SCHEMA_OR_FLAG):
        return clean_schema(value, field, unknown, depth + 1)
    if name in _LISTS_OF_STRINGS:
        _typed(value, list, field)
        return [_scalar(item, str, f"{field}[{i}]") for i, item in enumerate(value)]
    if name == "enum":
        return _typed(value, list, field)
    if name == "x-kubernetes-validations":
        _typed(value, list, field)
        return _same(value, [_rule(rule, f"{field}[{i}]", unknown) for i, rule in enumerate(value)])
    return _typed(value, dict, field)


def _rule(rule: Any, field: str, unknown: Unknown) -> Any:
    _typed(rule, dict, field)
    made = {}
    for name, value in rule.items():
        if name not in _RULE:
            unknown(field, name, _RULE.keys())
        elif value is not None:
            made[name] = _scalar(value, _RULE[name], f"{field}.{name}")
    return made if len(made) != len(rule) else rule


def _same(before: Any, after: Any) -> Any:
    """The former value when nothing in it changed: what is equal is shared."""
    return before if before == after else after


def _scalar(value: Any, wanted: type | tuple[type, ...], field: str) -> Any:
    numeric = wanted is int or isinstance(wanted, tuple)
    if wanted is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, wanted) or (numeric and isinstance(value, bool)):
        name = "int64" if wanted is int else "float64" if numeric else getattr(wanted, "__name__", "")
        raise _mistyped(field, value, {"str": "string"}.get(name, name))
    return value


def _typed(value: Any, wanted: type, field: str) -> Any:
    if not isinstance(value, wanted):
        raise _mistyped(field, value, {"dict": "object", "list": "array"}[wanted.__name__])
    return value


def _mistyped(field: str, value: Any, wanted: str) -> Exception:
    names: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "bool", type(None): "null"}
    found = names.get(type(value), "number")
    return bad_request(
        'CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: '
        f"json: cannot unmarshal {found} into Go struct field {field} of type {wanted}"
    )
