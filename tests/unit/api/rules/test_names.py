"""Derived names: distinct for ever, the same when asked twice, valid where they go."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.api.rules.names import (
    NAMED_ANNOTATION,
    SUFFIX_ALPHABET,
    NameTemplateError,
    counted,
    derived_name,
    fnv32a,
    free_counters,
    must_format_value,
    render_name,
    suffix,
)


@pytest.mark.parametrize(("text", "expected"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_fnv32a_of_the_published_vectors(text: str, expected: int) -> None:
    assert fnv32a(text.encode()) == expected


@pytest.mark.parametrize(
    ("name", "valid"),
    [("web", True), ("a.b_c-d", True), ("", True), ("-web", False), ("x" * 63, True), ("x" * 64, False)],
)
def test_label_values_stay_or_are_hashed(name: str, valid: bool) -> None:
    formatted = must_format_value(name)
    assert (formatted == name) is valid
    assert len(formatted) <= 63
    if not valid:
        assert formatted.startswith("hash_")
        assert formatted.endswith("_z")


def test_a_long_name_has_upstreams_hash() -> None:
    assert must_format_value("machineSetName" * 12) == "hash_FR_ghQ_z"


@given(st.text(max_size=40))
def test_no_two_counters_share_a_suffix(uid: str) -> None:
    drawn = [suffix(uid, counter) for counter in range(500)]
    assert len(set(drawn)) == 500
    assert all(len(s) == 5 and set(s) <= set(SUFFIX_ALPHABET) for s in drawn)


def test_names_are_cut_to_a_label() -> None:
    name = derived_name("x" * 80, "uid", 0)
    assert len(name) == 63
    assert name.endswith(suffix("uid", 0))
    assert derived_name("web", "uid", 0) == f"web-{suffix('uid', 0)}"


def test_counters_go_on_from_the_kept_one_and_skip_what_exists() -> None:
    taken = [f"web-{suffix('uid', 4)}"]
    assert list(islice(free_counters({NAMED_ANNOTATION: "3"}, "uid", taken), 3)) == [3, 5, 6]
    assert next(free_counters({NAMED_ANNOTATION: "nonsense"}, "uid", ())) == 0


def test_children_that_were_not_counted_are_counted() -> None:
    names = [f"web-{suffix('uid', number)}" for number in (0, 1)]
    behind = {NAMED_ANNOTATION: "1", "other": "kept"}
    assert counted(behind, "uid", names) == {NAMED_ANNOTATION: "2", "other": "kept"}
    assert counted({}, "uid", names) == {NAMED_ANNOTATION: "2"}
    up_to_date = {NAMED_ANNOTATION: "7"}
    assert counted(up_to_date, "uid", names) is up_to_date
    nothing: dict[str, str] = {}
    assert counted(nothing, "uid", ()) is nothing


VALUES = {"machineSet.name": "pool", "random": "bcdfg", "cluster.name": "home"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ .machineSet.name }}-{{ .random }}", "pool-bcdfg"),
        ("{{.cluster.name}}-{{.random}}", "home-bcdfg"),
        ("x" * 70 + "{{ .random }}", "x" * 58 + "bcdfg"),
        ("0" * 64, "0" * 58 + "bcdfg"),
        ("0" * 63, "0" * 63),
    ],
)
def test_naming_templates(template: str, expected: str) -> None:
    assert render_name(template, VALUES) == expected


@pytest.mark.parametrize("template", ["{{ .node.name }}", "{{ if .random }}x{{ end }}", "hard-{{ .node"])
def test_naming_templates_that_cannot_be_followed_say_so(template: str) -> None:
    with pytest.raises(NameTemplateError, match="naming template"):
        render_name(template, VALUES)
