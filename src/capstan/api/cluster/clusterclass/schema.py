"""The schema of a variable's values: OpenAPI, without what only whole objects need."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import (
    ATOMIC_LIST,
    AnyValue,
    Facts,
    Int64,
    Required,
    Text256,
    Text512,
    default,
    entries,
    items,
    keyed_by,
    length,
    one_of,
)
from capstan.api.struct import Struct

TypeName = Annotated[str, one_of("object", "array", "string", "integer", "number", "boolean")]
RefusalReason = Annotated[
    str,
    one_of("FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"),
    default("FieldValueInvalid"),
]
#: The fields of a schema have the names of facts: what they are made of is said here, outside of the class.
EnumValues = Annotated[tuple[AnyValue, ...], items(None, 100), ATOMIC_LIST]
RequiredFields = Annotated[tuple[Text256, ...], items(1, 1000), ATOMIC_LIST]
LongText = Annotated[str, length(1, 4096)]
FormatName = Annotated[str, length(1, 32)]


class SchemaRule(Struct, frozen=True, kw_only=True):
    """A rule in CEL.

    field_path: the field that a refusal names.
    message: what a refusal says.
    message_expression: what a refusal says, as an expression in CEL.
    reason: the reason of a refusal.
    rule: the expression, true for values that are fine.
    """

    field_path: Text512 = ""
    message: Text512 = ""
    message_expression: Annotated[str, length(1, 1024)] = ""
    reason: RefusalReason = ""
    rule: Required[LongText] = ""


SchemaRules = Annotated[tuple[SchemaRule, ...], items(1, 100), keyed_by("rule")]


class SchemaMetadata(Struct, frozen=True, kw_only=True):
    """Labels and annotations of a part of a schema, for whoever shows it.

    annotations: annotations.
    labels: labels.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class JSONSchemaProps(Struct, frozen=True, kw_only=True):
    """What a value looks like.

    additional_properties: the schema of values of properties that have any name.
    all_of: schemas that must all fit.
    any_of: schemas of which one must fit.
    default: the value where none is given.
    description: what it is.
    enum: the values that there are.
    example: a value, to show.
    exclusive_maximum: whether the maximum itself is too much.
    exclusive_minimum: whether the minimum itself is too little.
    format: the form of a text or a number.
    items: the schema of the items of a list.
    max_items: the most items of a list.
    max_length: the most characters of a text.
    max_properties: the most fields of an object.
    maximum: the largest number.
    min_items: the fewest items of a list.
    min_length: the fewest characters of a text.
    min_properties: the fewest fields of an object.
    minimum: the smallest number.
    not_: the schema that must not fit.
    one_of: schemas of which exactly one must fit.
    pattern: an expression that a text must contain.
    properties: the schemas of an object's fields, by their names.
    required: the fields that an object must have.
    type: object, array, string, integer, number or boolean.
    unique_items: whether a list has no item twice.
    x_int_or_string: whether the value is a whole number or a text.
    x_metadata: labels and annotations of this part.
    x_preserve_unknown_fields: whether fields that are not named here are kept.
    x_validations: rules in CEL.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    additional_properties: AnyValue = None
    all_of: AnyValue = None
    any_of: AnyValue = None
    default: AnyValue = None
    description: LongText = ""
    enum: EnumValues = ()
    example: AnyValue = None
    exclusive_maximum: bool | None = None
    exclusive_minimum: bool | None = None
    format: FormatName = ""
    items: AnyValue = None
    max_items: Int64 | None = None
    max_length: Int64 | None = None
    max_properties: Int64 | None = None
    maximum: Int64 | None = None
    min_items: Int64 | None = None
    min_length: Int64 | None = None
    min_properties: Int64 | None = None
    minimum: Int64 | None = None
    not_: AnyValue = None
    one_of: AnyValue = None
    pattern: Text512 = ""
    properties: AnyValue = None
    required: RequiredFields = ()
    type: TypeName = ""
    unique_items: bool | None = None
    x_int_or_string: bool | None = msgspec.field(default=None, name="x-kubernetes-int-or-string")
    x_metadata: SchemaMetadata = msgspec.field(default=SchemaMetadata(), name="x-metadata")
    x_preserve_unknown_fields: bool | None = msgspec.field(default=None, name="x-kubernetes-preserve-unknown-fields")
    x_validations: SchemaRules = msgspec.field(default=(), name="x-kubernetes-validations")


class VariableSchema(Struct, frozen=True, kw_only=True):
    """What the values of a variable look like.

    open_api_v3_schema: the schema.
    """

    open_api_v3_schema: Required[JSONSchemaProps] = msgspec.field(default=JSONSchemaProps(), name="openAPIV3Schema")
