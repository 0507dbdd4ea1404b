"""Structural schemas of Kubernetes' own kinds, made from the facts: one to publish, one to hold requests against.

They differ where OpenAPI says more than a server checks: `required` there means that a field is always written, so a
request is only refused for what has no zero value that could stand for it (`checked_schema`).
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal

from capstan.api.kubernetes.messages import Field, Message, message
from capstan.api.objects import Obj

Mode = Literal["published", "checked", "loose"]

_KEEP: Final[Obj] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_INT_OR_STRING: Final[Obj] = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
_PLAIN: Final[dict[str, Obj]] = {
    "string": {"type": "string"},
    "bytes": {"type": "string", "format": "byte"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "uint32": {"type": "integer", "format": "int64"},
    "double": {"type": "number", "format": "double"},
    "time": {"type": "string", "format": "date-time"},
    "microtime": {"type": "string", "format": "date-time"},
    "duration": {"type": "string"},
    "quantity": _INT_OR_STRING,
    "intstr": _INT_OR_STRING,
    "json": _KEEP,
    "strings": {"type": "array", "items": {"type": "string"}},
}
_TYPE_META: Final[Obj] = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}

#: Messages that contain themselves: their inside is checked by whoever serves the kind.
_RECURSIVE: Final = frozenset(("apiextensions.JSONSchemaProps",))
#: Templates have metadata, but are no objects of their own.
_NO_OBJECTS: Final = ("TemplateSpec", "ClaimTemplate")
#: Written always, but empty is a value, or the server fills it in.
_MAY_BE_EMPTY: Final = frozenset(
    (
        ("rbac.RoleRef", "apiGroup"),
        ("meta.GroupResource", "group"),
        ("core.HTTPHeader", "value"),
        ("core.Sysctl", "value"),
    )
)


@cache
def published_schema(name: str) -> Obj:
    """The schema of a whole object of message `name`, as clients read it; shared, never changed.
    `metadata` stays `{type: object}`: the server adds what it knows of it."""
    return _root(name, "published")


@cache
def checked_schema(name: str) -> Obj:
    """The schema that requests are held against."""
    return _root(name, "checked")


def _root(name: str, mode: Mode) -> Obj:
    schema = _object(name, mode)
    return {**schema, "properties": {**schema["properties"], **_TYPE_META, "metadata": {"type": "object"}}}


@cache
def _object(name: str, mode: Mode) -> Obj:
    if name in _RECURSIVE:
        return _KEEP
    of = message(name)
    properties: Obj = {}
    required: list[str] = []
    for field in of.by_name.values():
        properties[field.name] = _property(of, field, mode)
        if field.required and _is_refused(of, field, mode):
            required.append(field.name)
    if "metadata" in of.by_name and not name.endswith(_NO_OBJECTS):
        properties.update(_TYPE_META)
    schema: Obj = {"type": "object", "properties": properties}
    if required:
        schema["required"] = sorted(required)
    if of.atomic:
        schema["x-kubernetes-map-type"] = "atomic"
    return schema


def _is_refused(of: Message, field: Field, mode: Mode) -> bool:
    """Whether an object without the field is refused."""
    if mode != "checked":
        return mode == "published"
    if (of.name, field.name) in _MAY_BE_EMPTY or field.shape:
        return False
    return field.type in ("string", "intstr", "bytes") or (field.is_message and field.presence)


def _property(of: Message, field: Field, mode: Mode) -> Obj:
    inner: Mode = "loose" if mode == "checked" and field.name == "status" else mode
    value = _value(field, inner)
    if field.shape == "list":
        value = _list(field, value, mode)
    elif field.shape == "map":
        value = {"type": "object", "additionalProperties": value}
    if field.list_type == "atomic" and field.shape != "list":
        value = {**value, "x-kubernetes-map-type": "atomic"}
    return {**value, **_patch_rules(field)} if mode == "published" else value


def _value(field: Field, mode: Mode) -> Obj:
    value = _object(field.type, mode) if field.is_message else _PLAIN[field.type]
    extra: Obj = {}
    if field.enum and mode != "loose":
        extra["enum"] = list(field.enum)
    if field.default is not None and (mode == "published" or field.presence or field.default not in ("", 0, False)):
        extra["default"] = field.default
    return {**value, **extra} if extra else value


def _list(field: Field, items: Obj, mode: Mode) -> Obj:
    """A list with its type. Requests are not held against that: Kubernetes tolerates what occurs twice."""
    value: Obj = {"type": "array", "items": items}
    if mode != "published" or not field.list_type:
        return value
    value["x-kubernetes-list-type"] = field.list_type
    if field.keys:
        value["x-kubernetes-list-map-keys"] = list(field.keys)
        lacking = [
            key
            for key in field.keys
            if "default" not in items.get("properties", {}).get(key, {}) and key not in items.get("required", ())
        ]
        if lacking:
            value["items"] = {**items, "required": sorted({*items.get("required", ()), *lacking})}
    return value


def _patch_rules(field: Field) -> Obj:
    strategies = [word for word, on in (("merge", field.merge), ("retainKeys", field.retain_keys)) if on]
    rules: dict[str, Any] = {}
    if strategies:
        rules["x-kubernetes-patch-strategy"] = ",".join(strategies)
    if field.merge_key:
        rules["x-kubernetes-patch-merge-key"] = field.merge_key
    return rules
