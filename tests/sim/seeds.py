"""Where the samples of the short runs come from: each change plays others, and anyone can play the same ones again."""

from __future__ import annotations

import os
import subprocess

from tests.sim.homelab import ROOT


def drawn_seed(variable: str) -> str:
    """What the environment's variable says, else the commit that is checked out."""
    given = os.environ.get(variable, "")
    if given:
        return given
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "0"
