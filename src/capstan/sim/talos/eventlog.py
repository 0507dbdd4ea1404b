"""The events of one machine, as the Events stream tells them: kept for a while, then forgotten, gone with a boot."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capstan.sim.signal import Signal


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """`kind` is the payload's message name without its package (`SequenceEvent`); `number` counts from 1."""

    number: int
    kind: str
    fields: Mapping[str, Any]


class EventLog:
    """`appended` wakes those who follow."""

    def __init__(self) -> None:
        self.events: deque[LoggedEvent] = deque(maxlen=256)
        self.appended = Signal()
        self._count = 0

    @property
    def last(self) -> int:
        return self._count

    def add(self, kind: str, **fields: Any) -> None:
        self._count += 1
        self.events.append(LoggedEvent(self._count, kind, fields))
        self.appended.notify()

    async def after(self, number: int) -> list[LoggedEvent]:
        """The events that follow the one of that number, as soon as there is one."""
        await self.appended.until(lambda: self._count > number)
        return [event for event in self.events if event.number > number]

    def sequence(self, name: str, action: str) -> None:
        """`action` is START or STOP."""
        self.add("SequenceEvent", sequence=name, action=action)
