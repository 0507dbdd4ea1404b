"""Rules of the variables of a class: their names, and the labels of their schemas.

Whether a schema is one is for the server to say, which checks the schemas of definitions as well (`class_schemas`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from capstan.api.cluster.admission.clusterclass.layout import items_at
from capstan.api.errors import FieldCause
from capstan.api.kinds import EmbeddedSchema
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value, required_value, shown
from capstan.api.rules.fields import mapping_at, text_at
from capstan.api.rules.labels import metadata_causes

_VARIABLES: Final = "spec.variables"
_RESERVED: Final = "builtin"


def variable_causes(new: Obj) -> Iterator[FieldCause]:
    """Every variable, by itself and beside the others."""
    seen: set[str] = set()
    for variable in items_at(new, _VARIABLES):
        name = text_at(variable, "name")
        field = f"{_VARIABLES}[{name}]"
        yield from _name_causes(name, seen, f"{field}.name")
        metadata = "deprecatedV1Beta1Metadata"
        yield from metadata_causes(mapping_at(variable, metadata), f"{field}.{metadata}")
        yield from _schema_metadata_causes(_schema_of(variable), f"{field}.schema.openAPIV3Schema")
        seen.add(name)


def class_schemas(new: Obj) -> Iterator[EmbeddedSchema]:
    """The schemas of the variables, for those who know when a schema is one."""
    for variable in items_at(new, _VARIABLES):
        field = f"{_VARIABLES}[{text_at(variable, 'name')}].schema.openAPIV3Schema"
        yield EmbeddedSchema(field, text_at(variable, "name"), _schema_of(variable))


def _schema_of(variable: Mapping[str, Any]) -> Obj:
    return dict(mapping_at(variable, "schema.openAPIV3Schema"))


def _name_causes(name: str, seen: set[str], field: str) -> Iterator[FieldCause]:
    if name in seen:
        why = f"variable name must be unique. Variable with name {shown(name)} is defined more than once"
        yield invalid_value(field, name, why)
    if not name:
        yield required_value(field, "variable name must be defined")
    if name == _RESERVED:
        yield invalid_value(field, name, f"{shown(name)} is a reserved variable name")
    if "." in name:
        yield invalid_value(field, name, 'variable name cannot contain "."')


def _schema_metadata_causes(schema: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    yield from metadata_causes(mapping_at(schema, "x-metadata"), f"{field}.x-metadata")
    for word in ("additionalProperties", "items"):
        if isinstance(schema.get(word), Mapping):
            yield from _schema_metadata_causes(schema[word], f"{field}.{word}")
    properties = schema.get("properties")
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        if isinstance(part, Mapping):
            yield from _schema_metadata_causes(part, f"{field}.properties[{name}]")
