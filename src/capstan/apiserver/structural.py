"""Whether a schema is structural, in the main parts of the rules of apiextensions.k8s.io/v1. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.validation import SchemaError, Validator
from capstan.apiserver.validation.fielderror import quoted

MAX_DEPTH = 200

_TYPES = frozenset(["array", "boolean", "integer", "number", "object", "string"])
_FORBIDDEN = ("$ref", "$schema", "additionalItems", "definitions", "dependencies", "id", "patternProperties")
_JUNCTORS = ("allOf", "anyOf", "oneOf")
# What a value constraint (inside allOf and its kin) may not say, because it belongs to the structure.
_STRUCTURE_ONLY = (
    "additionalProperties",
    "default",
    "description",
    "nullable",
    "title",
    "type",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
)
_LIST_TYPES = ("atomic", "set", "map")
_MAP_TYPES = ("atomic", "granular")
_INT_OR_STRING_TYPES = {("integer", "string")}


def structural_faults(schema: Mapping[str, Any], field: str) -> list[FieldCause]:
    """Why `schema`, found at `field`, is not structural; empty when it is. What cannot be compiled (patterns,
    rules) is a fault too."""
    faults = list(_root_faults(schema, field))
    faults += _node_faults(schema, field, 0)
    if not faults:
        try:
            Validator(dict(schema))
        except SchemaError as error:
            faults.append(_invalid(field, "object", str(error)))
    return faults


def _invalid(field: str, value: str, why: str) -> FieldCause:
    return FieldCause(field, f"Invalid value: {quoted(value)}: {why}", "FieldValueInvalid")


def _forbidden(field: str, why: str = "must not be used") -> FieldCause:
    return FieldCause(field, f"Forbidden: {why}", "FieldValueForbidden")


def _required(field: str, why: str) -> FieldCause:
    return FieldCause(field, f"Required value: {why}", "FieldValueRequired")


def _unsupported(field: str, value: Any, allowed: tuple[str, ...]) -> FieldCause:
    values = ", ".join(quoted(v) for v in allowed)
    return FieldCause(
        field, f"Unsupported value: {quoted(str(value))}: supported values: {values}", "FieldValueNotSupported"
    )


def _root_faults(schema: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    if schema.get("type") != "object":
        yield _invalid(f"{field}.type", str(schema.get("type", "")), "must be object at the root")
    if schema.get("nullable"):
        yield _forbidden(f"{field}.nullable", "must not be true at the root")


def _node_faults(schema: Any, field: str, depth: int) -> Iterator[FieldCause]:
    if not isinstance(schema, dict):
        yield _invalid(field, str(schema)[:40], "must be a schema object")
        return
    if depth > MAX_DEPTH:
        yield _invalid(field, "object", f"must not nest deeper than {MAX_DEPTH}")
        return
    yield from _keyword_faults(schema, field)
    yield from _type_faults(schema, field)
    yield from _list_faults(schema, field)
    for name, part in (schema.get("properties") or {}).items():
        yield from _node_faults(part, f"{field}.properties[{name}]", depth + 1)
    if "items" in schema:
        yield from _node_faults(schema["items"], f"{field}.items", depth + 1)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _node_faults(schema["additionalProperties"], f"{field}.additionalProperties", depth + 1)
    yield from _junctor_faults(schema, field, depth)


def _keyword_faults(schema: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    for word in _FORBIDDEN:
        if word in schema:
            yield _forbidden(f"{field}.{word}")
    if schema.get("uniqueItems"):
        yield _forbidden(
            f"{field}.uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        )
    additional = schema.get("additionalProperties")
    if additional is False:
        yield _forbidden(f"{field}.additionalProperties", "additionalProperties cannot be set to false")
    if schema.get("properties") and additional not in (None, False):
        yield _forbidden(f"{field}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        yield _invalid(f"{field}.x-kubernetes-preserve-unknown-fields", "false", "must be true or undefined")


def _type_faults(schema: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    wanted = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        if wanted:
            yield _invalid(f"{field}.type", str(wanted), "must be empty if x-kubernetes-int-or-string is true")
    elif not wanted:
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield _required(f"{field}.type", "must not be empty for specified object fields")
    elif wanted not in _TYPES:
        yield _unsupported(f"{field}.type", wanted, tuple(sorted(_TYPES)))
    if wanted == "array" and "items" not in schema:
        yield _required(f"{field}.items", "must be specified")
    if schema.get("x-kubernetes-embedded-resource") and wanted != "object":
        yield _invalid(f"{field}.type", str(wanted), "must be object if x-kubernetes-embedded-resource is true")


def _list_faults(schema: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    kind = schema.get("x-kubernetes-list-type")
    if kind is not None:
        if kind not in _LIST_TYPES:
            yield _unsupported(f"{field}.x-kubernetes-list-type", kind, _LIST_TYPES)
        if schema.get("type") != "array":
            yield _invalid(
                f"{field}.type", str(schema.get("type", "")), "must be array if x-kubernetes-list-type is set"
            )
    keys = schema.get("x-kubernetes-list-map-keys")
    if kind == "map":
        yield from _map_key_faults(schema, keys or [], field)
    elif keys:
        yield _invalid(f"{field}.x-kubernetes-list-type", str(kind), "must be map if x-kubernetes-list-map-keys is set")
    if schema.get("x-kubernetes-map-type", "granular") not in _MAP_TYPES:
        yield _unsupported(f"{field}.x-kubernetes-map-type", schema["x-kubernetes-map-type"], _MAP_TYPES)


def _map_key_faults(schema: Mapping[str, Any], keys: list[str], field: str) -> Iterator[FieldCause]:
    if not keys:
        yield _required(f"{field}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map")
    items = schema.get("items") if isinstance(schema.get("items"), dict) else {}
    properties = (items or {}).get("properties") or {}
    required = (items or {}).get("required") or ()
    for index, key in enumerate(keys):
        if key not in properties:
            yield _invalid(f"{field}.x-kubernetes-list-map-keys[{index}]", key, "must name a property of the items")
        elif key not in required and "default" not in properties[key]:
            why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            yield _required(f"{field}.items.properties[{key}].default", why)


def _junctor_faults(schema: Mapping[str, Any], field: str, depth: int) -> Iterator[FieldCause]:
    for word in _JUNCTORS:
        for index, part in enumerate(schema.get(word) or ()):
            yield from _constraint_faults(part, f"{field}.{word}[{index}]", depth + 1, schema, word)
    if "not" in schema:
        yield from _constraint_faults(schema["not"], f"{field}.not", depth + 1, schema, "not")


def _constraint_faults(part: Any, field: str, depth: int, parent: Mapping[str, Any], word: str) -> Iterator[FieldCause]:
    if not isinstance(part, dict) or depth > MAX_DEPTH:
        yield _invalid(field, str(part)[:40], "must be a schema object")
        return
    int_or_string = parent.get("x-kubernetes-int-or-string") and word in ("anyOf", "allOf")
    for name in _STRUCTURE_ONLY:
        if name in part and not (int_or_string and name == "type"):
            yield _forbidden(f"{field}.{name}", "must be empty to be structural")
    for name, inner in (part.get("properties") or {}).items():
        yield from _constraint_faults(inner, f"{field}.properties[{name}]", depth + 1, {}, "")
    if "items" in part:
        yield from _constraint_faults(part["items"], f"{field}.items", depth + 1, {}, "")
    for inner_word in _JUNCTORS:
        for index, inner in enumerate(part.get(inner_word) or ()):
            yield from _constraint_faults(inner, f"{field}.{inner_word}[{index}]", depth + 1, parent, inner_word)
