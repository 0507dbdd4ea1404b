"""Fields by their path: reading through holes, replacing without touching the original."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.rules.causes import forbidden_value, invalid_value, required_value
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_entry, with_value

OBJ: dict[str, Any] = {"spec": {"template": {"version": "v1"}, "gone": None, "list": [1]}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.template.version", "v1"),
        ("spec.gone", None),
        ("spec.gone.deeper", None),
        ("spec.list.first", None),
        ("status", None),
    ],
)
def test_value_at(path: str, value: Any) -> None:
    assert value_at(OBJ, path) == value


def test_typed_reads_have_an_empty_answer() -> None:
    assert text_at(OBJ, "spec.list") == ""
    assert mapping_at(OBJ, "spec.list") == {}
    assert mapping_at(None, "spec") == {}


def test_with_value_makes_the_way_and_shares_the_rest() -> None:
    changed = with_value(OBJ, "spec.gone.new", 3)
    assert changed["spec"]["gone"] == {"new": 3}
    assert OBJ["spec"]["gone"] is None
    assert changed["spec"]["template"] is OBJ["spec"]["template"]


def test_with_entry_takes_keys_with_dots() -> None:
    labelled = with_entry({}, "metadata.labels", "a.b/c", "d")
    assert labelled == {"metadata": {"labels": {"a.b/c": "d"}}}
    assert with_entry(labelled, "metadata.labels", "a.b/c", "d") == labelled


def test_causes_speak_as_kubernetes_does() -> None:
    assert invalid_value("spec.a", 'x"', "why").message == 'Invalid value: "x\\"": why'
    assert required_value("spec.a", "why").message == "Required value: why"
    assert forbidden_value("spec.a", "why").reason == "FieldValueForbidden"
