"""Wakes those who wait for something to become true; nothing is polled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Signal:
    """Waiters look again on every `notify`, in the order in which they came."""

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    def notify(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Return when it is true, at once if it is so already."""
        while not is_true():
            await self.next()

    async def next(self) -> None:
        """Return at the next `notify`."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter
