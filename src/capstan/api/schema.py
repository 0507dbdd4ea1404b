"""OpenAPI v3 structural schemas of the typed kinds: the Struct says what fields there are, its facts the rest.

Descriptions come from docstrings: the text before the first blank line is the object's, each line
`field_name: text` after it is a field's. They are what `kubectl explain` shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec

from capstan.api.facts import Fact
from capstan.api.meta import TypedObject
from capstan.api.objects import Obj

_SCALARS: Final[Mapping[Any, Obj]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    bytes: {"type": "string", "format": "byte"},
    Any: {},
}
_INT_OR_STRING: Final[Obj] = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}
_VALIDATIONS: Final = "x-kubernetes-validations"
_FIELD_LINE: Final = re.compile(r"^\s*([a-z_][a-z0-9_]*): (.*)$")

API_VERSION_DOC: Final = "The API group and version that this object is written in."
KIND_DOC: Final = "The kind of this object, in CamelCase."


@cache
def structural_schema(struct: type[TypedObject]) -> Obj:
    """The same as `made_schema`, made once: it is shared and not changed."""
    return made_schema(struct)


def made_schema(struct: type[TypedObject]) -> Obj:
    """The schema of a whole object, as `openAPIV3Schema` of a CustomResourceDefinition has it.

    `metadata` stays `{type: object}`: the server adds what it knows of it.
    """
    schema = object_schema(struct)
    properties = schema["properties"]
    properties["apiVersion"]["description"] = API_VERSION_DOC
    properties["kind"]["description"] = KIND_DOC
    properties["metadata"] = {"type": "object"}
    return schema


@cache
def _members(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a Struct. To evaluate their annotations takes long, and most Structs are part of many kinds."""
    return msgspec.structs.fields(struct)


def object_schema(struct: type[msgspec.Struct]) -> Obj:
    """The schema of one Struct, with everything that it contains."""
    summary, notes = describe(struct)
    schema: Obj = {"type": "object", "properties": {}}
    if summary:
        schema["description"] = summary
    required: list[str] = []
    for member in _members(struct):
        field_schema, is_required = type_schema(member.type)
        if member.name in notes:
            field_schema["description"] = notes[member.name]
        schema["properties"][member.encode_name] = field_schema
        if is_required:
            required.append(member.encode_name)
    if required:
        schema["required"] = required
    _apply(schema, getattr(struct, "schema_facts", ()))
    return schema


def type_schema(annotation: Any) -> tuple[Obj, bool]:
    """The schema of a field's annotation, and whether the object that has the field requires it."""
    inner, facts = _unwrap(annotation)
    schema = _plain_schema(inner)
    _apply(schema, facts)
    return schema, any(fact.required for fact in facts)


def _unwrap(annotation: Any) -> tuple[Any, list[Fact]]:
    """Takes `Annotated` and `| None` off, and collects the facts on the way."""
    facts: list[Fact] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *extras = get_args(annotation)
            facts = [extra for extra in extras if isinstance(extra, Fact)] + facts
            continue
        if get_origin(annotation) in (Union, UnionType):
            arms = [arm for arm in get_args(annotation) if arm not in (NoneType, msgspec.UnsetType)]
            if len(arms) == 1:
                annotation = arms[0]
                continue
        return annotation, facts


def _plain_schema(inner: Any) -> Obj:
    if inner in _SCALARS:
        return dict(_SCALARS[inner])
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return object_schema(inner)
    origin, args = get_origin(inner), get_args(inner)
    if origin in (Union, UnionType) and set(args) - {NoneType} == {int, str}:
        return dict(_INT_OR_STRING)
    if origin is tuple:
        return {"type": "array", "items": type_schema(args[0])[0]}
    if origin is dict:
        values = {} if args[1] is Any else {"additionalProperties": type_schema(args[1])[0]}
        return {"type": "object", **values}
    raise TypeError(f"no schema for {inner!r}")


def _apply(schema: Obj, facts: Iterable[Fact]) -> None:
    for fact in facts:
        for keyword, value in fact.keywords.items():
            if keyword == _VALIDATIONS:
                schema[keyword] = [*schema.get(keyword, []), *value]
            else:
                schema[keyword] = value


@cache
def describe(struct: type[Any]) -> tuple[str, Mapping[str, str]]:
    """What a Struct's docstring says of it, and of each of its fields; of inherited ones, what the base's says."""
    summary, _, rest = (struct.__doc__ or "").strip().partition("\n\n")
    bases = (base for base in struct.__bases__ if issubclass(base, msgspec.Struct) and base.__struct_fields__)
    notes: dict[str, str] = {name: note for base in bases for name, note in describe(base)[1].items()}
    last = ""
    for line in rest.splitlines():
        found = _FIELD_LINE.match(line)
        if found and found[1] in struct.__struct_fields__:
            last = found[1]
            notes[last] = found[2].strip()
        elif not line.strip():
            last = ""
        elif last:
            notes[last] += " " + line.strip()
    return " ".join(summary.split()), notes
