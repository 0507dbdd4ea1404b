"""allOf, anyOf, oneOf and not: constraints on a value whose shape the structural part has settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.validation.fielderror import Path, render
from capstan.apiserver.validation.keywords import Test
from capstan.apiserver.validation.run import Check, Run

_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]


def junctor_tests(schema: Mapping[str, Any], compile_part: Callable[[Mapping[str, Any]], Check]) -> list[Test]:
    """The tests of the logical keywords that `schema` has."""
    tests: list[Test] = []
    for part in schema.get("allOf") or ():
        tests.append(_all_of(compile_part(part)))
    any_of = schema.get("anyOf")
    if any_of and not (schema.get("x-kubernetes-int-or-string") and any_of == _INT_OR_STRING):
        tests.append(_any_of([compile_part(part) for part in any_of]))
    if schema.get("oneOf"):
        tests.append(_one_of([compile_part(part) for part in schema["oneOf"]]))
    if schema.get("not"):
        tests.append(_not(compile_part(schema["not"])))
    return tests


def _causes(check: Check, value: Any, path: Path) -> list[FieldCause]:
    run = Run()
    check(value, path, run)
    return [cause for _, cause in run.causes]


def _refusal(path: Path, rule: str) -> FieldCause:
    field = render(path)
    return FieldCause(field, f'Invalid value: "": "{field}" {rule}', "FieldValueInvalid")


def _all_of(check: Check) -> Test:
    def test(value: Any, path: Path) -> FieldCause | None:
        causes = _causes(check, value, path)
        return causes[0] if causes else None

    return test


def _any_of(checks: list[Check]) -> Test:
    def test(value: Any, path: Path) -> FieldCause | None:
        if any(not _causes(check, value, path) for check in checks):
            return None
        return _refusal(path, "must validate at least one schema (anyOf)")

    return test


def _one_of(checks: list[Check]) -> Test:
    def test(value: Any, path: Path) -> FieldCause | None:
        valid = sum(not _causes(check, value, path) for check in checks)
        if valid == 1:
            return None
        found = f"Found {valid} valid alternatives" if valid else "Found none valid"
        return _refusal(path, f"must validate one and only one schema (oneOf). {found}")

    return test


def _not(check: Check) -> Test:
    def test(value: Any, path: Path) -> FieldCause | None:
        return None if _causes(check, value, path) else _refusal(path, "must not validate the schema (not)")

    return test
