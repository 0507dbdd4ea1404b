"""The checkers see what is wrong: each promise broken once, and nothing said of a history that keeps them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.conformance.history.linearizability import check_history, find_order
from tests.conformance.history.record import History, Listing, Operation, Revision, Scope, Seen, Watched
from tests.conformance.history.watchrules import RULES, check_watches

KEY = ("a", "k")
RED = Scope("a", "red")

LOG = [
    Revision(1, KEY, "red:1"),
    Revision(2, ("a", "j"), "blue:2"),
    Revision(3, KEY, "red:3"),
    Revision(4, ("b", "k"), "red:4"),
    Revision(5, KEY, "blue:5"),
    Revision(6, KEY, "red:6"),
    Revision(7, KEY, "red:6", deleted=True),
    Revision(8, KEY, "red:8"),
]


def op(kind: str, at: tuple[float, float], **more: object) -> Operation:
    return Operation(0, kind, KEY, *at, **{"outcome": "ok", **more})  # type: ignore[arg-type]


def write(value: str, revision: int, at: tuple[float, float], **more: object) -> Operation:
    kind = str(more.pop("kind", "update"))
    return op(kind, at, value=value, revision=revision, **more)


def good_watch() -> Watched:
    events = [
        Seen("ADDED", 1, KEY, "red:1"),
        Seen("MODIFIED", 3, KEY, "red:3"),
        Seen("BOOKMARK", 4),
        Seen("DELETED", 5, KEY, "blue:5"),
        Seen("ADDED", 6, KEY, "red:6"),
        Seen("DELETED", 7, KEY, "red:6"),
        Seen("ADDED", 8, KEY, "red:8"),
    ]
    return Watched(RED, 0, 0.0, [Seen("BOOKMARK", 0, initial_end=True), *events])


def followed(after: int, *events: Seen) -> Watched:
    return Watched(RED, after, 0.0, list(events))


def streamed(*events: Seen) -> Watched:
    return Watched(Scope("a"), 0, 0.0, list(events))


BROKEN_WATCHES = {
    "filter": followed(3, Seen("ADDED", 4, ("b", "k"), "red:4")),
    "bookmarkable": followed(1, Seen("BOOKMARK", 3), Seen("BOOKMARK", 3), Seen("MODIFIED", 3, KEY, "red:3")),
    "ordered": followed(2, Seen("DELETED", 5, KEY, "blue:5"), Seen("MODIFIED", 3, KEY, "red:3")),
    "unique": followed(2, Seen("MODIFIED", 3, KEY, "red:3"), Seen("MODIFIED", 3, KEY, "red:3")),
    "atomic": followed(2, Seen("MODIFIED", 3, KEY, "red:1")),
    "reliable": followed(2, Seen("MODIFIED", 3, KEY, "red:3"), Seen("ADDED", 6, KEY, "red:6")),
    "resumable": followed(2, Seen("DELETED", 5, KEY, "blue:5")),
    "previous": followed(6, Seen("DELETED", 7, KEY, "red:3")),
    "created": followed(2, Seen("ADDED", 3, KEY, "red:3")),
}


def test_a_good_watch_breaks_no_rule() -> None:
    resumed = followed(4, *good_watch().events[4:])
    gone = Watched(RED, 2, 0.0, expired=True, compacted=3)
    listed = streamed(
        Seen("ADDED", 2, ("a", "j"), "blue:2"), Seen("ADDED", 3, KEY, "red:3"), Seen("BOOKMARK", 4, initial_end=True)
    )
    assert check_watches(History(log=LOG, watches=[good_watch(), resumed, gone, listed])) == []


@pytest.mark.parametrize("rule", RULES)
def test_each_broken_rule_is_seen(rule: str) -> None:
    found = check_watches(History(log=LOG, watches=[BROKEN_WATCHES[rule]]))
    assert rule in {violation.rule for violation in found}


@pytest.mark.parametrize(
    ("watch", "rule"),
    [
        (Watched(RED, 3, 0.0, expired=True, compacted=2), "resumable"),
        (followed(4, Seen("DELETED", 5, KEY, "blue:5"), Seen("BOOKMARK", 7)), "bookmarkable"),
        (followed(4, Seen("DELETED", 5, KEY, "red:3")), "previous"),
        (followed(8, Seen("MODIFIED", 9, KEY, "red:9")), "atomic"),
        (streamed(Seen("ADDED", 3, KEY, "red:3"), Seen("BOOKMARK", 4, initial_end=True)), "bookmarkable"),
        (
            streamed(
                Seen("ADDED", 3, KEY, "red:3"),
                Seen("ADDED", 2, ("a", "j"), "blue:2"),
                Seen("BOOKMARK", 4, initial_end=True),
            ),
            "bookmarkable",
        ),
    ],
    ids=["early-410", "early-bookmark", "old-state-on-leaving", "invented", "incomplete-state", "unsorted-state"],
)
def test_further_faults_are_seen(watch: Watched, rule: str) -> None:
    assert rule in {violation.rule for violation in check_watches(History(log=LOG, watches=[watch]))}


def test_an_order_is_found_where_there_is_one() -> None:
    operations = [
        write("1", 1, (0, 10), kind="create"),
        op("get", (1, 2), outcome="missing"),
        op("get", (3, 4), value="1", revision=1),
        write("2", 2, (5, 9), expected=1),
        write("3", 3, (5, 9), expected=1, outcome="conflict"),
        op("delete", (6, 12)),
        write("4", 4, (11, 13), kind="create"),
        op("get", (14, 15), value="4", revision=4),
    ]
    order = find_order(operations)
    assert order is not None and [o.revision for o in order if o.kind == "create"] == [1, 4]


FAULTS: dict[str, list[Operation]] = {
    "a read shows what was replaced before": [
        write("1", 1, (0, 1), kind="create"),
        write("2", 2, (2, 3)),
        op("get", (4, 5), value="1", revision=1),
    ],
    "two reads in turn see new, then old": [
        write("1", 1, (0, 1), kind="create"),
        write("2", 2, (2, 20)),
        op("get", (3, 4), value="2", revision=2),
        op("get", (5, 6), value="1", revision=1),
    ],
    "two writers win with one revision": [
        write("1", 1, (0, 1), kind="create"),
        write("2", 2, (2, 5), expected=1),
        write("3", 3, (2, 5), expected=1),
    ],
    "two creates of one name": [write("1", 1, (0, 5), kind="create"), write("2", 2, (0, 5), kind="create")],
    "an acknowledged write is lost": [write("1", 1, (0, 1), kind="create"), op("get", (2, 3), outcome="missing")],
    "what is deleted comes back": [
        write("1", 1, (0, 1), kind="create"),
        op("delete", (2, 3)),
        op("get", (4, 5), value="1", revision=1),
    ],
    "a dry run happened": [
        write("1", 1, (0, 1), kind="create", dry=True),
        op("get", (2, 3), value="1", revision=1),
    ],
    "a revision goes back": [write("1", 5, (0, 1), kind="create"), write("2", 4, (2, 3))],
    "a refusal without a reason": [
        write("1", 1, (0, 1), kind="create"),
        write("2", 2, (2, 3), expected=1, outcome="conflict"),
    ],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_order_is_found_where_there_is_none(fault: str) -> None:
    assert find_order(FAULTS[fault]) is None


def test_a_write_without_an_answer_may_have_happened_late_or_never() -> None:
    lost = op("delete", (0, float("inf")))
    created = write("1", 1, (1, 2), kind="create")
    seen, missed = op("get", (3, 4), value="1", revision=1), op("get", (5, 6), outcome="missing")
    assert find_order([lost, created, seen]) is not None
    assert find_order([lost, created, seen, missed]) is not None
    assert find_order([lost, created, missed, replace(seen, invoked=7, returned=8)]) is None


def test_the_search_gives_up_branches_that_led_nowhere() -> None:
    """Forty writes at once and a read that fits none of them: without a memory this would take 40! steps."""
    writes = [write("1", 1, (0, 1), kind="create"), *(write(f"w{i}", i + 2, (2, 100)) for i in range(9))]
    assert find_order([*writes, op("get", (101, 102), value="w3", revision=5)]) is None
    assert find_order([*writes, op("get", (101, 102), value="w8", revision=10)]) is not None


def history(
    *operations: Operation, log: list[Revision] | None = None, listings: list[Listing] | None = None
) -> History:
    return History(list(operations), listings or [], [], log if log is not None else [Revision(1, KEY, "red:1")])


FOUND = {KEY: (1, "red:1")}
MADE = write("red:1", 1, (0, 1), kind="create")

BROKEN_HISTORIES: dict[str, tuple[str, Callable[[], History]]] = {
    "acknowledged and not there": ("log", lambda: history(MADE, log=[])),
    "there at another revision": ("log", lambda: history(MADE, log=[Revision(2, KEY, "red:1")])),
    "nobody wrote it": ("log", lambda: history(log=[Revision(1, KEY, "red:1")])),
    "refused and there": ("log", lambda: history(replace(MADE, outcome="exists"))),
    "a revision twice": ("log", lambda: history(MADE, log=[Revision(1, KEY, "red:1"), Revision(1, KEY, "red:1")])),
    "deletes nothing": ("log", lambda: history(log=[Revision(1, KEY, "red:1", deleted=True)])),
    "a list with a hole": ("snapshot", lambda: history(MADE, listings=[Listing(0, Scope(), 2, 3, 1, {})])),
    "a list of the past": ("fresh", lambda: history(MADE, listings=[Listing(0, Scope(), 2, 3, 0, {})])),
    "no order": ("linearizable", lambda: history(MADE, op("get", (2, 3), outcome="missing"))),
}


@pytest.mark.parametrize("fault", BROKEN_HISTORIES)
def test_each_broken_history_is_seen(fault: str) -> None:
    rule, make = BROKEN_HISTORIES[fault]
    assert rule in {violation.rule for violation in check_history(make())}


def test_a_good_history_is_not_complained_about() -> None:
    old = Listing(0, Scope(), 2, 3, 0, {}, newest=False)
    assert check_history(history(MADE, listings=[Listing(0, Scope("a"), 2, 3, 1, FOUND), old])) == []
    lost = replace(MADE, outcome="unknown", returned=float("inf"), revision=0)
    assert check_history(history(lost)) == check_history(history(lost, log=[])) == []
