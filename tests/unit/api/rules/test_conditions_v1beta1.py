"""Legacy conditions: severity ranks, the step counter, mirrored reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from capstan.api.rules.conditions_v1beta1 import (
    ERROR,
    WARNING,
    LegacyCondition,
    aggregate_legacy,
    legacy_false,
    legacy_true,
    legacy_unknown,
    mirror_legacy,
    put_legacies,
    put_legacy,
    summarize_legacy,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_ready_comes_first_then_the_alphabet() -> None:
    placed = put_legacies((), [legacy_true("B"), legacy_true("Ready"), None, legacy_true("A")], now=NOW)
    assert [c.type for c in placed] == ["Ready", "A", "B"]


def test_transition_time_moves_only_with_the_status() -> None:
    once = put_legacy((), legacy_false("A", "X"), now=NOW)
    assert put_legacy(once, legacy_false("A", "Y"), now=NOW + timedelta(1))[0].last_transition_time == NOW
    assert put_legacy(once, legacy_true("A"), now=NOW + timedelta(1))[0].last_transition_time == NOW + timedelta(1)


@pytest.mark.parametrize(
    ("conditions", "steps", "expected"),
    [
        ([], 0, None),
        ([legacy_true("A")], 0, ("True", "", "", "")),
        ([legacy_true("A"), legacy_unknown("B", "U", "u")], 0, ("True", "", "", "")),
        ([legacy_false("A", "I"), legacy_false("B", "W", WARNING, "w")], 0, ("False", WARNING, "W", "w")),
        ([legacy_false("A", "E", ERROR), legacy_false("B", "W", WARNING)], 0, ("False", ERROR, "E", "")),
        ([legacy_true("A"), legacy_false("B", "W", message="w")], 2, ("False", "Info", "W", "1 of 2 completed")),
        ([legacy_false("B", "W", message="w")], 2, ("False", "Info", "W", "0 of 2 completed")),
        ([legacy_unknown("A", "U", "u")], 0, ("Unknown", "", "U", "u")),
        ([legacy_false("B", "W", WARNING), legacy_unknown("A", "U"), legacy_true("A")], 0, ("False", WARNING, "W", "")),
        ([legacy_false("B", "I2"), legacy_false("A", "I1", message="a")], 0, ("False", "Info", "I1", "a")),
        ([legacy_false("Ready", "E", ERROR), legacy_true("A")], 0, ("True", "", "", "")),
        ([legacy_true("A"), legacy_false("C", "E", ERROR)], 0, ("True", "", "", "")),
        ([legacy_true("A"), LegacyCondition(type="B", status="False", reason="X")], 0, ("False", "", "X", "")),
    ],
)
def test_ready_is_the_worst(conditions, steps, expected) -> None:  # type: ignore[no-untyped-def]
    ready = summarize_legacy(conditions, ["A", "B"], steps=steps)
    assert (ready and (ready.status, ready.severity, ready.reason, ready.message)) == expected


def test_mirror_takes_what_is_there() -> None:
    source = legacy_false("Ready", "NoRoom", message="full")
    mirrored = mirror_legacy(source, "InfrastructureReady")
    assert mirrored is not None
    assert (mirrored.type, mirrored.reason, mirrored.message) == ("InfrastructureReady", "NoRoom", "full")


READY = legacy_true("Ready")
WAITS = legacy_false("Ready", "NoRoom", message="full")
ELSEWHERE = legacy_false("Ready", "NoRoom @ Host/x", WARNING)


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ([], None),
        ([None, None], None),
        ([READY, READY], ("True", "", "", "")),
        ([READY, READY, WAITS, None, None], ("False", "Info", "NoRoom @ Machine/m2", "2 of 5 completed")),
        ([READY, WAITS, ELSEWHERE], ("False", "Warning", "NoRoom @ Host/x", "1 of 3 completed")),
        ([WAITS, WAITS], ("False", "Info", "NoRoom @ Machine/m0", "0 of 2 completed")),
        ([legacy_unknown("Ready", "Why", "m")], ("Unknown", "", "Why @ Machine/m0", "0 of 1 completed")),
    ],
)
def test_the_ready_of_many(reported, expected) -> None:  # type: ignore[no-untyped-def]
    merged = aggregate_legacy([(f"Machine/m{i}", c) for i, c in enumerate(reported)], "MachinesReady")
    assert (merged and (merged.status, merged.severity, merged.reason, merged.message)) == expected


def test_mirror_falls_back_to_a_flag() -> None:
    assert mirror_legacy(None, "X") is None
    assert mirror_legacy(None, "X", fallback_done=True) == legacy_true("X")
    waiting = mirror_legacy(None, "X", fallback_done=False, fallback_reason="Waiting")
    assert waiting == LegacyCondition(type="X", status="False", severity="Info", reason="Waiting")
