"""Whether an apply would change anything, held against the server's own rules for Machines: maps and lists that merge,
values that are owned as a whole, several managers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.controllers.owned import applied, written

from capstan.api.objects import Obj
from capstan.api.rules.applied import is_applied

KIND = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine"}
ADDRESS = {"name": "m", "namespace": "default"}


def intent(metadata: Obj | None = None, spec: Obj | None = None) -> Obj:
    stated: Obj = {**KIND, "metadata": {**ADDRESS, **(metadata or {})}}
    return {**stated, "spec": spec} if spec else stated


_TEXT = st.sampled_from(["1", "2"])
_MARKS = st.dictionaries(st.sampled_from(["a", "b/c"]), _TEXT, min_size=1)
_TAINTS = st.lists(
    st.fixed_dictionaries(
        {"key": st.sampled_from(["x", "y"]), "effect": st.sampled_from(["NoSchedule", "NoExecute"])},
        optional={"value": _TEXT},
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda taint: (taint["key"], taint["effect"]),
)
_OWNERS = st.lists(
    st.fixed_dictionaries({"uid": st.sampled_from(["u1", "u2"]), "kind": _TEXT, "name": _TEXT, "apiVersion": _TEXT}),
    min_size=1,
    max_size=2,
    unique_by=lambda owner: str(owner["uid"]),
)
_METADATA = st.fixed_dictionaries(
    {},
    optional={
        "labels": _MARKS,
        "annotations": _MARKS,
        "finalizers": st.lists(st.sampled_from(["f/1", "f/2", "f/3"]), min_size=1, unique=True),
        "ownerReferences": _OWNERS,
    },
)
_TIMEOUTS = st.sampled_from(["nodeDrainTimeoutSeconds", "nodeDeletionTimeoutSeconds"])
_SPEC = st.fixed_dictionaries(
    {},
    optional={
        "clusterName": _TEXT,
        "minReadySeconds": st.integers(0, 2),
        "taints": _TAINTS,
        "bootstrap": st.fixed_dictionaries({"dataSecretName": _TEXT}),
        "deletion": st.dictionaries(_TIMEOUTS, st.integers(0, 1), min_size=1),
    },
)
_STATED = st.builds(intent, _METADATA, _SPEC)
_WRITES = st.lists(st.tuples(st.sampled_from(["me", "other", "plain"]), _STATED), max_size=4)


def _after(writes: list[tuple[str, Obj]]) -> Obj:
    obj: Obj = written(None, {**intent(spec={"version": "v1"}), "metadata": {**ADDRESS, "uid": "uid"}}, "plain")
    for manager, stated in writes:
        if manager == "plain":
            merged = {**obj, "spec": {**obj["spec"], **stated.get("spec", {})}}
            merged["metadata"] = {**obj["metadata"], **stated["metadata"]}
            obj = written(obj, merged, "plain")
        else:
            obj = applied(obj, stated, manager)
    return obj


@settings(max_examples=400, deadline=None)
@given(writes=_WRITES, stated=_STATED, again=st.booleans())
def test_it_is_applied_exactly_when_an_apply_changes_nothing(
    writes: list[tuple[str, Obj]], stated: Obj, again: bool
) -> None:
    before = _after([*writes, ("me", stated)] if again else writes)
    assert is_applied(before, stated, "me") == (applied(before, stated, "me") == before)


@settings(max_examples=100, deadline=None)
@given(writes=_WRITES, stated=_STATED)
def test_once_is_enough(writes: list[tuple[str, Obj]], stated: Obj) -> None:
    assert is_applied(applied(_after(writes), stated, "me"), stated, "me")


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"manager": "you"}, False),
        ({"operation": "Update"}, False),
        ({"subresource": "status"}, False),
        ({"apiVersion": "cluster.x-k8s.io/v1beta1"}, False),
        ({"fieldsV1": {}}, False),
        ({"fieldsV1": {"f:metadata": {"f:name": {}}}}, False),
    ],
)
def test_whose_entry_counts(changes: dict[str, Any], holds: bool) -> None:
    stated = intent({"labels": {"a": "1"}})
    made = applied(_after([]), stated, "me")
    mine = next(e for e in made["metadata"]["managedFields"] if e["manager"] == "me")
    changed = {**made, "metadata": {**made["metadata"], "managedFields": [{**mine, **changes}]}}
    assert is_applied(changed, stated, "me") is holds
