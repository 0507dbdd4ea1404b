"""Types, keywords and formats, with their messages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.apiserver.validation.checks import messages


@pytest.mark.parametrize(
    ("schema", "good", "bad", "message"),
    [
        (
            {"type": "integer"},
            3,
            "3",
            'spec.v: Invalid value: "string": spec.v in body must be of type integer: "string"',
        ),
        (
            {"type": "integer"},
            3.0,
            3.5,
            'spec.v: Invalid value: "number": spec.v in body must be of type integer: "number"',
        ),
        (
            {"type": "integer"},
            3,
            True,
            'spec.v: Invalid value: "boolean": spec.v in body must be of type integer: "boolean"',
        ),
        (
            {"type": "array", "items": {"type": "string"}},
            ["x"],
            [None],
            'spec.v[0]: Invalid value: "null": spec.v[0] in body must be of type string: "null"',
        ),
        (
            {"type": "boolean"},
            True,
            1,
            'spec.v: Invalid value: "integer": spec.v in body must be of type boolean: "integer"',
        ),
        (
            {"type": "number"},
            1,
            "1",
            'spec.v: Invalid value: "string": spec.v in body must be of type number: "string"',
        ),
        ({"type": "array"}, [], {}, 'spec.v: Invalid value: "object": spec.v in body must be of type array: "object"'),
        ({"type": "object"}, {}, [], 'spec.v: Invalid value: "array": spec.v in body must be of type object: "array"'),
        (
            {"type": "string", "enum": ["a", "b"]},
            "a",
            "x",
            'spec.v: Unsupported value: "x": supported values: "a", "b"',
        ),
        ({"type": "string", "maxLength": 3}, "abc", "abcd", "spec.v: Too long: may not be more than 3 bytes"),
        (
            {"type": "string", "minLength": 1},
            "a",
            "",
            'spec.v: Invalid value: "": spec.v in body should be at least 1 chars long',
        ),
        (
            {"type": "string", "pattern": "^a+$"},
            "aa",
            "b",
            "spec.v: Invalid value: \"b\": spec.v in body should match '^a+$'",
        ),
        (
            {"type": "string", "format": "date-time"},
            "2026-01-01T00:00:00Z",
            "x",
            'spec.v: Invalid value: "x": spec.v in body must be of type date-time: "x": '
            "write it as in 2026-01-31T08:30:00Z",
        ),
        (
            {"type": "integer", "format": "int32"},
            5,
            2**40,
            "spec.v: Invalid value: 1099511627776: spec.v in body must be of type int32: 1099511627776",
        ),
        (
            {"type": "integer", "minimum": 1},
            1,
            0,
            "spec.v: Invalid value: 0: spec.v in body should be greater than or equal to 1",
        ),
        (
            {"type": "integer", "maximum": 5, "exclusiveMaximum": True},
            4,
            5,
            "spec.v: Invalid value: 5: spec.v in body should be less than 5",
        ),
        (
            {"type": "integer", "multipleOf": 8},
            16,
            12,
            "spec.v: Invalid value: 12: spec.v in body should be a multiple of 8",
        ),
        ({"type": "array", "maxItems": 1}, [1], [1, 2], "spec.v: Too many: 2: must have at most 1 items"),
        (
            {"type": "array", "minItems": 1},
            [1],
            [],
            "spec.v: Invalid value: []: spec.v in body should have at least 1 items",
        ),
        (
            {"type": "object", "minProperties": 1, "x-kubernetes-preserve-unknown-fields": True},
            {"a": 1},
            {},
            "spec.v: Invalid value: {}: spec.v in body should have at least 1 properties",
        ),
        ({"type": "object", "required": ["a"], "properties": {"a": {}}}, {"a": 1}, {}, "spec.v.a: Required value"),
        (
            {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            "1",
            [],
            'spec.v: Invalid value: "array": spec.v in body must be of type integer,string: "array"',
        ),
        (
            {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            ["a", "b"],
            ["a", "a"],
            'spec.v[1]: Duplicate value: "a"',
        ),
        (
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "properties": {"name": {"type": "string"}}},
            },
            [{"name": "a"}, {"name": "b"}],
            [{"name": "a"}, {"name": "a"}],
            'spec.v[1]: Duplicate value: {"name":"a"}',
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
            },
            {"a": ""},
            {},
            'spec.v: Invalid value: "": "spec.v" must validate one and only one schema (oneOf). Found none valid',
        ),
        (
            {"type": "string", "not": {"enum": ["root"]}},
            "x",
            "root",
            'spec.v: Invalid value: "": "spec.v" must not validate the schema (not)',
        ),
        (
            {"type": "string", "x-kubernetes-validations": [{"rule": "self != 'no'", "message": "never no"}]},
            "x",
            "no",
            'spec.v: Invalid value: "no": never no',
        ),
        (
            {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 3"}]},
            4,
            3,
            "spec.v: Invalid value: 3: failed rule: self > 3",
        ),
        (
            {
                "type": "string",
                "x-kubernetes-validations": [{"rule": "self.size() > 2", "messageExpression": "'not ' + self"}],
            },
            "abc",
            "x",
            'spec.v: Invalid value: "x": not x',
        ),
    ],
)
def test_keywords_and_their_messages(schema: dict[str, Any], good: Any, bad: Any, message: str) -> None:
    assert messages(schema, good) == []
    assert messages(schema, bad) == [message]


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("byte", "YWI=", "YWI"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("date", "2026-02-28", "2026-02-30"),
        ("date-time", "2026-01-01T00:00:00.5+02:00", "2026-13-01T00:00:00Z"),
        ("duration", "1h2m", "1 hour"),
        ("email", "a@b.c", "a"),
        ("hostname", "a.b", "a_b"),
        ("ipv4", "10.0.0.1", "::1"),
        ("ipv6", "::1", "10.0.0.1"),
        ("mac", "00:11:22:33:44:55", "00:11"),
        ("uri", "https://x/y", "x y"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123"),
        ("unknown-format", "anything", None),
    ],
)
def test_formats(format_: str, good: str, bad: str | None) -> None:
    schema = {"type": "string", "format": format_}
    assert messages(schema, good) == []
    if bad is not None:
        assert len(messages(schema, bad)) == 1


def test_misspelt_base64_is_not_repeated() -> None:
    (message,) = messages({"type": "string", "format": "byte"}, "canary")
    assert "canary" not in message


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("isbn", "978-0321751041", "978-0321751042"),
        ("isbn10", "0321751043", "978-0321751041"),
        ("isbn13", "978-0321751041", "0321751043"),
        ("creditcard", "4111-1111-1111-1111", "1234"),
        ("ssn", "123-45-6789", "12-345-678"),
        ("hexcolor", "#FFFFFF", "#GGG"),
        ("rgbcolor", "rgb(255, 0, 1)", "rgb(256,0,1)"),
        ("bsonobjectid", "507f1f77bcf86cd799439011", "x"),
        ("uuid4", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "f47ac10b-58cc-4372-c567-0e02b2c3d479"),
        ("date-time", "2026-01-01T00:00:00Z", "2026-01-01"),
        ("k8s-short-name", "a-b", "A.b"),
    ],
)
def test_formats_that_few_know(name: str, good: str, bad: str) -> None:
    schema = {"type": "string", "format": name}
    assert messages(schema, good) == []
    assert [m.partition(":")[0] for m in messages(schema, bad)] == ["spec.v"]
