"""All that can be wrong with one schema of a definition, in the order in which it makes sense to be told. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.apiserver.definitions.causes import invalid
from capstan.apiserver.definitions.celrules import cel_faults
from capstan.apiserver.definitions.defaultrules import default_faults
from capstan.apiserver.definitions.schemarules import root_faults, schema_faults
from capstan.apiserver.definitions.structural import structural_faults
from capstan.apiserver.validation import SchemaError, Validator


def whole_schema_faults(schema: Obj, field: str, status: bool, unchanged: bool) -> Iterator[FieldCause]:
    """`status`: there is a status subresource. The cost of rules in an `unchanged` schema is not looked at again."""
    faults = [*root_faults(schema, field, status)]
    structural = structural_faults(schema, field)
    faults += structural
    if not structural:
        faults += default_faults(schema, field)
    faults += schema_faults(schema, field)
    if not faults:
        # Rules are compiled only for schemas that are right: what they say otherwise helps nobody.
        faults += cel_faults(schema, field, unchanged)
    if not faults:
        try:
            Validator(schema)
        except SchemaError as error:
            faults.append(invalid(field, "", f"error building validator: {error}"))
    yield from faults
