"""The value keywords of a schema (enum, lengths, patterns, bounds, formats) as one list of tests per node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import re2

from capstan.api.errors import FieldCause
from capstan.api.rules.jsonpatch import json_equal
from capstan.apiserver.validation import fielderror
from capstan.apiserver.validation.fielderror import Path
from capstan.apiserver.validation.formats import INTEGERS, format_of
from capstan.apiserver.validation.plainwords import pattern_words

#: Gives the refusal of a value, or None.
Test = Callable[[Any, Path], FieldCause | None]

# A pattern that needs more memory than this is refused when the schema is compiled.
_MAX_PATTERN_MEMORY = 8 << 20


class SchemaError(ValueError):
    """A schema that cannot be compiled: which part, and why."""


def number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)


def compile_pattern(pattern: str) -> Callable[[str], Any]:
    """A search that is truthy where RE2 finds the pattern. Errors: SchemaError for what RE2 does not know
    (look-around, back references)."""
    options = re2.Options()
    options.max_mem = _MAX_PATTERN_MEMORY
    options.log_errors = False
    # A set of one answers yes or no five times faster than a match object is made.
    single = re2.Set.SearchSet(options)
    try:
        single.Add(pattern)
        single.Compile()
    except re2.error as error:
        raise SchemaError(f"pattern {pattern!r} is not a valid RE2 expression: {error}") from None
    search: Callable[[str], Any] = single.Match
    return search


def string_tests(schema: Mapping[str, Any]) -> list[Test]:
    tests: list[Test] = []
    if "maxLength" in schema:
        tests.append(_max_length(int(schema["maxLength"])))
    if schema.get("minLength"):
        tests.append(_min_length(int(schema["minLength"])))
    if schema.get("pattern"):
        tests.append(_pattern(schema["pattern"]))
    check = format_of(str(schema.get("format") or ""))
    if check is not None:
        tests.append(_format(schema["format"], check))
    return tests


def number_tests(schema: Mapping[str, Any]) -> list[Test]:
    tests: list[Test] = []
    if schema.get("format") in INTEGERS:
        tests.append(_integer_format(schema["format"]))
    if "maximum" in schema:
        tests.append(_maximum(schema["maximum"], bool(schema.get("exclusiveMaximum"))))
    if "minimum" in schema:
        tests.append(_minimum(schema["minimum"], bool(schema.get("exclusiveMinimum"))))
    if schema.get("multipleOf"):
        tests.append(_multiple(schema["multipleOf"]))
    return tests


def array_tests(schema: Mapping[str, Any]) -> list[Test]:
    tests: list[Test] = []
    if "maxItems" in schema:
        tests.append(_max_size(int(schema["maxItems"])))
    if schema.get("minItems"):
        tests.append(_min_size(int(schema["minItems"]), "items"))
    return tests


def object_tests(schema: Mapping[str, Any]) -> list[Test]:
    tests: list[Test] = []
    if "maxProperties" in schema:
        tests.append(_max_size(int(schema["maxProperties"])))
    if schema.get("minProperties"):
        tests.append(_min_size(int(schema["minProperties"]), "properties"))
    return tests


def enum_test(allowed: list[Any]) -> Test:
    """The value must be one of `allowed`; strings, the usual case, by set."""
    if all(isinstance(value, str) for value in allowed):
        strings = frozenset(allowed)

        def test_string(value: Any, path: Path) -> FieldCause | None:
            if isinstance(value, str) and value in strings:
                return None
            return fielderror.not_supported(path, value, allowed)

        return test_string

    def test(value: Any, path: Path) -> FieldCause | None:
        if any(json_equal(value, option) for option in allowed):
            return None
        return fielderror.not_supported(path, value, allowed)

    return test


def _max_length(limit: int) -> Test:
    return lambda value, path: fielderror.too_long(path, limit) if len(value) > limit else None


def _min_length(limit: int) -> Test:
    rule = f"should be at least {limit} chars long"
    return lambda value, path: fielderror.in_body(path, value, rule) if len(value) < limit else None


def _pattern(pattern: str) -> Test:
    search = compile_pattern(pattern)
    words = pattern_words(pattern)
    rule = f"should match '{pattern}'" + (f": {words}" if words else "")
    return lambda value, path: None if search(value) else fielderror.in_body(path, value, rule)


def _format(name: str, has_format: Callable[[str], bool]) -> Test:
    return lambda value, path: None if has_format(value) else fielderror.wrong_format(path, name, value)


def _integer_format(name: str) -> Test:
    low, high = INTEGERS[name]
    return lambda value, path: None if low <= value <= high else fielderror.wrong_format(path, name, value)


def _maximum(limit: float, exclusive: bool) -> Test:
    if exclusive:
        below = f"should be less than {number_text(limit)}"
        return lambda value, path: None if value < limit else fielderror.in_body(path, value, below)
    rule = f"should be less than or equal to {number_text(limit)}"
    return lambda value, path: None if value <= limit else fielderror.in_body(path, value, rule)


def _minimum(limit: float, exclusive: bool) -> Test:
    if exclusive:
        above = f"should be greater than {number_text(limit)}"
        return lambda value, path: None if value > limit else fielderror.in_body(path, value, above)
    rule = f"should be greater than or equal to {number_text(limit)}"
    return lambda value, path: None if value >= limit else fielderror.in_body(path, value, rule)


def _multiple(factor: float) -> Test:
    rule = f"should be a multiple of {number_text(factor)}"

    def test(value: Any, path: Path) -> FieldCause | None:
        quotient = value / factor
        return None if quotient == int(quotient) else fielderror.in_body(path, value, rule)

    return test


def _max_size(limit: int) -> Test:
    return lambda value, path: fielderror.too_many(path, len(value), limit) if len(value) > limit else None


def _min_size(limit: int, what: str) -> Test:
    rule = f"should have at least {limit} {what}"
    return lambda value, path: fielderror.in_body(path, value, rule) if len(value) < limit else None
