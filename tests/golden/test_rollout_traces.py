"""The published rollout traces of Cluster API come out of the planner line by line."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.golden.rollout_world import RolloutWorld

TRACES = Path(__file__).parents[3] / "shared" / "data" / "rollout-traces"
NAMES = sorted(path.name for path in TRACES.glob("*.txt")) if TRACES.is_dir() else []


def _side_by_side(ours: list[str], theirs: list[str]) -> str:
    rows = []
    for mine, other in zip_longest(ours, theirs, fillvalue=""):
        rows.append(f"{'  ' if mine == other else '! '}{mine[:100]:<100} | {other}")
    return "\n".join(rows)


@pytest.mark.skipif(not NAMES, reason="the traces are not beside this repository")
def test_there_are_sixteen_traces() -> None:
    assert len(NAMES) == 16


@pytest.mark.parametrize("name", NAMES)
def test_trace(name: str) -> None:
    text = (TRACES / name).read_text()
    theirs = [line.rstrip() for line in text.splitlines()[2:] if line.strip()]
    ours = [line.rstrip() for line in RolloutWorld(text).play().splitlines()]
    assert re.match(r"\[Test\] Initial", theirs[0])
    if ours != theirs:
        pytest.fail(f"{name}: ours on the left, the trace on the right\n{_side_by_side(ours, theirs)}")
