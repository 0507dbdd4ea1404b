"""The process ends at one point before or after an effect, for every such point; the next one ends in the same state.

The short run plays a sample that is drawn by a seed: the variable CAPSTAN_CRASH_SEED, else the commit that is checked
out, so that each change plays other points and anyone can play the same ones again. With the marker `full` all points.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.sim.homelab import ROOT
from tests.sim.journeys import JOURNEYS

#: In the short run one point out of so many is played: three or four of each journey.
EVERY = {
    "create": 140,
    "scale-up": 140,
    "scale-down": 60,
    "rolling-replacement": 60,
    "control-plane-replacement": 150,
    "on-delete": 70,
    "remediation": 70,
    "delete": 70,
}


def _seed() -> str:
    given = os.environ.get("CAPSTAN_CRASH_SEED", "")
    if given:
        return given
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "0"


def _play(*arguments: str) -> tuple[list[dict[str, Any]], int]:
    """The endings, and how many points there are. In a process of its own, which has no threads and so can be split."""
    command = [sys.executable, "-m", "tests.sim.crashpoints", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    *endings, summary = [json.loads(line) for line in ended.stdout.splitlines()]
    return endings, summary["points"]


def _check(endings: list[dict[str, Any]]) -> None:
    (whole,) = [ending for ending in endings if ending["point"] == 0]
    assert not whole["error"], whole["error"]
    failed = {ending["point"]: ending["error"] for ending in endings if ending["error"]}
    assert not failed, "\n".join(f"point {point}:\n{error}" for point, error in sorted(failed.items()))
    others = {ending["point"]: ending["machines"] for ending in endings if _owners(ending) != _owners(whole)}
    assert not others, f"without a crash {whole['machines']}, and {others}"


def _owners(ending: dict[str, Any]) -> list[str]:
    """The owner of each machine. Its own name may be another: a number that was written down is not used again, and
    a set that is made by the new process has another UID."""
    return sorted(name.rpartition("-")[0] for name in ending["machines"])


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_crash_at_points_of_the_journey(name: str) -> None:
    seed = _seed()
    print(f"CAPSTAN_CRASH_SEED={seed}")  # pytest shows it when the test fails
    endings, points = _play(name, "--every", str(EVERY[name]), "--seed", seed)
    _check(endings)
    # The first block may draw point 0, which is the run without a crash.
    assert len(endings) >= max(points // EVERY[name], 2)


@pytest.mark.full
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_crash_at_every_point_of_the_journey(name: str) -> None:
    endings, points = _play(name, "--all")
    _check(endings)
    assert len(endings) == 1 + points
