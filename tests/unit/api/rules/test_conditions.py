"""The conditions engine: order, transition times, and the texts of summaries, aggregates and mirrors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.api.meta import Condition
from capstan.api.rules.bullets import names
from capstan.api.rules.conditions import (
    FALSE,
    TRUE,
    UNKNOWN,
    Reasons,
    Source,
    aggregate,
    find_condition,
    mirror,
    put_condition,
    set_condition,
    sort_conditions,
    summarize,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
NOW_SECONDS = NOW.replace(microsecond=0)


def condition(type: str, status: str = TRUE, reason: str = "R", message: str = "") -> Condition:
    return Condition(type=type, status=status, reason=reason, message=message)


def test_transition_time_is_whole_seconds_and_moves_only_with_the_status() -> None:
    first = set_condition((), type="Ready", status=FALSE, reason="A", generation=1, now=NOW)
    assert first[0].last_transition_time == NOW_SECONDS
    same = set_condition(first, type="Ready", status=FALSE, reason="B", message="m", generation=2, now=LATER)
    assert (same[0].reason, same[0].message, same[0].observed_generation) == ("B", "m", 2)
    assert same[0].last_transition_time == NOW_SECONDS
    flipped = set_condition(same, type="Ready", status=TRUE, reason="C", generation=2, now=LATER)
    assert flipped[0].last_transition_time == LATER.replace(microsecond=0)


def test_setting_the_same_again_changes_nothing() -> None:
    once = set_condition((), type="Ready", status=FALSE, reason="A", generation=1, now=NOW)
    assert set_condition(once, type="Ready", status=FALSE, reason="A", generation=1, now=LATER) == once


def test_house_order() -> None:
    shuffled = ["Deleting", "Paused", "Zebra", "Ready", "Apple", "ScalingUp", "Available", "RollingOut", "NodeReady"]
    ordered = [c.type for c in sort_conditions(condition(t) for t in shuffled)]
    assert ordered == [
        "Available",
        "Ready",
        "NodeReady",
        "RollingOut",
        "ScalingUp",
        "Apple",
        "Zebra",
        "Paused",
        "Deleting",
    ]


SUMMARIES = [
    pytest.param([condition("A"), condition("B")], {}, (TRUE, "InfoReported", ""), id="all good without messages"),
    pytest.param(
        [condition("A", message="fine"), condition("B")],
        {},
        (TRUE, "InfoReported", "* A: fine"),
        id="good ones with a message are shown when all is good",
    ),
    pytest.param(
        [condition("A", message="fine"), condition("B", FALSE, message="broken")],
        {},
        (FALSE, "IssuesReported", "* B: broken"),
        id="an issue hides what is good",
    ),
    pytest.param(
        [condition("A", UNKNOWN, "Why"), condition("B", FALSE, message="broken")],
        {},
        (FALSE, "IssuesReported", "* A: Why\n* B: broken"),
        id="unknown is shown with its reason, in the order of types",
    ),
    pytest.param(
        [condition("A")],
        {},
        (UNKNOWN, "UnknownReported", "* B: Condition B not yet reported"),
        id="missing",
    ),
    pytest.param([condition("A")], {"ignore_if_missing": ["B"]}, (TRUE, "InfoReported", ""), id="may be missing"),
    pytest.param(
        [condition("A"), condition("B", TRUE, message="going")],
        {"negative": ["B"]},
        (FALSE, "IssuesReported", "* B: going"),
        id="negative polarity",
    ),
    pytest.param(
        [condition("A"), condition("B", FALSE, message="one\n* two")],
        {},
        (FALSE, "IssuesReported", "* B:\n  * one\n    * two"),
        id="several lines, some bullets",
    ),
    pytest.param(
        [condition("A"), condition("B", FALSE, message="* one\n* two")],
        {},
        (FALSE, "IssuesReported", "* B:\n  * one\n  * two"),
        id="bullets",
    ),
    pytest.param(
        [condition("A"), condition("B", FALSE, message="x")],
        {"overrides": {"B": condition("B", UNKNOWN, message="y")}, "reasons": Reasons("No", "Perhaps", "Yes")},
        (UNKNOWN, "Perhaps", "* B: y"),
        id="override and reasons",
    ),
]


@pytest.mark.parametrize(("conditions", "options", "expected"), SUMMARIES)
def test_summarize(conditions, options, expected) -> None:  # type: ignore[no-untyped-def]
    merged = summarize(conditions, "Ready", ["A", "B"], **options)
    assert (merged.status, merged.reason, merged.message) == expected
    assert merged.type == "Ready"


def machines(*messages: str, status: str = FALSE, control_plane: bool = False, start: int = 0) -> list[Source]:
    return [
        Source("Machine", f"m{i}", [condition("Ready", status, message=text)], control_plane)
        for i, text in enumerate(messages, start)
    ]


AGGREGATES = [
    pytest.param(machines("bad"), {}, (FALSE, "IssuesReported", "* Machine m0: bad"), id="one"),
    pytest.param(
        machines("bad", "bad", "worse"),
        {},
        (FALSE, "IssuesReported", "* Machines m0, m1: bad\n* Machine m2: worse"),
        id="the larger group first",
    ),
    pytest.param(
        machines("bad", "bad", "bad", "bad", "bad"),
        {},
        (FALSE, "IssuesReported", "* Machines m0, m1, m2, ... (2 more): bad"),
        id="three names are shown",
    ),
    pytest.param(
        machines("a", "b", "c", "d", "e"),
        {},
        (
            FALSE,
            "IssuesReported",
            "* Machine m0: a\n* Machine m1: b\n* Machine m2: c\nAnd 2 Machines with other issues",
        ),
        id="three groups are shown",
    ),
    pytest.param(
        [*machines("a", "a"), *machines("z", control_plane=True, start=2)],
        {},
        (FALSE, "IssuesReported", "* Machine m2: z\n* Machines m0, m1: a"),
        id="control plane first",
    ),
    pytest.param(
        [*machines("u", "u", status=UNKNOWN), *machines("i", start=2)],
        {},
        (FALSE, "IssuesReported", "* Machine m2: i\n* Machines m0, m1: u"),
        id="issues before unknown",
    ),
    pytest.param(
        [*machines("bad"), Source("Machine", "m1", [])],
        {},
        (FALSE, "IssuesReported", "* Machine m0: bad\n* Machine m1: Condition Ready not yet reported"),
        id="missing",
    ),
    pytest.param(machines("", "", status=TRUE), {}, (TRUE, "InfoReported", ""), id="good and silent"),
    pytest.param(
        machines("* a\n* b"), {}, (FALSE, "IssuesReported", "* Machine m0:\n  * a\n  * b"), id="bullets below"
    ),
    pytest.param(
        [Source("MachineSet", "s", [condition("Ready", TRUE, message="going")])],
        {"negative": True},
        (TRUE, "IssuesReported", "* MachineSet s: going"),
        id="negative polarity stays negative",
    ),
]


@pytest.mark.parametrize(("sources", "options", "expected"), AGGREGATES)
def test_aggregate(sources, options, expected) -> None:  # type: ignore[no-untyped-def]
    merged = aggregate(sources, "Ready", **options)
    assert (merged.status, merged.reason, merged.message) == expected


def test_mirror_keeps_the_transition_time_of_its_source() -> None:
    source = Condition(type="Ready", status=FALSE, reason="X", message="m", last_transition_time=NOW_SECONDS)
    copied = put_condition((), mirror(source, "InfrastructureReady"), generation=3, now=LATER)
    found = find_condition(copied, "InfrastructureReady")
    assert found is not None
    assert (found.last_transition_time, found.reason, found.message) == (NOW_SECONDS, "X", "m")
    assert found.observed_generation == 3


def test_mirror_without_a_source() -> None:
    fallback = condition("Ready", FALSE, "NotReady", "not yet")
    assert mirror(None, "InfrastructureReady", fallback=fallback).message == "not yet"
    missing = mirror(None, "InfrastructureReady", type="Ready")
    assert (missing.status, missing.reason) == (UNKNOWN, "NotYetReported")
    assert missing.message == "Condition Ready not yet reported"


def test_names_are_shortened() -> None:
    assert names(["a", "b", "c"]) == "a, b, c"
    assert names(["a", "b", "c", "d"]) == "a, b, c, ... (1 more)"


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([TRUE, FALSE, UNKNOWN])), min_size=1, max_size=8))
def test_aggregate_does_not_depend_on_the_order_of_its_sources(reports: list[tuple[str, str]]) -> None:
    sources = [
        Source("Machine", f"m{i}", [condition("Ready", status, message=text)])
        for i, (text, status) in enumerate(reports)
    ]
    assert aggregate(sources, "Ready") == aggregate(sources[::-1], "Ready")
