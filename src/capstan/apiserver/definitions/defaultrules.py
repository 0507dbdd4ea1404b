"""Whether the defaults in a schema are values that it would accept, with no field that it would prune. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.definitions.causes import invalid
from capstan.apiserver.validation import SchemaError, Validator

Schema = Mapping[str, Any]


def default_faults(schema: Schema, field: str) -> Iterator[FieldCause]:
    """The faults of every default below `schema`. There are none inside additionalProperties: it is not followed."""
    if schema.get("default") is not None:
        yield from _faults(schema, f"{field}.default")
    if isinstance(schema.get("items"), dict):
        yield from default_faults(schema["items"], f"{field}.items")
    for name, part in (schema.get("properties") or {}).items():
        yield from default_faults(part, f"{field}.properties[{name}]")


def _faults(schema: Schema, field: str) -> Iterator[FieldCause]:
    default = schema["default"]
    # The default stands in an object of its own, so that its node is checked as one below the root.
    around = {"type": "object", "properties": {"default": {k: v for k, v in schema.items() if k != "default"}}}
    try:
        validator = Validator(around, root=False)
    except SchemaError as error:
        yield invalid(field, default, str(error))
        return
    checked = validator.apply({"default": default}, mode="Warn")
    if any(text.startswith("unknown field") for text in checked.warnings):
        yield invalid(field, default, "must not have unknown fields")
    for cause in checked.causes:
        yield replace(cause, field=field + cause.field.removeprefix("default"))
