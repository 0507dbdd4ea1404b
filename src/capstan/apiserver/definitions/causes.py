"""Refused fields of a definition in Kubernetes' words, and the rules of its names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.validation.fielderror import quoted, shown

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def invalid(field: str, value: Any, why: str) -> FieldCause:
    return FieldCause(field, f"Invalid value: {shown(value)}: {why}", "FieldValueInvalid")


def required(field: str, why: str = "") -> FieldCause:
    return FieldCause(field, f"Required value: {why}" if why else "Required value", "FieldValueRequired")


def forbidden(field: str, why: str) -> FieldCause:
    return FieldCause(field, f"Forbidden: {why}", "FieldValueForbidden")


def unsupported(field: str, value: Any, allowed: Iterable[str]) -> FieldCause:
    values = ", ".join(quoted(a) for a in allowed)
    return FieldCause(field, f"Unsupported value: {shown(value)}: supported values: {values}", "FieldValueNotSupported")


def duplicate(field: str, value: Any) -> FieldCause:
    return FieldCause(field, f"Duplicate value: {shown(value)}", "FieldValueDuplicate")


def too_many(field: str, actual: int, limit: int) -> FieldCause:
    return FieldCause(field, f"Too many: {actual}: must have at most {limit} items", "FieldValueTooMany")


def one_of(field: str, value: str, allowed: Sequence[str]) -> Iterator[FieldCause]:
    """The value must be there and be one of the allowed."""
    if not value:
        yield required(field)
    elif value not in allowed:
        yield unsupported(field, value, allowed)


def label_problem(text: str) -> str:
    """What keeps a text from being a DNS-1035 label, or the empty string."""
    found = [] if _LABEL.fullmatch(text) else [_LABEL_RULE]
    if len(text) > 63:
        found.append("must be no more than 63 characters")
    return ",".join(found)


def subdomain_problem(text: str) -> str:
    """What keeps a text from being an RFC 1123 subdomain, or the empty string."""
    found = ["must be no more than 253 characters"] if len(text) > 253 else []
    if not _SUBDOMAIN.fullmatch(text):
        found.append(_SUBDOMAIN_RULE)
    return ",".join(found)
