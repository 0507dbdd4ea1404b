"""Versions in order, selectors as text and as a test."""

from __future__ import annotations

import pytest

from capstan.api.meta import LabelSelector, LabelSelectorRequirement
from capstan.api.rules.replicas import count_versions, minor_version, selector_text, selects


def test_versions_are_summed_and_sorted() -> None:
    found = count_versions([("v1.34.0", 1), ("v1.9.0", 2), ("v1.34.0", 1), ("", 5), ("v1.34.0-rc.1", 1)])
    assert found == (("v1.9.0", 2), ("v1.34.0-rc.1", 1), ("v1.34.0", 2))


@pytest.mark.parametrize(("version", "expected"), [("v1.34.1", (1, 34)), ("1.9.0", (1, 9)), ("main", None), ("", None)])
def test_minor_version(version: str, expected: object) -> None:
    assert minor_version(version) == expected


def expression(operator: str, *values: str) -> LabelSelector:
    return LabelSelector(match_expressions=(LabelSelectorRequirement(key="k", operator=operator, values=values),))


@pytest.mark.parametrize(
    ("selector", "labels", "text", "taken"),
    [
        (LabelSelector(), {"k": "a"}, "", False),
        (LabelSelector(match_labels={"k": "a"}), {"k": "a", "z": ""}, "k=a", True),
        (LabelSelector(match_labels={"k": "a"}), {"k": "b"}, "k=a", False),
        (expression("In", "b", "a"), {"k": "a"}, "k in (a,b)", True),
        (expression("NotIn", "a"), {"k": "a"}, "k notin (a)", False),
        (expression("NotIn", "a"), {}, "k notin (a)", True),
        (expression("Exists"), {"k": ""}, "k", True),
        (expression("DoesNotExist"), {"k": ""}, "!k", False),
    ],
)
def test_selectors(selector: LabelSelector, labels: dict[str, str], text: str, taken: bool) -> None:
    assert selector_text(selector) == text
    assert selects(selector, labels) is taken
