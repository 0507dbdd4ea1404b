"""The process ends at one point before or after an effect, for every such point; the next one ends in the same state.

The short run plays a sample that is drawn by a seed: the variable CAPSTAN_CRASH_SEED, else the commit that is checked
out, so that each change plays other points and anyone can play the same ones again. With the marker `full` all points.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.sim.homelab import ROOT
from tests.sim.journeys import JOURNEYS
from tests.sim.seeds import drawn_seed

#: In the short run one point out of so many is played: two of each journey, sometimes three.
EVERY = {
    "create": 230,
    "scale-up": 150,
    "scale-down": 100,
    "rolling-replacement": 100,
    "control-plane-replacement": 250,
    "on-delete": 100,
    "undo": 80,
    "remediation": 110,
    "control-plane-remediation": 110,
    "delete": 100,
    "delete-while-creating": 230,
}


def _play(*arguments: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The endings, and what is told of all of them. In a process of its own, which has no threads and so can be
    split."""
    command = [sys.executable, "-m", "tests.sim.crashpoints", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    *endings, summary = [json.loads(line) for line in ended.stdout.splitlines()]
    return endings, summary


def _check(endings: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    (whole,) = [ending for ending in endings if ending["point"] == 0]
    assert not whole["error"], whole["error"]
    failed = {ending["point"]: ending["error"] for ending in endings if ending["error"]}
    assert not failed, "\n".join(f"point {point}:\n{error}" for point, error in sorted(failed.items()))
    differs = {f"point {point}": lines for point, lines in summary["differs"].items()}
    assert not differs, f"the world ends otherwise than without a crash: {json.dumps(differs, indent=1)}"


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_crash_at_points_of_the_journey(name: str) -> None:
    seed = drawn_seed("CAPSTAN_CRASH_SEED")
    print(f"CAPSTAN_CRASH_SEED={seed}")  # pytest shows it when the test fails
    endings, summary = _play(name, "--every", str(EVERY[name]), "--seed", seed)
    _check(endings, summary)
    # The first block may draw point 0, which is the run without a crash.
    assert len(endings) >= max(summary["points"] // EVERY[name], 2)


@pytest.mark.full
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_crash_at_every_point_of_the_journey(name: str) -> None:
    endings, summary = _play(name, "--all")
    _check(endings, summary)
    assert len(endings) == 1 + summary["points"]
