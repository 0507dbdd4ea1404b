"""Marks that an object takes over from another: they come, change and go; its own stay."""

from __future__ import annotations

import pytest

from capstan.api.rules.followed import FOLLOWED_ANNOTATION, Marks, followed_marks, followed_record


def follow(have: Marks, labels: dict[str, str], annotations: dict[str, str] | None = None) -> Marks:
    return followed_marks(have, Marks(labels, annotations or {}), always=("name",))


def test_what_leaves_the_template_leaves_the_object_and_its_own_stays() -> None:
    have = Marks({"own": "1", "name": "x"}, {"mine": "1"})
    first = follow(have, {"name": "x", "tier": "gold", "zone": "a"}, {"note": "n"})
    assert first.labels == {"own": "1", "name": "x", "tier": "gold", "zone": "a"}
    assert first.annotations == {"mine": "1", "note": "n", FOLLOWED_ANNOTATION: "labels=tier,zone;annotations=note"}
    assert follow(first, {"name": "x", "tier": "gold", "zone": "a"}, {"note": "n"}) == first, "nothing to write again"
    second = follow(first, {"name": "x", "tier": "tin"})
    assert second.labels == {"own": "1", "name": "x", "tier": "tin"}
    assert second.annotations == {"mine": "1", FOLLOWED_ANNOTATION: "labels=tier"}
    assert follow(second, {"name": "x"}) == have, "the last one takes the record with it"


@pytest.mark.parametrize("record", ["", "nonsense", "labels=", "labels;annotations", "labels=a;b"])
def test_a_record_that_somebody_changed_does_no_harm(record: str) -> None:
    have = Marks({"own": "1", "name": "x"}, {FOLLOWED_ANNOTATION: record})
    assert follow(have, {"name": "x"}) == Marks({"own": "1", "name": "x"}, {})


def test_nothing_is_recorded_of_what_never_leaves() -> None:
    assert followed_record(Marks({"name": "x"}, {}), always=("name",)) == {}
