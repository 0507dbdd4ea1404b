"""Whether the CEL rules of a schema compile, and whether they can become too expensive. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.definitions.causes import invalid
from capstan.apiserver.validation import SchemaError
from capstan.apiserver.validation.rules import compile_rules

Schema = Mapping[str, Any]
KnownRules = frozenset[str]

_RULES = "x-kubernetes-validations"


def rules_of(schemas: Iterable[Mapping[str, Any] | None]) -> KnownRules:
    """The expressions of stored schemas: what was accepted once stays accepted."""
    found: set[str] = set()
    pending: list[Any] = [(schema or {}).get("openAPIV3Schema") for schema in schemas]
    while pending:
        node = pending.pop()
        if not isinstance(node, dict):
            continue
        for rule in node.get(_RULES) or ():
            found.update(text for text in (rule.get("rule"), rule.get("messageExpression")) if text)
        pending += list((node.get("properties") or {}).values())
        pending += [node.get("items"), node.get("additionalProperties")]
    return frozenset(found)


def cel_faults(schema: Schema, field: str, known: KnownRules, unchanged: bool) -> Iterator[FieldCause]:
    """The faults of all rules below `schema`."""
    for index, rule in enumerate(schema.get(_RULES) or ()):
        try:
            compile_rules({**schema, _RULES: [rule]})
        except SchemaError as error:
            yield invalid(f"{field}.{_RULES}[{index}].rule", rule, f"compilation failed: {error}")
    for at, part in _children(schema, field):
        yield from cel_faults(part, at, known, unchanged)


def _children(schema: Schema, field: str) -> Iterator[tuple[str, Schema]]:
    for name, part in (schema.get("properties") or {}).items():
        yield f"{field}.properties[{name}]", part
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield f"{field}.{word}", schema[word]
