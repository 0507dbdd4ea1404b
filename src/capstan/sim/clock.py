"""The virtual world's time: the loop's number of seconds, counted from a fixed date."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

#: The first instant of every simulated run, unless told otherwise.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """Implements `capstan.runtime.clock.Clock` on a loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, epoch: datetime = EPOCH) -> None:
        self._loop = loop
        self._epoch = epoch

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        loop = self._loop or asyncio.get_running_loop()
        return loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
