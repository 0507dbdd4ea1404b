"""Compares a text with the one that is kept; `REWRITE_GOLDEN=1` keeps the new one instead. Every diff is read."""

from __future__ import annotations

import os
from pathlib import Path

_FOLDER = Path(__file__).parent


def assert_golden(name: str, text: str) -> None:
    """`name` is the file's, next to this one."""
    path = _FOLDER / name
    if os.environ.get("REWRITE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path.name} is not there yet: run once with REWRITE_GOLDEN=1, and read it"
    assert text == path.read_text(encoding="utf-8")
