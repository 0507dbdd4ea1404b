"""The schema of a variable's values, as v1beta1 has it: the same, with fewer limits."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.cluster.clusterclass.schema import JSONSchemaProps as NewerJSONSchemaProps
from capstan.api.cluster.clusterclass.schema import SchemaRule
from capstan.api.cluster.v1beta1.template import TemplateMetadata
from capstan.api.facts import AnyValue, Facts, Required, Text256, items, keyed_by
from capstan.api.struct import Struct

#: The fields of a schema have the names of facts: what they are made of is said here, outside of the class.
EnumValues = Annotated[tuple[AnyValue, ...], items(None, 100)]
RequiredFields = Annotated[tuple[Text256, ...], items(None, 1000)]
SchemaRules = Annotated[tuple[SchemaRule, ...], items(None, 100), keyed_by("rule")]


class SchemaMetadata(TemplateMetadata, frozen=True, kw_only=True):
    """Labels and annotations of a part of a schema, for whoever shows it."""


class JSONSchemaProps(NewerJSONSchemaProps, frozen=True, kw_only=True):
    """What a value looks like."""

    schema_facts: ClassVar[Facts] = ()

    enum: EnumValues = ()
    required: RequiredFields = ()
    x_metadata: SchemaMetadata = msgspec.field(default=SchemaMetadata(), name="x-metadata")  # type: ignore[assignment]
    x_validations: SchemaRules = msgspec.field(default=(), name="x-kubernetes-validations")


class VariableSchema(Struct, frozen=True, kw_only=True):
    """What the values of a variable look like.

    open_api_v3_schema: the schema.
    """

    open_api_v3_schema: Required[JSONSchemaProps] = msgspec.field(default=JSONSchemaProps(), name="openAPIV3Schema")
