"""The lines of the log: fields after the words, traces only where they are wanted."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from capstan.cli.logs import Lines
from capstan.runtime.eventlog import EventLog


class Kept(logging.Handler):
    def __init__(self, traces: bool) -> None:
        super().__init__()
        self.setFormatter(Lines(traces))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def logged(level: int, *, traces: bool, error: BaseException | None = None, **fields: Any) -> str:
    kept, ours = Kept(traces), logging.getLogger("capstan.test-logs")
    ours.setLevel(level)
    ours.addHandler(kept)
    try:
        EventLog("capstan.test-logs").error("not done", exc_info=error, **fields)
        EventLog("capstan.test-logs").debug("a step", **fields)
    finally:
        ours.removeHandler(kept)
    return "\n".join(kept.lines)


def raised() -> ValueError:
    try:
        raise ValueError("too bad")
    except ValueError as error:
        return error


def test_fields_follow_the_words() -> None:
    assert logged(logging.ERROR, traces=False, subject="default/a", tries=3).endswith(
        "ERROR   capstan.test-logs not done subject='default/a' tries=3"
    )


def test_what_is_below_the_level_is_not_written() -> None:
    assert "a step" not in logged(logging.ERROR, traces=False)
    assert "a step" in logged(logging.DEBUG, traces=False)


@pytest.mark.parametrize("traces", [True, False])
def test_a_trace_is_for_those_who_want_it(traces: bool) -> None:
    text = logged(logging.ERROR, traces=traces, error=raised(), key="x")
    assert "ValueError: too bad" in text and ("Traceback" in text) == traces


def test_an_error_without_fields_keeps_its_words() -> None:
    text = logged(logging.ERROR, traces=False, error=raised())
    assert "ValueError: too bad" in text and "Traceback" not in text
