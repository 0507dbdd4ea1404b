"""How long work is shown to whoever waits for it at a terminal."""

from __future__ import annotations

import sys


class Percent:
    """Called with what is done of how much; one line that changes, on a terminal's standard error only."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._shown = -1
        self._stream = sys.stderr

    def __call__(self, done: int, total: int) -> None:
        percent = 100 * done // total if total else 100
        if percent == self._shown or not self._stream.isatty():
            return
        self._shown = percent
        self._stream.write(f"\r{self._word}: {percent} %")
        if percent >= 100:
            self._stream.write("\n")
        self._stream.flush()
