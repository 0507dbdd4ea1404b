"""Label selectors: every operator, on labels that are there with a value, with another, and not at all."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.rules.selectors import selects


@pytest.mark.parametrize(
    ("operator", "values", "selected"),
    [
        ("In", ["a", "b"], {"a"}),
        ("NotIn", ["a", "b"], {"c", ""}),
        ("Exists", [], {"a", "c"}),
        ("DoesNotExist", [], {""}),
        ("Like", ["a"], set()),
    ],
)
def test_expressions(operator: str, values: list[str], selected: set[str]) -> None:
    selector = {"matchExpressions": [{"key": "tier", "operator": operator, "values": values}]}
    found = {tier for tier in ("a", "c", "") if selects(selector, {"tier": tier} if tier else {"other": "a"})}
    assert found == selected


@pytest.mark.parametrize("selector", [None, {}, {"matchLabels": None}, {"matchExpressions": []}])
def test_a_selector_that_says_nothing_selects_all(selector: Any) -> None:
    assert selects(selector, {}) and selects(selector, {"a": "1"})


def test_all_parts_have_to_hold() -> None:
    selector = {"matchLabels": {"a": "1", "b": "2"}, "matchExpressions": [{"key": "c", "operator": "Exists"}]}
    assert selects(selector, {"a": "1", "b": "2", "c": ""})
    assert not selects(selector, {"a": "1", "b": "2"})
    assert not selects(selector, {"a": "1", "b": "3", "c": ""})
    assert not selects(selector, {"a": "1", "c": ""})
