"""Schemas as types, JSON as values."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.apiserver.cel import CelError, CelEvaluationError, Environment, escape, schema_type, value_of

METADATA = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "n", "labels": {"a": "b"}}}


def evaluated(schema: dict[str, Any], value: Any, rule: str, *, root: bool = False) -> Any:
    declared = schema_type(schema, root=root)
    assert declared is not None
    return Environment({"self": declared}).compile(rule).evaluate({"self": value_of(declared, value)})


def thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


TEXT, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}
KEYED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": thing(k=TEXT, v=INTEGER),
}
SET = {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT}


@pytest.mark.parametrize(
    ("schema", "value", "rule"),
    [
        (thing(a=INTEGER), {"a": 1}, "self.a == 1"),
        (thing(a=NUMBER), {"a": 3}, "self.a / 2.0 == 1.5"),
        (thing(a=NUMBER), {"a": 3}, "type(self.a) == double"),
        (thing(a={**TEXT, "format": "byte"}), {"a": "aGk="}, "self.a == b'hi'"),
        (thing(a={**TEXT, "format": "date-time"}), {"a": "2020-01-02T03:04:05+01:00"}, "self.a.getHours() == 2"),
        (thing(a={**TEXT, "format": "date"}), {"a": "2020-01-02"}, "self.a.getDate() == 2"),
        (thing(a={**TEXT, "format": "duration"}), {"a": "1h30m"}, "self.a > duration('1h')"),
        (thing(a={"x-kubernetes-int-or-string": True}), {"a": 5}, "type(self.a) == int && self.a == 5"),
        (thing(a={"x-kubernetes-int-or-string": True}), {"a": "5%"}, "type(self.a) == string && self.a == '5%'"),
        (thing(a={**TEXT, "nullable": True}), {"a": None}, "!has(self.a)"),
        (thing(a={**TEXT, "nullable": True}), {"a": None}, "!self.?a.hasValue()"),
        (thing(**{"x-y": INTEGER}), {"x-y": 1}, "self.x__dash__y == 1 && has(self.x__dash__y)"),
        (thing(**{"a.b/c__d": INTEGER}), {"a.b/c__d": 1}, "self.a__dot__b__slash__c__underscores__d == 1"),
        (thing(**{"namespace": INTEGER, "in": INTEGER}), {"namespace": 1, "in": 2}, "self.__namespace__ < self.__in__"),
        (thing(a=thing(b=NUMBER)), {"a": {"b": 1}}, "self.a.b == 1.0"),
        (thing(a=thing(b=NUMBER)), {"a": {"b": 1}}, "self == self && self.a == self.a"),
        (
            thing(m={"type": "object", "additionalProperties": NUMBER}),
            {"m": {"k": 1}},
            "self.m.all(k, self.m[k] > 0.5)",
        ),
        (thing(m={"type": "object", "additionalProperties": TEXT}), {"m": {"a.b": "c"}}, "self.m['a.b'] == 'c'"),
        (thing(l={"type": "array", "items": NUMBER}), {"l": [1, 2]}, "self.l.sum() == 3.0"),
        (
            thing(a=KEYED, b=KEYED),
            {"a": [{"k": "x"}, {"k": "y"}], "b": [{"k": "y"}, {"k": "x"}]},
            "dyn(self.a) == self.b",
        ),
        (
            thing(a=KEYED, b=KEYED),
            {"a": [{"k": "x", "v": 1}, {"k": "y", "v": 1}], "b": [{"k": "z", "v": 1}, {"k": "x", "v": 2}]},
            "(self.a + dyn(self.b)).map(i, i.k + string(i.v)) == ['x2', 'y1', 'z1']",
        ),
        (thing(a=SET, b=SET), {"a": ["x", "y"], "b": ["y", "x"]}, "self.a == self.b"),
        (thing(a=SET, b=SET), {"a": ["x", "y"], "b": ["z", "x"]}, "(self.a + self.b).join() == 'xyz'"),
        (
            thing(e={"type": "object", "x-kubernetes-embedded-resource": True}),
            {"e": METADATA},
            "self.e.kind == 'Thing'",
        ),
        (
            thing(e={"type": "object", "x-kubernetes-embedded-resource": True}),
            {"e": METADATA},
            "self.e.metadata.name == 'n'",
        ),
        ({"type": "array", "items": INTEGER}, [1, 2], "self[1] == 2"),
        (TEXT, "été", "self.size() == 3"),
    ],
)
def test_a_value_of_a_schema(schema: dict[str, Any], value: Any, rule: str) -> None:
    assert evaluated(schema, value, rule) is True


def test_the_root_of_a_resource_has_its_metadata() -> None:
    assert evaluated(thing(spec=thing()), METADATA, "self.metadata.name == 'n' && self.kind == 'Thing'", root=True)
    with pytest.raises(CelError, match="undefined field 'labels'"):
        evaluated(thing(), METADATA, "self.metadata.labels == {}", root=True)


@pytest.mark.parametrize(
    "schema",
    [{"x-kubernetes-preserve-unknown-fields": True}, {"type": "array", "items": {}}, {"type": "array"}, {}],
)
def test_what_has_no_schema_cannot_be_seen(schema: dict[str, Any]) -> None:
    assert schema_type(schema) is None
    with pytest.raises(CelError, match="undefined field 'a'"):
        evaluated(thing(a=schema), {}, "has(self.a)")


def test_unknown_fields_that_are_kept_count_in_comparisons() -> None:
    schema = {"type": "object", "properties": {"old": thing(a=TEXT), "new": thing(a=TEXT)}}
    assert evaluated(schema, {"old": {"z": 1}, "new": {"z": 2}}, "dyn(self.old) != self.new")


def test_a_field_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CelEvaluationError, match="no such key: a"):
        evaluated(thing(a=TEXT), {}, "self.a == ''")


def test_a_wrong_value_is_an_error_and_no_crash() -> None:
    for value in ({"a": "x"}, {"a": [1]}, {"a": {"b": 1}}, 5, "text", [1]):
        with pytest.raises(CelEvaluationError):
            evaluated(thing(a=INTEGER), value, "self.a - 1 == 0")


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("plain", "plain"),
        ("a-b", "a__dash__b"),
        ("a.b", "a__dot__b"),
        ("a/b", "a__slash__b"),
        ("a__b", "a__underscores__b"),
        ("while", "__while__"),
        ("int", "int"),
        ("$ref", None),
        ("1st", None),
        ("a b", None),
    ],
)
def test_names_are_escaped(name: str, escaped: str | None) -> None:
    assert escape(name) == escaped
