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
    Priority,
    Reasons,
    Source,
    aggregate,
    drop_condition,
    find_condition,
    is_false,
    is_true,
    mirror,
    put_condition,
    ranking,
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
    assert [c.type for c in sort_conditions(map(condition, ["Deleting", "B", "Available", "A", "Paused", "C!"]))] == [
        "Available",
        "A",
        "B",
        "C!",
        "Paused",
        "Deleting",
    ]
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
        (UNKNOWN, "UnknownReported", "* B: Condition not yet reported"),
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
    pytest.param(
        [condition("A", FALSE, "WhyA"), condition("B", FALSE, "WhyB")],
        {},
        (FALSE, "IssuesReported", "* A: WhyA\n* B: WhyB"),
        id="issues without a message are told by their reason",
    ),
    pytest.param(
        [condition("B", UNKNOWN, message="b"), condition("A", message="fine")],
        {},
        (UNKNOWN, "UnknownReported", "* B: b"),
        id="unknown hides what is good",
    ),
    pytest.param(
        [condition("B", UNKNOWN, message="b"), condition("A", UNKNOWN, message="a")],
        {},
        (UNKNOWN, "UnknownReported", "* A: a\n* B: b"),
        id="the order of the types, not of the report",
    ),
    pytest.param(
        [condition("B", FALSE, message="Loud"), condition("A", message="Clear")],
        {"negative": ["B"], "transform": lambda lines: [line.upper() for line in lines]},
        (TRUE, "InfoReported", "* A: CLEAR\n* B: LOUD"),
        id="good ones of both polarities, rewritten",
    ),
    pytest.param(
        [],
        {"ignore_if_missing": ["B"]},
        (UNKNOWN, "UnknownReported", "* A: Condition not yet reported"),
        id="only one may be missing",
    ),
    pytest.param(
        [condition("A"), condition("B"), condition("C", FALSE)],
        {},
        (TRUE, "InfoReported", ""),
        id="others do not count",
    ),
    pytest.param(
        [condition("A"), condition("B", TRUE, message="old")],
        {
            "negative": ["B"],
            "ignore_if_missing": ["B"],
            "overrides": {"B": condition("B", TRUE, message="in other words")},
        },
        (FALSE, "IssuesReported", "* B: in other words"),
        id="an override that is as bad",
    ),
    pytest.param(
        [condition("A", FALSE, message="* one"), condition("B", FALSE, message="* one\n  * inner\n* two")],
        {},
        (FALSE, "IssuesReported", "* A:\n  * one\n* B:\n  * one\n    * inner\n  * two"),
        id="a single bullet moves below, inner ones keep their depth",
    ),
    pytest.param(
        [condition("A", "Later"), condition("B")], {}, (UNKNOWN, "UnknownReported", "* A: R"), id="no such status"
    ),
]


@pytest.mark.parametrize(("conditions", "options", "expected"), SUMMARIES)
def test_summarize(conditions, options, expected) -> None:  # type: ignore[no-untyped-def]
    merged = summarize(conditions, "Ready", ["A", "B"], **options)
    assert (merged.status, merged.reason, merged.message) == expected
    assert merged.type == "Ready"


@pytest.mark.parametrize(
    ("target", "types"), [("Ready", ["A", "Ready"]), ("Ready", []), ("Ready", ["Gone"])], ids=["itself", "none", "gone"]
)
def test_there_is_no_summary_of_nothing(target: str, types: list[str]) -> None:
    with pytest.raises(ValueError, match=r"itself|empty"):
        summarize([condition("A")], target, types, ignore_if_missing=["Gone"])


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
    pytest.param(
        [*machines("bad", start=1), *machines("fine", status=TRUE)],
        {},
        (FALSE, "IssuesReported", "* Machine m1: bad"),
        id="what is good is not shown",
    ),
    pytest.param(
        [*machines("going", status=TRUE), *machines("", start=1)],
        {"negative": True, "target_negative": False, "reasons": Reasons("Bad", "Perhaps", "Good")},
        (FALSE, "Bad", "* Machine m0: going"),
        id="a target of the other polarity",
    ),
    pytest.param(
        [*machines("going", status=TRUE), *machines("", start=1)],
        {"negative": True, "target": "Other", "reasons": Reasons("Bad", "Perhaps", "Good")},
        (TRUE, "Bad", "* Machine m0: going"),
        id="a target of another name has the polarity of its source",
    ),
    pytest.param(
        [*machines("* a", "* b\n* c", "* b\n* c", "* a", "* a", "* d"), *machines("fine", status=TRUE, start=6)],
        {},
        (
            FALSE,
            "IssuesReported",
            "* Machines m0, m3, m4:\n  * a\n* Machines m1, m2:\n  * b\n  * c\n* Machine m5:\n  * d",
        ),
        id="lists of three groups",
    ),
    pytest.param(
        [*machines("a", "b"), *machines("u", status=UNKNOWN, start=2), *machines("fine", status=TRUE, start=3)],
        {},
        (FALSE, "IssuesReported", "* Machine m0: a\n* Machine m1: b\n* Machine m2: u"),
        id="unknown has the place that issues leave",
    ),
    pytest.param(
        [*machines("a", "b"), *machines("u", status=UNKNOWN, start=2), *machines("c", start=3)],
        {},
        (
            FALSE,
            "IssuesReported",
            "* Machine m0: a\n* Machine m1: b\n* Machine m3: c\nAnd 1 Machine with status unknown",
        ),
        id="one that is unknown is counted",
    ),
    pytest.param(
        [*machines("a", "b"), *machines("u", status=UNKNOWN, start=2), *machines("c", "d", "e", start=3)],
        {},
        (
            FALSE,
            "IssuesReported",
            "* Machine m0: a\n* Machine m1: b\n* Machine m3: c\n"
            "And 2 Machines with other issues\nAnd 1 Machine with status unknown",
        ),
        id="both kinds of rest are counted",
    ),
    pytest.param(
        machines("a", "b", "c", "d", "a", "e", status=UNKNOWN),
        {},
        (
            UNKNOWN,
            "UnknownReported",
            "* Machines m0, m4: a\n* Machine m1: b\n* Machine m2: c\nAnd 2 Machines with status unknown",
        ),
        id="all unknown",
    ),
    pytest.param(
        machines("a", "b", "c", "", "a", "d", status=TRUE),
        {},
        (
            TRUE,
            "InfoReported",
            "* Machines m0, m4: a\n* Machine m1: b\n* Machine m2: c\nAnd 1 Machine with additional info",
        ),
        id="all good, of which one is silent",
    ),
    pytest.param(
        [*machines("bad"), Source("Machine", "m1", [])],
        {"target": "MachinesReady"},
        (FALSE, "IssuesReported", "* Machine m0: bad\n* Machine m1: Condition Ready not yet reported"),
        id="missing, with a target of another name",
    ),
    pytest.param(
        [
            *[Source("MachineSet", f"s{i}", [condition("Ready", FALSE, message="a")]) for i in range(2)],
            *[
                Source("MachineDeployment", f"d{i}", [condition("Ready", FALSE, message=text)])
                for i, text in enumerate("abbacacade")
            ],
        ],
        {},
        (
            FALSE,
            "IssuesReported",
            "* MachineDeployments d0, d3, d5, ... (1 more): a\n* MachineDeployments d1, d2: b\n"
            "* MachineDeployments d4, d6: c\nAnd 2 MachineDeployments with other issues\n"
            "And 2 MachineSets with other issues",
        ),
        id="kind by kind, and the places of all kinds together",
    ),
    pytest.param(
        [
            *machines("* u", status=UNKNOWN, start=1),
            *machines("* u", status=UNKNOWN, control_plane=True, start=2),
            *machines("* b", "* b", "* c\n* d", "* b", start=3),
        ],
        {},
        (
            FALSE,
            "IssuesReported",
            "* Machines m2, m1:\n  * u\n* Machines m3, m4, m6:\n  * b\n* Machine m5:\n  * c\n  * d",
        ),
        id="what one control plane machine says comes first, and it before the others that say it",
    ),
    pytest.param(
        [*machines("same", status=UNKNOWN), *machines("same", start=1), *machines("x", start=2)],
        {},
        (FALSE, "IssuesReported", "* Machines m0, m1: same\n* Machine m2: x"),
        id="the worst rank of a message counts",
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


@pytest.mark.parametrize(
    ("source", "options", "expected"),
    [
        (condition("Ready", TRUE, "Fine", "well"), {}, ("Ready", TRUE, "Fine", "well")),
        (condition("Ready", TRUE, "Fine"), {}, ("Ready", TRUE, "Fine", "")),
        (condition("Ready", UNKNOWN, "Fine"), {"target": "Other"}, ("Other", UNKNOWN, "Fine", "")),
        (None, {}, ("Ready", UNKNOWN, "NotYetReported", "Condition Ready not yet reported")),
        (None, {"target": "Other"}, ("Other", UNKNOWN, "NotYetReported", "Condition Ready not yet reported")),
        (None, {"fallback": condition("x", TRUE, "Why", "m")}, ("Ready", TRUE, "Why", "m")),
        (condition("Ready", FALSE), {"fallback": condition("x")}, ("Ready", FALSE, "R", "")),
    ],
)
def test_mirror(source, options, expected) -> None:  # type: ignore[no-untyped-def]
    found = mirror(source, options.pop("target", "Ready"), type="Ready", **options)
    assert (found.type, found.status, found.reason, found.message) == expected
    assert found.observed_generation == 0


@pytest.mark.parametrize(
    ("status", "negative", "rank"),
    [
        (FALSE, False, Priority.ISSUE),
        (UNKNOWN, False, Priority.UNKNOWN),
        (TRUE, False, Priority.INFO),
        ("", False, Priority.UNKNOWN),
        (TRUE, True, Priority.ISSUE),
        (UNKNOWN, True, Priority.UNKNOWN),
        (FALSE, True, Priority.INFO),
        ("", True, Priority.UNKNOWN),
    ],
)
def test_the_rank_of_a_condition(status: str, negative: bool, rank: Priority) -> None:
    assert ranking(["A"] if negative else ["B"])(condition("A", status)) is rank


def test_one_is_dropped_once() -> None:
    both = (condition("A"), condition("B", FALSE))
    assert drop_condition(both, "A") == drop_condition(drop_condition(both, "A"), "A") == both[1:]


def test_questions_about_what_is_not_reported() -> None:
    reported = [condition("Yes"), condition("No", FALSE), condition("Perhaps", UNKNOWN)]
    assert [is_true(reported, t) for t in ("Yes", "No", "Perhaps", "Gone")] == [True, False, False, False]
    assert [is_false(reported, t) for t in ("Yes", "No", "Perhaps", "Gone")] == [False, True, False, False]


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
