"""Lets so many requests through in a second: a bucket of tokens that fills up at that rate."""

from __future__ import annotations

import asyncio


class Throttle:
    """`burst` requests go at once, the others `qps` a second, in the order in which they came."""

    def __init__(self, qps: float, burst: int) -> None:
        self._seconds = 1.0 / qps
        self._burst = burst
        #: When the bucket is full again.
        self._full_at = 0.0

    async def enter(self) -> None:
        """Returns when the request may go."""
        now = asyncio.get_running_loop().time()
        self._full_at = max(self._full_at, now) + self._seconds
        pause = self._full_at - now - self._burst * self._seconds
        if pause > 0:
            await asyncio.sleep(pause)
