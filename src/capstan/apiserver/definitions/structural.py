"""Whether a schema is structural: every node has a type, and logical keywords constrain values only. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import re2

from capstan.api.errors import FieldCause
from capstan.apiserver.definitions.causes import forbidden, invalid, required
from capstan.apiserver.validation.keywords import SchemaError, compile_pattern

MAX_DEPTH = 200

Schema = Mapping[str, Any]
Level = Literal["root", "item", "field"]

_JUNCTORS = ("anyOf", "allOf", "oneOf")
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
_INT_OR_STRING = "x-kubernetes-int-or-string"
_EITHER = [{"type": "integer"}, {"type": "string"}]
_UNTYPED = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
# What a value constraint (inside allOf and its kin) may not say, because it belongs to the structure.
_STRUCTURE_ONLY = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    _PRESERVE: "must be false to be structural",
    _EMBEDDED: "must be false to be structural",
    _INT_OR_STRING: "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}


def structural_faults(schema: Schema, field: str) -> list[FieldCause]:
    """Why `schema`, found at `field`, is not structural, in a stable order; empty when it is."""
    faults = [*_invariants(schema, "root", field, 0), *_completeness(schema, field)]
    return sorted(faults, key=lambda fault: (fault.field, fault.message))


def _invariants(schema: Schema, level: Level, field: str, depth: int) -> Iterator[FieldCause]:
    if depth > MAX_DEPTH:
        yield invalid(field, "object", f"must not nest deeper than {MAX_DEPTH}")
        return
    if schema.get("type") == "array" and schema.get("items") is None:
        yield required(f"{field}.items", "must be specified")
    for inner_level, inner_field, part in _children(schema, field):
        yield from _invariants(part, inner_level, inner_field, depth + 1)
    if level == "root" and schema.get("additionalProperties") is not None:
        yield forbidden(f"{field}.additionalProperties", "must not be used at the root")
    yield from _extension_faults(schema, field)
    any_of, all_of = _int_or_string_patterns(schema)
    yield from _constraint_faults(schema, field, any_of, all_of, depth)
    yield from _type_faults(schema, level, field)
    yield from _meta_faults(schema, level, field)


def _children(schema: Schema, field: str) -> Iterator[tuple[Level, str, Schema]]:
    if isinstance(schema.get("items"), dict):
        yield "item", f"{field}.items", schema["items"]
    for name, part in (schema.get("properties") or {}).items():
        yield "field", f"{field}.properties[{name}]", part
    if isinstance(schema.get("additionalProperties"), dict):
        yield "field", f"{field}.additionalProperties", schema["additionalProperties"]


def _extension_faults(schema: Schema, field: str) -> Iterator[FieldCause]:
    if schema.get(_INT_OR_STRING):
        for other in (_PRESERVE, _EMBEDDED):
            if schema.get(other):
                yield invalid(f"{field}.{other}", True, "must be false if x-kubernetes-int-or-string is true")


def _int_or_string_patterns(schema: Schema) -> tuple[bool, bool]:
    """Whether anyOf, and the first of allOf, only repeat that the value is an integer or a string."""
    all_of: list[Schema] = schema.get("allOf") or []
    return schema.get("anyOf") == _EITHER, bool(all_of and all_of[0].get("anyOf") == _EITHER)


def _type_faults(schema: Schema, level: Level, field: str) -> Iterator[FieldCause]:
    wanted, embedded = schema.get("type") or "", schema.get(_EMBEDDED)
    if embedded and wanted != "object":
        why = "must be object if x-kubernetes-embedded-resource is true"
        yield invalid(f"{field}.type", wanted, why) if wanted else required(f"{field}.type", why)
    elif not wanted and not schema.get(_INT_OR_STRING) and not schema.get(_PRESERVE):
        yield required(f"{field}.type", _UNTYPED[level])
    if embedded and schema.get("additionalProperties") is not None:
        yield forbidden(f"{field}.additionalProperties", "must not be used if x-kubernetes-embedded-resource is set")
    if level == "root" and wanted not in ("", "object"):
        yield invalid(f"{field}.type", wanted, "must be object at the root")


def _meta_faults(schema: Schema, level: Level, field: str) -> Iterator[FieldCause]:
    properties = schema.get("properties") or {}
    whole = level == "root" or bool(schema.get(_EMBEDDED))
    for name in ("kind", "apiVersion"):
        if whole and name in properties and properties[name].get("type") != "string":
            yield invalid(f"{field}.properties[{name}].type", properties[name].get("type") or "", "must be string")
    if "metadata" in properties:
        yield from _metadata_faults(properties["metadata"], whole, level, f"{field}.properties[metadata]")
    if schema.get(_EMBEDDED) and not schema.get(_PRESERVE) and not properties:
        yield required(
            f"{field}.properties",
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        )


def _metadata_faults(metadata: Schema, whole: bool, level: Level, field: str) -> Iterator[FieldCause]:
    if whole and metadata.get("type") != "object":
        yield invalid(f"{field}.type", metadata.get("type") or "", "must be object")
    if level != "root":
        return
    said = {k for k, v in metadata.items() if v not in (None, "", False, [], {}) and k not in ("type", "default")}
    if set(metadata.get("properties") or {}) <= {"name", "generateName"}:
        said.discard("properties")
    if said:
        yield forbidden(
            field, "must not specify anything other than name and generateName, but metadata is implicitly specified"
        )


def _constraint_faults(schema: Schema, field: str, any_of: bool, all_of: bool, depth: int) -> Iterator[FieldCause]:
    """What is wrong with the value constraints of a node. `any_of` and `all_of` exempt integer-or-string."""
    for word in _JUNCTORS:
        if word == "anyOf" and any_of:
            continue
        for index, part in enumerate(schema.get(word) or ()):
            skipped = word == "allOf" and index == 0 and all_of
            yield from _nested_faults(part, f"{field}.{word}[{index}]", skipped, depth + 1)
    if schema.get("not") is not None:
        yield from _nested_faults(schema["not"], f"{field}.not", False, depth + 1)
    pattern = schema.get("pattern")
    if pattern:
        try:
            compile_pattern(pattern)
        except (SchemaError, re2.error) as error:
            why = str(error).partition("expression: ")[2] or str(error)
            yield invalid(f"{field}.pattern", pattern, f"must be a valid regular expression, but isn't: {why}")


def _nested_faults(part: Schema, field: str, any_of: bool, depth: int) -> Iterator[FieldCause]:
    if depth > MAX_DEPTH:
        yield invalid(field, "object", f"must not nest deeper than {MAX_DEPTH}")
        return
    yield from _constraint_faults(part, field, any_of, False, depth)
    if isinstance(part.get("items"), dict):
        yield from _nested_faults(part["items"], f"{field}.items", False, depth + 1)
    for name, inner in (part.get("properties") or {}).items():
        yield from _nested_faults(inner, f"{field}.properties[{name}]", False, depth + 1)
    for word, why in _STRUCTURE_ONLY.items():
        if part.get(word) not in (None, "", False, [], {}) or (word == "additionalProperties" and word in part):
            yield forbidden(f"{field}.{word}", why)
    if "metadata" in (part.get("properties") or {}):
        yield forbidden(f"{field}.properties[metadata]", "must not be specified in a nested context")


def _completeness(schema: Schema, field: str) -> Iterator[FieldCause]:
    """What a constraint talks about, the structure must define."""
    yield from _talked_of(schema, schema, field, field)
    for _, inner_field, part in _children(schema, field):
        yield from _completeness(part, inner_field)


def _talked_of(constraint: Schema, structure: Schema, at: str, where: str) -> Iterator[FieldCause]:
    if constraint.get("not") is not None:
        yield from _nested_talk(constraint["not"], structure, at, f"{where}.not")
    for word in _JUNCTORS:
        for index, part in enumerate(constraint.get(word) or ()):
            yield from _nested_talk(part, structure, at, f"{where}.{word}[{index}]")


def _nested_talk(part: Schema, structure: Schema, at: str, where: str) -> Iterator[FieldCause]:
    yield from _talked_of(part, structure, at, where)
    if isinstance(part.get("items"), dict):
        items = structure.get("items")
        if isinstance(items, dict):
            yield from _nested_talk(part["items"], items, f"{at}.items", f"{where}.items")
        else:
            yield required(f"{at}.items", f"because it is defined in {where}.items")
    for name, inner in (part.get("properties") or {}).items():
        inner_at, inner_where = f"{at}.properties[{name}]", f"{where}.properties[{name}]"
        known = (structure.get("properties") or {}).get(name)
        if known is None:
            yield required(inner_at, f"because it is defined in {inner_where}")
        else:
            yield from _nested_talk(inner, known, inner_at, inner_where)
