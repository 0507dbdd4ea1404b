"""What `capstan up` refuses before anything runs."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from capstan.cli.commands.up import compiled, grace_seconds, up


@pytest.mark.parametrize("option", ["--additional-sync-machine-labels", "--additional-sync-machine-annotations"])
def test_a_pattern_that_is_none_is_named(option: str) -> None:
    result = CliRunner().invoke(up, ["--data-dir", "/nowhere", option, "a", option, "("])
    assert result.exit_code == 2
    assert "'(' is not a regular expression" in result.output


def test_patterns_are_searched_for_anywhere() -> None:
    (pattern,) = compiled(["example"])
    assert pattern.search("my.example.com/x")
    assert compiled([]) == ()


@pytest.mark.parametrize(("connection", "conditions"), [("50s", "1m"), ("6m", "5m"), ("0s", "5m"), ("5m", "5m")])
def test_graces_that_do_not_fit_are_refused(connection: str, conditions: str) -> None:
    graces = ["--remote-connection-grace-period", connection, "--remote-conditions-grace-period", conditions]
    result = CliRunner().invoke(up, ["--data-dir", "/nowhere", *graces])
    assert result.exit_code == 2
    assert "at least 2m" in " ".join(result.output.split())


def test_graces_are_durations() -> None:
    assert grace_seconds("1m30s", "2m") == (90, 120)
    result = CliRunner().invoke(up, ["--data-dir", "/nowhere", "--remote-connection-grace-period", "soon"])
    assert result.exit_code == 2
    assert 'invalid duration "soon"' in result.output
