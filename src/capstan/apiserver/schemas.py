"""Holds a request's object against the schema of its version: prunes, defaults, refuses, warns."""

from __future__ import annotations

from functools import cache

from capstan.api.errors import invalid
from capstan.api.meta import TypedObject
from capstan.api.objects import Obj
from capstan.api.schema import structural_schema
from capstan.api.verbs import WriteOptions
from capstan.apiserver.resources import Target
from capstan.apiserver.validation import Validator


@cache
def struct_validator(struct: type[TypedObject]) -> Validator:
    """The validator of a typed kind: a value that follows from the type, so that all servers may share it."""
    return Validator(structural_schema(struct))


def conform(target: Target, body: Obj, old: Obj | None, options: WriteOptions) -> tuple[Obj, tuple[str, ...]]:
    """The object as the schema of the request's version leaves it, and warnings. Raises 400 and 422."""
    warnings: tuple[str, ...] = ()
    if target.version.deprecated:
        text = target.version.deprecation_warning or f"{target.api_version} {target.served.kind} is deprecated"
        warnings = (text,)
    validator = target.version.validator()
    if validator is None:
        return body, warnings
    duplicates = getattr(options, "duplicates", ())
    checked = validator.apply(body, old, mode=options.field_validation, duplicates=duplicates)
    if checked.causes:
        raise invalid(target.served.group_kind, str(body["metadata"].get("name", "")), checked.causes)
    return checked.object, warnings + checked.warnings
