"""Schemas inside of other objects: those of a ClusterClass's variables are checked as those of definitions are.

They are schemas of values, not of whole objects: they have fewer keywords, may be of any type, and their `example` and
`enum` have to fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from capstan.api.errors import ApiError, FieldCause
from capstan.api.kinds import Admission, AdmissionRequest, EmbeddedSchema
from capstan.api.objects import Obj
from capstan.apiserver.definitions.causes import invalid
from capstan.apiserver.definitions.celrules import cel_faults
from capstan.apiserver.definitions.defaultrules import default_faults
from capstan.apiserver.definitions.schemaprops import clean_schema
from capstan.apiserver.definitions.schemarules import schema_faults
from capstan.apiserver.definitions.structural import structural_faults
from capstan.apiserver.validation import SchemaError, Validator

_KEYWORDS: Final = frozenset(
    (
        *("description", "example", "type", "properties", "additionalProperties", "maxProperties", "minProperties"),
        *("required", "items", "maxItems", "minItems", "uniqueItems", "format", "maxLength", "minLength", "pattern"),
        *("maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "enum", "default"),
        *("allOf", "oneOf", "anyOf", "not"),
        *("x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations", "x-kubernetes-int-or-string"),
    )
)
#: What only definitions may not say.
_ALLOWED: Final = (".uniqueItems", ".x-kubernetes-preserve-unknown-fields")
#: Only whole objects have a root: a schema of values stands in one under this name while it is looked at.
_NAME: Final = "variableSchema"

Admit = Callable[[AdmissionRequest], Admission]
Schemas = Callable[[Obj], Iterable[EmbeddedSchema]]


def admit_with_schemas(admit: Admit, schemas: Schemas, request: AdmissionRequest) -> Admission:
    """A kind's own admission, and the faults of the schemas in its objects. One that was there before may stay."""
    admission = admit(request)
    if admission.object is None or request.subresource:
        return admission
    before = {} if request.old is None else {known.name: known.schema for known in schemas(request.old)}
    found = [known for known in schemas(admission.object) if before.get(known.name) != known.schema]
    faults = tuple(fault for known in found for fault in embedded_faults(known.schema, known.field))
    return Admission(admission.object, (*admission.causes, *faults)) if faults else admission


def embedded_faults(schema: Obj, field: str) -> Iterator[FieldCause]:
    """All that is wrong with a schema of values: the later looks rely on the earlier ones."""
    try:
        schema = clean_schema(_narrowed(schema), field, lambda *_: None)
    except ApiError as error:
        why = error.message.rpartition(": json: ")[2] or error.message
        yield invalid(field, "", f"schema cannot be read: {why}")
        return
    whole = {"type": "object", "properties": {_NAME: schema}}
    looks: tuple[Callable[[], Iterable[FieldCause]], ...] = (
        lambda: _within(structural_faults(whole, field), field),
        lambda: default_faults(schema, field),
        lambda: _said_faults(schema, field),
        lambda: _within(cel_faults(whole, field, unchanged=False), field),
        lambda: _value_faults(schema, field),
    )
    for look in looks:
        faults = list(look())
        if faults:
            yield from faults
            return


def _narrowed(schema: Any) -> Any:
    """The schema without keywords that schemas of values do not have; nobody reads them."""
    if not isinstance(schema, dict):
        return schema
    return {name: _part(name, value) for name, value in schema.items() if name in _KEYWORDS}


def _part(keyword: str, value: Any) -> Any:
    if keyword in ("items", "not", "additionalProperties"):
        return _narrowed(value)
    if keyword in ("allOf", "anyOf", "oneOf") and isinstance(value, list):
        return [_narrowed(part) for part in value]
    if keyword == "properties" and isinstance(value, dict):
        return {name: _narrowed(part) for name, part in value.items()}
    return value


def _within(faults: Iterable[FieldCause], field: str) -> Iterator[FieldCause]:
    """The faults without the name that the schema had while it was looked at."""
    shell = f"{field}.properties[{_NAME}]"
    for fault in faults:
        yield replace(
            fault,
            field=fault.field.replace(shell, field, 1),
            message=fault.message.replace(shell, field),
        )


def _said_faults(schema: Obj, field: str) -> Iterator[FieldCause]:
    found = [fault for fault in schema_faults(schema, field, root=False) if not fault.field.endswith(_ALLOWED)]
    yield from found
    if not found:
        try:
            Validator({"type": "object", "properties": {_NAME: schema}}, root=False)
        except SchemaError as error:
            yield invalid(field, "", f"failed to build validator: {error}")


def _value_faults(schema: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    """The example and the values that there are fit the schema that they stand in."""
    given = [(f"{field}.enum[{index}]", value) for index, value in enumerate(schema.get("enum") or ())]
    if schema.get("example") is not None:
        given.insert(0, (f"{field}.example", schema["example"]))
    if given:
        validator = Validator({"type": "object", "properties": {"value": dict(schema)}}, root=False)
        for place, value in given:
            if value is not None:
                for cause in validator.apply({"value": value}, mode="Ignore").causes:
                    yield replace(cause, field=place + cause.field.removeprefix("value"))
    for name, part in (schema.get("properties") or {}).items():
        yield from _value_faults(part, f"{field}.properties[{name}]")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from _value_faults(schema[word], f"{field}.{word}")
