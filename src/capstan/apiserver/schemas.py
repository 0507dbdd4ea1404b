"""Holds a request's object against the schema of its version: prunes, defaults, refuses, warns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from capstan.api.errors import FieldCause, bad_request, invalid
from capstan.api.meta import TypedObject
from capstan.api.objects import Obj
from capstan.api.schema import structural_schema
from capstan.api.verbs import WriteOptions
from capstan.apiserver.resources import Served, ServedVersion, Target
from capstan.apiserver.validation import Validator


@cache
def struct_validator(struct: type[TypedObject]) -> Validator:
    """The validator of a typed kind: a value that follows from the type, so that all servers may share it."""
    return Validator(structural_schema(struct))


def deprecation(served: Served, version: ServedVersion) -> str:
    """What users of a deprecated version are told."""
    return version.deprecation_warning or f"{served.api_version(version.name)} {served.kind} is deprecated"


def conform(target: Target, body: Obj, old: Obj | None, options: WriteOptions) -> tuple[Obj, tuple[str, ...]]:
    """The object as the schema of the request's version leaves it, and warnings. Raises 400 and 422."""
    warnings = (deprecation(target.served, target.version),) if target.version.deprecated else ()
    validator = target.version.validator()
    if validator is None:
        return body, warnings
    if target.version.normal is not None:
        body = target.version.normal(body)
    duplicates = getattr(options, "duplicates", ())
    checked = validator.apply(body, old, mode=options.field_validation, duplicates=duplicates)
    if checked.causes:
        refuse_unreadable(target, checked.causes)
        raise invalid(target.served.group_kind, str(body["metadata"].get("name", "")), checked.causes)
    return checked.object, warnings + checked.warnings


def refuse_unreadable(target: Target, causes: Sequence[FieldCause]) -> None:
    """Raises 400 for a value of the wrong type in a built-in kind, which Kubernetes cannot even read."""
    wrong = next((cause for cause in causes if cause.reason == "FieldValueTypeInvalid"), None)
    if wrong is None or not target.version.message:
        return
    kind, version = target.served.kind, target.version.name
    where = f"{kind} in version {version!r} cannot be handled as a {kind}".replace("'", '"')
    raise bad_request(f"{where}: json: cannot unmarshal: {wrong.field}: {wrong.message}")
