"""What an openAPIV3Schema of a definition may say, beyond being structural: keywords, list types, rules' texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.definitions.causes import forbidden, invalid, required, unsupported
from capstan.apiserver.validation.fieldpath import path_problem

Schema = Mapping[str, Any]

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_META = ("apiVersion", "kind", "metadata")
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_LIST_TYPE, _MAP_TYPE = "x-kubernetes-list-type", "x-kubernetes-map-type"
_MAP_KEYS, _RULES = "x-kubernetes-list-map-keys", "x-kubernetes-validations"
_EMBEDDED = "x-kubernetes-embedded-resource"
_LINE_BREAK = re.compile(r"[\n\r]")
_ROOT_WITH_STATUS = frozenset(
    (
        *("description", "type", "format", "title", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
        *("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "multipleOf", "required"),
        *("items", "properties", "externalDocs", "example", "x-kubernetes-preserve-unknown-fields", _RULES),
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: its path, whether inside apiVersion, kind or metadata, and why a default is refused."""

    field: str
    root: bool = False
    in_meta: bool = False
    no_default: str = ""

    def at(self, step: str) -> Place:
        return replace(self, field=f"{self.field}{step}", root=False)


def root_faults(schema: Schema, field: str, status: bool) -> Iterator[FieldCause]:
    """What the root of a schema may not say; less where there is a status subresource."""
    if status:
        if schema.get("type") != "object" and schema.get("type"):
            why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
            yield invalid(f"{field}.type", schema["type"], why)
        said = {k for k, v in schema.items() if v not in (None, "", False, [], {})}
        if said - _ROOT_WITH_STATUS - {"nullable"}:
            allowed = " ".join(sorted(_ROOT_WITH_STATUS))
            why = f"only [{allowed}] fields are allowed at the root of the schema if the status subresource is enabled"
            yield invalid(field, sorted(said - _ROOT_WITH_STATUS), why)
    if schema.get("nullable"):
        yield forbidden(f"{field}.nullable", "nullable cannot be true at the root")


def schema_faults(schema: Schema, field: str, *, root: bool = True) -> Iterator[FieldCause]:
    """Everything that this module knows, of the whole tree below `schema`. `root`: it is that of whole objects."""
    yield from _node_faults(schema, Place(field, root=root))


def _node_faults(schema: Schema, place: Place) -> Iterator[FieldCause]:
    field = place.field
    yield from _keyword_faults(schema, place)
    yield from _additional_faults(schema, place)
    for name, part in (schema.get("properties") or {}).items():
        inner = place.at(f".properties[{name}]")
        if (place.root or schema.get(_EMBEDDED)) and name in _META:
            inner = replace(inner, in_meta=True)
            if place.root:
                inner = replace(inner, no_default=f"in top-level {name}")
        yield from _node_faults(part, inner)
    if isinstance(schema.get("not"), dict):
        yield from _node_faults(schema["not"], place.at(".not"))
    for word in ("allOf", "oneOf", "anyOf"):
        for index, part in enumerate(schema.get(word) or ()):
            yield from _node_faults(part, place.at(f".{word}[{index}]"))
    if isinstance(schema.get("items"), dict):
        yield from _node_faults(schema["items"], place.at(".items"))
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        yield invalid(f"{field}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
    yield from _type_of_faults(schema, field)
    yield from _map_faults(schema, field)
    yield from _key_faults(schema, field)
    for index, rule in enumerate(schema.get(_RULES) or ()):
        yield from _rule_faults(rule, schema, f"{field}.{_RULES}[{index}]")


def _keyword_faults(schema: Schema, place: Place) -> Iterator[FieldCause]:
    field, wanted = place.field, schema.get("type")
    if wanted and wanted not in _TYPES:
        yield unsupported(f"{field}.type", wanted, _TYPES)
    if schema.get("default") is not None and place.no_default:
        yield forbidden(f"{field}.default", f"must not be set {place.no_default}")
    for word in _UNSUPPORTED:
        if schema.get(word) not in (None, "", {}):
            yield forbidden(f"{field}.{word}", f"{word} is not supported")
    if wanted == "null":
        yield forbidden(f"{field}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(schema.get("items"), list):
        yield forbidden(f"{field}.items", "items must be a schema object and not an array")
    if place.in_meta and schema.get(_EMBEDDED):
        yield forbidden(f"{field}.{_EMBEDDED}", "must not be used inside of resource meta")
    if schema.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{field}.uniqueItems", why)


def _additional_faults(schema: Schema, place: Place) -> Iterator[FieldCause]:
    additional = schema.get("additionalProperties")
    if additional is None:
        return
    if schema.get("properties") and additional is not True:
        yield forbidden(
            f"{place.field}.additionalProperties", "additionalProperties and properties are mutual exclusive"
        )
    if isinstance(additional, dict):
        inner = place.at(".additionalProperties")
        if place.in_meta:
            inner = replace(inner, no_default="inside additionalProperties applying to object metadata")
        yield from _node_faults(additional, inner)


def _type_of_faults(schema: Schema, field: str) -> Iterator[FieldCause]:
    """Map types are for objects, list types for arrays; items of sets are atomic."""
    wanted = schema.get("type") or ""
    for word, needed, allowed in (
        (_MAP_TYPE, "object", ("atomic", "granular")),
        (_LIST_TYPE, "array", ("atomic", "set", "map")),
    ):
        value = schema.get(word)
        if value is None:
            continue
        if wanted != needed:
            why = f"must be {needed} if {word} is specified"
            yield invalid(f"{field}.type", wanted, why) if wanted else required(f"{field}.type", why)
        if value not in allowed:
            yield unsupported(f"{field}.{word}", value, allowed)
    items = schema.get("items")
    if schema.get(_LIST_TYPE) == "set" and wanted == "array" and isinstance(items, dict):
        why = "must be atomic as item of a list with x-kubernetes-list-type=set"
        if items.get("type") == "array" and items.get(_LIST_TYPE, "atomic") != "atomic":
            yield invalid(f"{field}.items.{_LIST_TYPE}", items[_LIST_TYPE], why)
        elif items.get("type") == "object" and items.get(_MAP_TYPE) != "atomic":
            yield invalid(f"{field}.items.{_MAP_TYPE}", items.get(_MAP_TYPE), why)


def _map_faults(schema: Schema, field: str) -> Iterator[FieldCause]:
    kind, keys, items = schema.get(_LIST_TYPE), schema.get(_MAP_KEYS) or (), schema.get("items")
    if keys and kind != "map":
        why = "must be map if x-kubernetes-list-map-keys is non-empty"
        at = f"{field}.{_LIST_TYPE}"
        yield invalid(at, kind, why) if kind is not None else required(at, why)
    if kind != "map":
        return
    if not keys:
        yield required(f"{field}.{_MAP_KEYS}", "must not be empty if x-kubernetes-list-type is map")
    if items is None:
        yield required(f"{field}.items", "must have a schema if x-kubernetes-list-type is map")
    elif isinstance(items, dict) and items.get("type") != "object":
        why = "must be object if parent array's x-kubernetes-list-type is map"
        yield invalid(f"{field}.items.type", items.get("type") or "", why)
    elif isinstance(items, dict):
        yield from _named_key_faults(list(keys), items.get("properties") or {}, field)


def _named_key_faults(keys: list[str], properties: Schema, field: str) -> Iterator[FieldCause]:
    for index, key in enumerate(keys):
        known = properties.get(key)
        if known is None:
            yield invalid(f"{field}.{_MAP_KEYS}", keys, "entries must all be names of item properties")
        elif known.get("type") in ("array", "object"):
            why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            yield invalid(f"{field}.items.properties[{key}].type", known["type"], why)
        if key in keys[:index]:
            yield invalid(f"{field}.{_MAP_KEYS}", keys, "must not contain duplicate entries")


def _key_faults(schema: Schema, field: str) -> Iterator[FieldCause]:
    """Items of sets and maps have a value, and keys always do."""
    kind, items = schema.get(_LIST_TYPE), schema.get("items")
    if kind not in ("set", "map") or not isinstance(items, dict):
        return
    if items.get("nullable"):
        yield forbidden(f"{field}.items.nullable", f"cannot be nullable when x-kubernetes-list-type is {kind}")
    if kind == "set":
        return
    for key in schema.get(_MAP_KEYS) or ():
        known = (items.get("properties") or {}).get(key)
        if known is None:
            continue
        at = f"{field}.items.properties[{key}]"
        if key not in (items.get("required") or ()) and known.get("default") is None:
            why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            yield required(f"{at}.default", why)
        if known.get("nullable"):
            why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
            yield forbidden(f"{at}.nullable", why)


def _rule_faults(rule: Schema, schema: Schema, field: str) -> Iterator[FieldCause]:
    """The texts around a CEL rule; whether it compiles is looked at when all of the schema is right."""
    source, message = rule.get("rule") or "", rule.get("message") or ""
    if not source.strip():
        yield required(f"{field}.rule", "rule is not specified")
    elif message and not message.strip():
        yield invalid(f"{field}.message", message, "must be non-empty if specified")
    elif _LINE_BREAK.search(message.strip()):
        yield invalid(f"{field}.message", message, "must not contain line breaks")
    elif _LINE_BREAK.search(source.strip()) and not message.strip():
        yield required(f"{field}.message", "message must be specified if rule contains line breaks")
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        yield required(f"{field}.messageExpression", "messageExpression must be non-empty if specified")
    reason = rule.get("reason")
    if reason is not None and reason not in _REASONS:
        yield unsupported(f"{field}.reason", reason, _REASONS)
    path = rule.get("fieldPath") or ""
    if path and not path.strip():
        yield invalid(f"{field}.fieldPath", path, "must be non-empty if specified")
    if _LINE_BREAK.search(path):
        yield invalid(f"{field}.fieldPath", path, "must not contain line breaks")
    if path and path_problem(path, schema):
        yield invalid(f"{field}.fieldPath", path, "must be a valid path")
