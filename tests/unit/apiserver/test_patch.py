"""PATCH: JSON patch by its public test suite, merge patch by RFC 7386, strategic patch by its directives."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.rules.jsonpatch import json_equal
from capstan.api.rules.mergepatch import merge_patch
from capstan.apiserver.patch import apply_patch
from capstan.apiserver.patch.jsonpatch import apply_json_patch

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "json-patch"


def _cases() -> list[dict[str, Any]]:
    if not DATA.is_dir():
        return []
    found = [case for name in ("tests.json", "spec_tests.json") for case in json.loads((DATA / name).read_text())]
    return [case for case in found if not case.get("disabled") and "patch" in case]


def test_every_json_patch_case() -> None:
    cases = _cases()
    if not cases:
        pytest.skip(f"no JSON patch cases at {DATA}")
    assert len(cases) == 108
    for case in cases:
        before = copy.deepcopy(case["doc"])
        try:
            result = apply_json_patch(case["doc"], case["patch"])
        except ApiError as refused:
            assert "error" in case, (case, refused.message)
            assert refused.code in (400, 422)
        else:
            assert "error" not in case, case
            assert json_equal(result, case.get("expected", result)), case
        assert json_equal(case["doc"], before), case


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_of_rfc_7386(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def _refusal(kind: Any, current: Any, patch: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        apply_patch(kind, current, patch, None)
    return caught.value


OBJECT = {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {
        "name": "sa",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"a": "1"},
        "finalizers": ["x/one", "x/two"],
        "ownerReferences": [{"uid": "u1", "name": "n1"}, {"uid": "u2", "name": "n2"}],
    },
    "secrets": [{"name": "s1"}, {"name": "s2"}],
}


def test_a_merge_patch_shares_what_it_does_not_touch() -> None:
    before = copy.deepcopy(OBJECT)
    result = apply_patch("merge", OBJECT, {"metadata": {"labels": {"b": "2"}}}, None)
    assert before == OBJECT
    assert result["metadata"]["labels"] == {"a": "1", "b": "2"}
    assert result["secrets"] is OBJECT["secrets"]
    assert apply_patch("merge", OBJECT, {"metadata": {"labels": {"a": "1"}}}, None) is OBJECT


@pytest.mark.parametrize("kind", ["merge", "strategic"])
def test_a_null_creation_timestamp_wipes_nothing(kind: Any) -> None:
    patch = {"metadata": {"creationTimestamp": None, "labels": {"a": None}}}
    result = apply_patch(kind, OBJECT, patch, None)
    assert result["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert result["metadata"]["labels"] == {}


def test_json_patch_refusals_say_which_operation() -> None:
    refused = _refusal("json", OBJECT, [{"op": "test", "path": "/kind", "value": "Pod"}])
    assert (refused.code, refused.reason) == (422, "Invalid")
    assert "operation 0 (test '/kind'): testing value failed" in refused.message
    assert _refusal("json", OBJECT, {"op": "add"}).code == 400
    assert _refusal("json", OBJECT, [{"op": "test", "path": "/kind", "value": 1}] * 10_001).code == 413
    assert _refusal("merge", OBJECT, []).code == 400


def test_json_patch_limits_what_copies_amplify() -> None:
    big: dict[str, Any] = {"a": "x" * 400_000}
    refused = _refusal("json", big, [{"op": "copy", "from": "/a", "path": f"/b{i}"} for i in range(10)])
    assert refused.code == 413
    assert list(big) == ["a"]


def test_json_patch_writes_after_a_copy_do_not_reach_the_original() -> None:
    patch = [
        {"op": "add", "path": "/a/x", "value": 1},
        {"op": "copy", "from": "/a", "path": "/b"},
        {"op": "add", "path": "/b/y", "value": 2},
    ]
    assert apply_json_patch({"a": {}}, patch) == {"a": {"x": 1}, "b": {"x": 1, "y": 2}}


def test_deep_patches_are_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert _refusal("merge", OBJECT, deep).code == 400
    assert _refusal("strategic", OBJECT, deep).code == 400


def test_json_patches_cannot_nest_without_end() -> None:
    patch = [{"op": "add", "path": "/a" * (i + 1), "value": {}} for i in range(300)]
    assert _refusal("json", {}, patch).code == 400


def test_strategic_merges_sets_and_keyed_lists() -> None:
    patch = {
        "metadata": {"finalizers": ["x/three"], "ownerReferences": [{"uid": "u2", "name": "new"}]},
        "secrets": [{"name": "s3"}],
    }
    result = apply_patch("strategic", OBJECT, patch, None)
    assert result["metadata"]["finalizers"] == ["x/one", "x/two", "x/three"]
    assert result["metadata"]["ownerReferences"] == [{"uid": "u1", "name": "n1"}, {"uid": "u2", "name": "new"}]
    assert [s["name"] for s in result["secrets"]] == ["s1", "s2", "s3"]


def test_strategic_directives() -> None:
    def patched(patch: dict[str, Any]) -> dict[str, Any]:
        return apply_patch("strategic", OBJECT, patch, None)

    gone = patched({"metadata": {"ownerReferences": [{"uid": "u1", "$patch": "delete"}]}})
    assert [o["uid"] for o in gone["metadata"]["ownerReferences"]] == ["u2"]
    replaced = patched({"secrets": [{"$patch": "replace"}, {"name": "only"}]})
    assert replaced["secrets"] == [{"name": "only"}]
    assert patched({"metadata": {"labels": {"$patch": "replace", "z": "9"}}})["metadata"]["labels"] == {"z": "9"}
    assert "labels" not in patched({"metadata": {"labels": {"$patch": "delete"}}})["metadata"]
    fewer = patched({"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/one"]}})
    assert fewer["metadata"]["finalizers"] == ["x/two"]
    ordered = patched({"$setElementOrder/secrets": [{"name": "s3"}, {"name": "s1"}], "secrets": [{"name": "s3"}]})
    assert [s["name"] for s in ordered["secrets"]] == ["s3", "s1", "s2"]
    kept = patched({"metadata": {"labels": {"$retainKeys": ["b"], "b": "2"}}})
    assert kept["metadata"]["labels"] == {"b": "2"}


@pytest.mark.parametrize(
    "patch",
    [
        {"metadata": {"labels": {"$patch": "explode"}}},
        {"secrets": [{"x": "no key"}]},
        {"metadata": {"labels": {"$retainKeys": ["a"], "b": "2"}}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": "x"}},
        {"$setElementOrder/secrets": [{"name": "s1"}], "secrets": [{"name": "s9"}]},
        {"metadata": {"$what/x": []}},
    ],
)
def test_strategic_refuses_what_it_cannot_read(patch: dict[str, Any]) -> None:
    assert _refusal("strategic", OBJECT, patch).code == 400


def test_strategic_takes_merge_keys_from_a_schema() -> None:
    schema = {
        "properties": {
            "spec": {
                "properties": {
                    "parts": {
                        "type": "array",
                        "x-kubernetes-patch-strategy": "merge",
                        "x-kubernetes-patch-merge-key": "id",
                        "items": {"type": "object", "properties": {"id": {"type": "string"}}},
                    }
                }
            }
        }
    }
    current = {"kind": "X", "spec": {"parts": [{"id": "a", "v": 1}]}}
    result = apply_patch("strategic", current, {"spec": {"parts": [{"id": "a", "w": 2}]}}, schema)
    assert result["spec"]["parts"] == [{"id": "a", "v": 1, "w": 2}]
