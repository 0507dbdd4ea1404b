"""What one schema makes of one value."""

from __future__ import annotations

import copy
from typing import Any

from capstan.apiserver.validation import Validated, Validator


def schema_with(**spec: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}


def applied(spec_schema: dict[str, Any], spec: Any, old: Any = None, mode: Any = "Ignore") -> Validated:
    schema = {"type": "object", "properties": {"spec": spec_schema}}
    before = copy.deepcopy(spec)
    result = Validator(schema).apply({"spec": spec}, None if old is None else {"spec": old}, mode=mode)
    assert spec == before
    return result


def messages(schema: dict[str, Any], value: Any, old: Any = None) -> list[str]:
    found = applied(
        {"type": "object", "properties": {"v": schema}}, {"v": value}, None if old is None else {"v": old}
    ).causes
    return [f"{c.field}: {c.message}" for c in found]
