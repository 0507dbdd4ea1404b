"""The trace of a run: one line for each effect, write and fault, with virtual time. Equal seeds give equal bytes."""

from __future__ import annotations

from collections.abc import Callable

#: Gives seconds since the world began.
Seconds = Callable[[], float]


class Trace:
    """Lines such as `    12.500 pve    POST /nodes/pve1/qemu/9000/clone`. Callers pass no secrets and no random
    bytes: what goes in must follow from the seed."""

    def __init__(self, seconds: Seconds) -> None:
        self._seconds = seconds
        self.lines: list[str] = []
        #: Told after each line.
        self.on_line: Callable[[], None] = _nothing

    def add(self, who: str, what: str) -> None:
        self.lines.append(f"{self._seconds():10.3f} {who:<8} {what}")
        self.on_line()

    def text(self) -> str:
        return "".join(line + "\n" for line in self.lines)

    def count(self, who: str) -> int:
        """How many lines a part has written."""
        return sum(1 for line in self.lines if line[11:].split(" ", 1)[0] == who)


def _nothing() -> None:
    return None
