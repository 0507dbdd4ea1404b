"""The language: every table of `language.py`."""

from __future__ import annotations

import pytest

from capstan.apiserver.cel import CelError, CelEvaluationError, Environment
from capstan.apiserver.cel.types import INT
from tests.unit.apiserver.cel.language import FAILS, HOLDS, REFUSED

LOOSE = Environment({"unset": INT}, homogeneous=False)
STRICT = Environment({})


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines() if not line.strip().startswith(("//", "`"))]


@pytest.mark.parametrize("expression", [line for text in HOLDS.values() for line in lines(text)])
def test_it_holds(expression: str) -> None:
    assert LOOSE.compile(expression).evaluate({}) is True


@pytest.mark.parametrize(("expression", "message"), FAILS.items())
def test_it_fails_while_it_runs(expression: str, message: str) -> None:
    program = LOOSE.compile(expression)
    with pytest.raises(CelEvaluationError) as failure:
        program.evaluate({})
    assert message in str(failure.value)


@pytest.mark.parametrize(("expression", "message"), REFUSED.items())
def test_it_does_not_compile(expression: str, message: str) -> None:
    with pytest.raises(CelError) as refusal:
        STRICT.compile(expression)
    assert str(refusal.value).startswith(f"ERROR: <input>:{message}")


def test_an_error_shows_the_line_and_the_place() -> None:
    with pytest.raises(CelError) as refusal:
        STRICT.compile("true &&\n  x > 1")
    assert str(refusal.value) == (
        "ERROR: <input>:2:3: undeclared reference to 'x' (in container '')\n |   x > 1\n | ..^"
    )


def test_every_reason_is_told() -> None:
    with pytest.raises(CelError) as refusal:
        STRICT.compile("x + y")
    assert refusal.value.messages == (
        "undeclared reference to 'x' (in container '')",
        "undeclared reference to 'y' (in container '')",
    )


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "[" * 5000,
        "!(" * 3000 + "true" + ")" * 3000,
        " + ".join(["1"] * 3000),
        "a" + ".b" * 3000,
        "a" + "[0]" * 3000,
        "true ? " * 3000 + "1" + " : 2" * 3000,
        "[1].all(x, " * 300 + "true" + ")" * 300,
        "optional.of(1)" + ".optMap(x, x)" * 300,
        "1" * 90_000,
        "x" * 200_000,
        "'" + "\\" * 9_999,
    ],
)
def test_what_is_too_deep_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(CelError):
        Environment({"x": INT}).compile(text)


def test_a_long_chain_of_conditions_is_fine() -> None:
    assert STRICT.compile(" && ".join(["1 < 2"] * 2000)).evaluate({}) is True


def test_the_result_type_is_known() -> None:
    kinds = {text: str(STRICT.compile(text).result_type) for text in ("1 < 2", "[1].map(x, 'a')", "{'a': [1u]}", "[]")}
    assert kinds == {
        "1 < 2": "bool",
        "[1].map(x, 'a')": "list(string)",
        "{'a': [1u]}": "map(string, list(uint))",
        "[]": "list(dyn)",
    }
