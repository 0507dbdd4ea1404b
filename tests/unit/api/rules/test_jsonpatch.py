"""RFC 6902 and 7386 against the published cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from capstan.api.rules.jsonpatch import (
    PatchError,
    apply_json_patch,
    format_pointer,
    json_equal,
    parse_pointer,
)
from capstan.api.rules.mergepatch import merge_patch

CASES = Path(__file__).parents[5] / "shared" / "data" / "json-patch"


def published() -> list[dict[str, Any]]:
    if not CASES.is_dir():
        return []
    cases = [case for name in ("tests.json", "spec_tests.json") for case in json.loads((CASES / name).read_text())]
    return [case for case in cases if "patch" in case and not case.get("disabled")]


def test_the_published_cases() -> None:
    cases = published()
    if not cases:
        pytest.skip(f"the JSON patch cases are not at {CASES.name}")
    for case in cases:
        before = json.dumps(case["doc"])
        if "error" in case:
            with pytest.raises(PatchError):
                apply_json_patch(case["doc"], case["patch"])
        else:
            result = apply_json_patch(case["doc"], case["patch"])
            assert json_equal(result, case.get("expected", result)), case
        assert json.dumps(case["doc"]) == before, "the argument was changed"
    assert len(cases) >= 100


def test_an_error_names_the_operation_and_the_pointer() -> None:
    with pytest.raises(PatchError) as raised:
        apply_json_patch({"a": {}}, [{"op": "add", "path": "/a/b", "value": 1}, {"op": "remove", "path": "/a/c/d"}])
    assert str(raised.value) == "operation 1: /a/c/d: there is no 'c'"
    assert (raised.value.index, raised.value.pointer, raised.value.test_failed) == (1, "/a/c/d", False)


def test_a_failed_test_is_told_apart() -> None:
    with pytest.raises(PatchError) as raised:
        apply_json_patch({"a": 1}, [{"op": "test", "path": "/a", "value": True}])
    assert raised.value.test_failed


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [  # RFC 7386, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"a": "foo"}, None, None),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ],
)
def test_merge_patch(document: Any, patch: Any, expected: Any) -> None:
    assert merge_patch(document, patch) == expected


def test_pointers_round_trip() -> None:
    assert parse_pointer("/a~1b/~0c/") == ("a/b", "~c", "")
    assert format_pointer(("a/b", "~c", "")) == "/a~1b/~0c/"
