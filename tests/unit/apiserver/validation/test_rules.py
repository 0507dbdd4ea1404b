"""Rules, old values and ratcheting."""

from __future__ import annotations

from tests.unit.apiserver.validation.checks import applied, messages


def test_rules_of_a_transition_need_an_old_value() -> None:
    schema = {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "fixed"}]}
    assert messages(schema, "a") == []
    assert messages(schema, "a", "a") == []
    assert messages(schema, "b", "a") == ['spec.v: Invalid value: "b": fixed']


def test_items_of_map_lists_keep_their_identity() -> None:
    schema = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["n"],
        "items": {
            "type": "object",
            "properties": {"n": {"type": "string"}, "v": {"type": "integer"}},
            "x-kubernetes-validations": [{"rule": "self.v >= oldSelf.v", "message": "only up"}],
        },
    }
    old = [{"n": "a", "v": 1}, {"n": "b", "v": 5}]
    assert messages(schema, [{"n": "b", "v": 6}, {"n": "c", "v": 0}], old) == []
    assert messages(schema, [{"n": "b", "v": 4}], old) == ["spec.v[0]: Invalid value: only up"]


def test_what_was_wrong_before_and_did_not_change_is_let_through() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "maxLength": 2},
            "b": {"type": "integer"},
            "l": {"type": "array", "items": {"type": "string", "maxLength": 2}},
            "r": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 0"}]},
        },
    }
    old = {"a": "long", "b": 1, "l": ["long"], "r": 0}
    assert applied(schema, {**old, "b": 2}, old).causes == ()
    assert [
        c.field for c in applied(schema, {**old, "a": "longer", "l": ["long", "x"]}, old).causes if c.field[0] != "<"
    ] == [
        "spec.a",
        "spec.l[0]",
    ]


def test_rules_wait_for_a_valid_object() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 3"}]},
        },
    }
    causes = applied(schema, {"a": 1, "b": 1}).causes
    assert [c.field for c in causes] == ["spec.a", "<nil>"]


def test_rules_cannot_be_made_to_run_for_long() -> None:
    rule = {"rule": "self.all(x, self.exists_one(y, x == y))"}
    schema = {"type": "array", "items": {"type": "integer"}, "x-kubernetes-validations": [rule]}
    (message,) = messages(schema, list(range(50_000)))
    assert "call cost exceeds limit" in message
