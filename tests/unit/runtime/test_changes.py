"""What differs between two states of an object, as patches."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from capstan.api.struct import merge_diff
from capstan.runtime.client.changes import changes

values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)),
    max_leaves=12,
)
documents = st.dictionaries(st.text(max_size=2), values, max_size=4)


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2, written down as it stands there."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


@given(documents, documents)
def test_the_patch_turns_before_into_after(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert merge(before, merge_diff(before, after)) == after


@given(documents)
def test_no_difference_is_an_empty_patch(document: dict[str, Any]) -> None:
    assert merge_diff(document, document) == {}


def test_what_the_server_writes_is_no_change_and_preconditions_are_added() -> None:
    before = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "5", "finalizers": ["x"]},
        "data": {"k": "v"},
    }
    after = {**before, "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "9"}}
    change = changes(before, after, guarded=True)
    assert change.patch_with_preconditions() == {"metadata": {"finalizers": None, "uid": "u", "resourceVersion": "5"}}
    assert changes(before, before, guarded=True).empty
    assert "resourceVersion" not in changes(before, after, guarded=False).patch_with_preconditions()["metadata"]


def test_status_and_object_are_separate_patches() -> None:
    before = {"metadata": {"name": "a"}, "spec": {"n": 1}, "status": {"ready": False, "old": 1}}
    after = {"metadata": {"name": "a"}, "spec": {"n": 2}, "status": {"ready": True}}
    change = changes(before, after, guarded=True)
    assert change.patch == {"spec": {"n": 2}}
    assert change.status == {"status": {"ready": True, "old": None}}
