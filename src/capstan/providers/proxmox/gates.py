"""Bounds how many long operations of one kind run at a time on one storage: the rest queue here, not in PVE.

Parallel clones on one storage wait for each other on PVE's storage lock and fail when that takes too long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

#: Clones that may run at a time on one storage.
CLONES_PER_STORAGE = 4


@dataclass(slots=True)
class Gates:
    """Who may go now. A holder is a name that is asked for again after a restart, so nothing is stored."""

    limit: int = CLONES_PER_STORAGE
    _holders: dict[str, set[str]] = field(default_factory=dict)
    _waiting: dict[str, deque[tuple[str, asyncio.Future[None]]]] = field(default_factory=dict)

    async def enter(self, gate: str, holder: str) -> None:
        """Returns when there is room, in the order of arrival. Cancelled waiters leave no trace."""
        inside = self._holders.setdefault(gate, set())
        if holder in inside or len(inside) < self.limit:
            inside.add(holder)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(gate, deque())
        queue.append((holder, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(gate, holder)
            else:
                self._waiting[gate] = deque(entry for entry in queue if entry[1] is not turn)
            raise

    def leave(self, gate: str, holder: str) -> None:
        """`holder` is done; the next one goes in. Leaving twice is harmless."""
        inside = self._holders.get(gate, set())
        if holder not in inside:
            return
        inside.discard(holder)
        queue = self._waiting.get(gate, deque())
        while queue and len(inside) < self.limit:
            follower, turn = queue.popleft()
            if not turn.done():
                inside.add(follower)
                turn.set_result(None)
