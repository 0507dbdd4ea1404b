"""A structural schema to closures: each node prunes, defaults and checks its value in one pass.

A node's closure gives back the very value when nothing changed, so that valid objects cost no copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capstan.apiserver.validation import fielderror
from capstan.apiserver.validation.embedded import embedded_causes
from capstan.apiserver.validation.fielderror import Path
from capstan.apiserver.validation.junctors import junctor_tests
from capstan.apiserver.validation.keywords import (
    SchemaError,
    Test,
    array_tests,
    enum_test,
    number_tests,
    object_tests,
    string_tests,
)
from capstan.apiserver.validation.lists import list_check
from capstan.apiserver.validation.objectmeta import OBJECT_META
from capstan.apiserver.validation.rules import rules_of
from capstan.apiserver.validation.run import Check, Run

MAX_DEPTH = 200

_PYTHON_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
_STRING: dict[str, Any] = {"type": "string"}


def compile_node(schema: Mapping[str, Any], *, root: bool = False, prune: bool = True, depth: int = 0) -> Check:
    """The check of one schema node. `prune` false is for value constraints (allOf and its kin), which see
    a value that another node has shaped. Errors: SchemaError."""
    if depth > MAX_DEPTH:
        raise SchemaError(f"the schema nests deeper than {MAX_DEPTH}")
    embedded = bool(schema.get(_EMBEDDED))
    rules = rules_of(schema, root=root)
    if root or embedded:
        schema = _with_metadata(schema)
    check = _typed(schema, prune, depth)
    if embedded and not root:
        check = _with_identity(check)
    if not rules:
        return check

    def check_with_rules(value: Any, path: Path, run: Run) -> Any:
        # The rules of an object come before those of what it holds.
        due: list[Any] = [path, rules, None]
        run.rules.append(due)
        due[2] = result = check(value, path, run)
        return result

    return check_with_rules


def _with_metadata(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a whole object: apiVersion and kind are strings, metadata is what the server knows."""
    own = schema.get("properties", {})
    stated = own.get("metadata", {})
    metadata: dict[str, Any] = {**OBJECT_META}
    constraints = {k: v for k, v in stated.items() if k in ("properties", "required")}
    if constraints:
        metadata["allOf"] = [constraints]
    properties = {**own, "apiVersion": own.get("apiVersion", _STRING), "kind": own.get("kind", _STRING)}
    properties["metadata"] = metadata
    return {**schema, "type": "object", "properties": properties}


def _with_identity(check: Check) -> Check:
    """The check of an embedded object: it says what it is, and its metadata is that of an object."""

    def check_embedded(value: Any, path: Path, run: Run) -> Any:
        result = check(value, path, run)
        if isinstance(result, dict):
            run.embedded += embedded_causes(result, path)
        return result

    return check_embedded


def _typed(schema: Mapping[str, Any], prune: bool, depth: int) -> Check:
    wanted = schema.get("type", "")
    nullable = bool(schema.get("nullable"))
    common = _common_tests(schema, depth)
    if schema.get("x-kubernetes-int-or-string"):
        return _int_or_string(schema, common, nullable)
    if wanted == "object" or (not wanted and _has_object_part(schema)):
        return _object(schema, common, nullable, prune, depth)
    if wanted == "array" or (not wanted and ("items" in schema or "x-kubernetes-list-type" in schema)):
        return _array(schema, common, nullable, prune, depth)
    if wanted == "number":
        return _number(common + number_tests(schema), nullable)
    if wanted == "integer":
        return _integer(common + number_tests(schema), nullable)
    if wanted in ("string", "boolean"):
        tests = common + (string_tests(schema) if wanted == "string" else [])
        return _scalar(wanted, tests, nullable)
    if wanted:
        raise SchemaError(f"unknown type {wanted!r}")
    return _untyped(schema, common)


def _has_object_part(schema: Mapping[str, Any]) -> bool:
    return any(
        k in schema for k in ("properties", "required", "additionalProperties", "minProperties", "maxProperties")
    )


def _common_tests(schema: Mapping[str, Any], depth: int) -> list[Test]:
    tests: list[Test] = []
    if schema.get("enum"):
        tests.append(enum_test(list(schema["enum"])))

    def compile_part(part: Mapping[str, Any]) -> Check:
        return compile_node(part, prune=False, depth=depth + 1)

    return tests + junctor_tests(schema, compile_part)


def _fail(value: Any, path: Path, run: Run, wanted: str, nullable: bool) -> Any:
    if value is not None or not nullable:
        run.refuse(path, fielderror.wrong_type(path, wanted, value))
    return value


def _test(tests: list[Test], value: Any, path: Path, run: Run) -> None:
    for test in tests:
        cause = test(value, path)
        if cause is not None:
            run.refuse(path, cause)


def _scalar(wanted: str, tests: list[Test], nullable: bool) -> Check:
    python_type = _PYTHON_TYPES[wanted]

    def check(value: Any, path: Path, run: Run) -> Any:
        if type(value) is not python_type:
            return _fail(value, path, run, wanted, nullable)
        for test in tests:
            cause = test(value, path)
            if cause is not None:
                run.refuse(path, cause)
        return value

    if not tests:
        # Lets the parent object skip the call when the type is right.
        check.plain_type = python_type  # type: ignore[attr-defined]
    return check


def _integer(tests: list[Test], nullable: bool) -> Check:
    def check(value: Any, path: Path, run: Run) -> Any:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            return _fail(value, path, run, "integer", nullable)
        _test(tests, value, path, run)
        return value

    if not tests:
        check.plain_type = int  # type: ignore[attr-defined]
    return check


def _number(tests: list[Test], nullable: bool) -> Check:
    def check(value: Any, path: Path, run: Run) -> Any:
        if type(value) is not float and type(value) is not int:
            return _fail(value, path, run, "number", nullable)
        _test(tests, value, path, run)
        return value

    return check


def _int_or_string(schema: Mapping[str, Any], common: list[Test], nullable: bool) -> Check:
    # `anyOf: [integer, string]` says the same once more; only further constraints are worth a test.
    strings, numbers = string_tests(schema), number_tests(schema)

    def check(value: Any, path: Path, run: Run) -> Any:
        if type(value) is str:
            _test(strings, value, path, run)
        elif type(value) is int:
            _test(numbers, value, path, run)
        else:
            return _fail(value, path, run, "integer,string", nullable)
        _test(common, value, path, run)
        return value

    return check


def _untyped(schema: Mapping[str, Any], common: list[Test]) -> Check:
    """No type: keywords apply to the values that they are about, anything passes otherwise."""
    by_type: dict[type, list[Test]] = {
        str: string_tests(schema),
        int: number_tests(schema),
        float: number_tests(schema),
        list: array_tests(schema),
        dict: object_tests(schema),
    }

    def check(value: Any, path: Path, run: Run) -> Any:
        _test(common, value, path, run)
        _test(by_type.get(type(value), []), value, path, run)
        return value

    return check


def _array(schema: Mapping[str, Any], common: list[Test], nullable: bool, prune: bool, depth: int) -> Check:
    items = schema.get("items")
    item = compile_node(items, prune=prune, depth=depth + 1) if isinstance(items, dict) else None
    tests = common + array_tests(schema)
    inner = list_check(schema, item)
    typed = "type" in schema

    def check(value: Any, path: Path, run: Run) -> Any:
        if type(value) is not list:
            return _fail(value, path, run, "array", nullable) if typed else value
        result = inner(value, path, run)
        _test(tests, result, path, run)
        return result

    return check


@dataclass(frozen=True, slots=True)
class _Members:
    """The fields of an object node, compiled."""

    checks: dict[str, Check]
    #: Fields of which the type is all there is to check.
    plain: dict[str, type]
    defaults: dict[str, Any]
    #: Where an explicit null is as good as absent: null is no value there.
    null_is_absent: frozenset[str]
    required: tuple[str, ...]
    other: Check | None
    keep_unknown: bool
    #: The same for fields that only additionalProperties describes.
    other_null_is_absent: bool

    def finish(self, value: Any, result: Any, path: Path, run: Run) -> Any:
        """Fills in defaults and refuses what is missing."""
        for name, default in self.defaults.items():
            if name not in result:
                result = dict(value) if result is value else result
                result[name] = default
        for name in self.required:
            if name not in result:
                run.refuse(path, fielderror.required((path, name)))
        return result

    def stray(self, name: str, old: Any, path: Path, run: Run) -> bool:
        """Whether a field without a check, or without a value, must go."""
        if old is None and (name in self.null_is_absent or (self.other_null_is_absent and name not in self.checks)):
            return True
        if self.keep_unknown or name in self.checks:
            return False
        run.unknown.append((path, name, self.checks.keys()))
        return True


def _members(schema: Mapping[str, Any], prune: bool, depth: int) -> _Members:
    properties = schema.get("properties") or {}
    checks = {n: compile_node(s, prune=prune, depth=depth + 1) for n, s in properties.items()}
    # A default is itself defaulted by what lies below it; all objects that get it share it.
    with_default = {n: s for n, s in properties.items() if prune and s.get("default") is not None}
    other = _additional(schema, prune, depth)
    additional = schema.get("additionalProperties")
    additional = additional if isinstance(additional, dict) else {}
    return _Members(
        checks=checks,
        plain={n: c.plain_type for n, c in checks.items() if hasattr(c, "plain_type")},
        defaults={n: checks[n](s["default"], None, Run()) for n, s in with_default.items()},
        null_is_absent=frozenset(n for n, s in properties.items() if prune and not s.get("nullable")),
        required=tuple(schema.get("required") or ()),
        other=other,
        keep_unknown=not prune or bool(schema.get(_PRESERVE)) or other is not None,
        other_null_is_absent=prune and bool(additional) and not additional.get("nullable"),
    )


def _object(schema: Mapping[str, Any], common: list[Test], nullable: bool, prune: bool, depth: int) -> Check:
    members = _members(schema, prune, depth)
    checks, plain, other, finish, stray = members.checks, members.plain, members.other, members.finish, members.stray
    # The values of a map of texts are most of what there is to check.
    plain_other = None if checks else getattr(other, "plain_type", None)
    finishes = bool(members.defaults or members.required)
    tests = common + object_tests(schema)
    typed = "type" in schema

    def check(value: Any, path: Path, run: Run) -> Any:
        if type(value) is not dict:
            return _fail(value, path, run, "object", nullable) if typed else value
        result = value
        for name, old in value.items():
            if plain.get(name, plain_other) is type(old):
                continue
            inner = checks.get(name, other)
            if (inner is None or old is None) and stray(name, old, path, run):
                result = dict(value) if result is value else result
                del result[name]
            elif inner is not None and (new := inner(old, (path, name), run)) is not old:
                result = dict(value) if result is value else result
                result[name] = new
        if finishes:
            result = finish(value, result, path, run)
        if tests:
            _test(tests, result, path, run)
        return result

    return check


def _additional(schema: Mapping[str, Any], prune: bool, depth: int) -> Check | None:
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        return compile_node(additional, prune=prune, depth=depth + 1)
    if additional is True:
        return lambda value, _path, _run: value
    return None
