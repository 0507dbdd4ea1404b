"""The templates that a MachineDeployment has had: kept by number, once each, ten of them."""

from __future__ import annotations

import pytest

from capstan.api.cluster.rollouthistory import (
    CHANGE_CAUSE_ANNOTATION,
    KEPT,
    ROLLOUT_HISTORY_ANNOTATION,
    Revision,
    earlier,
    read_history,
    with_revision,
)
from capstan.api.objects import Obj


def spec(version: str, **more: object) -> Obj:
    return {"clusterName": "c", "version": version, "infrastructureRef": {"name": "t"}, **more}


def grown(*versions: str) -> dict[str, str]:
    annotations: dict[str, str] = {}
    for number, version in enumerate(versions, 1):
        annotations[ROLLOUT_HISTORY_ANNOTATION] = with_revision(annotations, number, spec(version))
    return annotations


def test_only_what_needs_new_machines_is_kept() -> None:
    text = with_revision({CHANGE_CAUSE_ANNOTATION: "new image"}, 1, spec("v1", taints=[{}], failureDomain=""))
    found = read_history({ROLLOUT_HISTORY_ANNOTATION: text})
    assert found == (Revision(1, {"version": "v1", "infrastructureRef": {"name": "t"}}, "new image"),)


def test_a_template_that_comes_back_has_its_newest_number_only() -> None:
    annotations = grown("v1", "v2", "v1")
    assert [(r.number, r.template["version"]) for r in read_history(annotations)] == [(2, "v2"), (3, "v1")]


def test_the_same_again_changes_nothing() -> None:
    annotations = grown("v1", "v2")
    changed = {**annotations, CHANGE_CAUSE_ANNOTATION: "another reason"}
    assert with_revision(changed, 2, spec("v2")) == annotations[ROLLOUT_HISTORY_ANNOTATION]


def test_only_so_many_are_kept() -> None:
    annotations = grown(*(f"v{n}" for n in range(1, 15)))
    assert [r.number for r in read_history(annotations)] == list(range(15 - KEPT, 15))


@pytest.mark.parametrize("text", ["", "{", "3", '[{"revision": "x"}]', "[1]", "null"])
def test_what_cannot_be_read_counts_as_none(text: str) -> None:
    assert read_history({ROLLOUT_HISTORY_ANNOTATION: text}) == ()


def test_going_back() -> None:
    history = read_history(grown("v1", "v2", "v3"))
    assert [getattr(earlier(history, n), "number", None) for n in (0, 1, 3, 9)] == [2, 1, 3, None]
    assert earlier(history[:1]) is None
