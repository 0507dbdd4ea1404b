"""Holds a request's object against the schema of its version: prunes, defaults, refuses, warns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from re import Match
from re import compile as pattern

from capstan.api.errors import ApiError, FieldCause, bad_request, invalid
from capstan.api.meta import TypedObject
from capstan.api.objects import Obj
from capstan.api.schema import structural_schema
from capstan.api.verbs import WriteOptions
from capstan.apiserver.resources import Served, ServedVersion, Target
from capstan.apiserver.validation import FieldValidation, Validator

_UNKNOWN_GUESSED = pattern(r'unknown field "([^"]+)"(?: \(did you mean "[^"]*"\?\))?')
_UNKNOWN = pattern(r'unknown field "([^"]+)"')


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
    applies = options.field_validation == "Strict" and getattr(options, "applies", False)
    mode: FieldValidation = "Warn" if applies else options.field_validation
    try:
        checked = validator.apply(body, old, mode=mode, duplicates=duplicates)
    except ApiError as error:
        raise replace(error, message=_with_other_names(target, error.message)) from None
    if applies and checked.warnings:
        raise _undeclared(target, body, checked.warnings)
    if checked.causes:
        refuse_unreadable(target, checked.causes)
        raise invalid(target.served.group_kind, str(body["metadata"].get("name", "")), checked.causes)
    return checked.object, (*warnings, *(_with_other_names(target, words) for words in checked.warnings))


def _with_other_names(target: Target, words: str) -> str:
    """The words about unknown fields, with what this version has for those that other versions know."""

    def named(match: Match[str]) -> str:
        found = target.served.meant(match[1], target.version.name)
        if not found:
            return match[0]
        shown = ", ".join(f'"{name}"' for name in found)
        return f'unknown field "{match[1]}" ({target.version.name} has {shown})'

    return _UNKNOWN_GUESSED.sub(named, words)


def _undeclared(target: Target, body: Obj, found: Sequence[str]) -> ApiError:
    """400 for fields that an apply has and the schema has not: what Kubernetes says when it cannot own them."""
    metadata = body["metadata"]
    name = "/".join(str(metadata[part]) for part in ("namespace", "name") if metadata.get(part))
    kind = f"{target.served.api_version(target.version.name)}, Kind={target.served.kind}"
    fields = [_UNKNOWN.sub(r".\1: field not declared in schema", words) for words in found]
    return bad_request(f"failed to create typed patch object ({name}; {kind}): {', '.join(fields)}")


def refuse_unreadable(target: Target, causes: Sequence[FieldCause]) -> None:
    """Raises 400 for a value of the wrong type in a built-in kind, which Kubernetes cannot even read."""
    wrong = next((cause for cause in causes if cause.reason == "FieldValueTypeInvalid"), None)
    if wrong is None or not target.version.message:
        return
    kind, version = target.served.kind, target.version.name
    where = f"{kind} in version {version!r} cannot be handled as a {kind}".replace("'", '"')
    raise bad_request(f"{where}: json: cannot unmarshal: {wrong.field}: {wrong.message}")
