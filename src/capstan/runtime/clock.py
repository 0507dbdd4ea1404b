"""Time as it is passed in: the wall clock for the real world, the virtual one lives in `capstan.sim`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """`now` is aware UTC; `monotonic` counts seconds for spans; `sleep` waits in the same time."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real time. Spans follow the event loop's clock, so a virtual loop makes them virtual too."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
