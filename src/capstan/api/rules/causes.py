"""Refused fields in the words that Kubernetes uses: invalid, required, forbidden."""

from __future__ import annotations

from typing import Any

import msgspec

from capstan.api.errors import FieldCause


def invalid_value(field: str, value: Any, why: str) -> FieldCause:
    """The value cannot be right. `field` is written in wire names: `spec.template.spec.version`."""
    return FieldCause(field, f"Invalid value: {shown(value)}: {why}", "FieldValueInvalid")


def required_value(field: str, why: str) -> FieldCause:
    """The field has to be there."""
    return FieldCause(field, f"Required value: {why}", "FieldValueRequired")


def forbidden_value(field: str, why: str) -> FieldCause:
    """The field, or its change, is not allowed here."""
    return FieldCause(field, f"Forbidden: {why}", "FieldValueForbidden")


def immutable_value(field: str, before: Any, way: str) -> FieldCause:
    """The field never changes; `way` is what to do instead."""
    return forbidden_value(field, f"field is immutable: it stays {shown(before)}; {way}")


def shown(value: Any) -> str:
    """A value inside a message: strings quoted, everything else as JSON."""
    return msgspec.json.encode(value).decode()
