"""What `capstan up` refuses before anything runs."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from capstan.cli.commands.up import compiled, up


@pytest.mark.parametrize("option", ["--additional-sync-machine-labels", "--additional-sync-machine-annotations"])
def test_a_pattern_that_is_none_is_named(option: str) -> None:
    result = CliRunner().invoke(up, ["--data-dir", "/nowhere", option, "a", option, "("])
    assert result.exit_code == 2
    assert "'(' is not a regular expression" in result.output


def test_patterns_are_searched_for_anywhere() -> None:
    (pattern,) = compiled(["example"])
    assert pattern.search("my.example.com/x")
    assert compiled([]) == ()
