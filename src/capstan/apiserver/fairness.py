"""Room for so many requests at once; those that wait are taken in turn from a queue for each user."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """`seats` at once, `waiting` in the queues of all users together, none of them longer than `patience_seconds`."""

    seats: int
    waiting: int = 0
    patience_seconds: float = 5.0


class Lane:
    """One room in use. Take a seat with `take`, or else `wait` for one, and `leave` it in any case."""

    __slots__ = ("_queues", "_room", "_waiting", "used")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.used = 0
        self._waiting = 0
        #: By user, in the order in which their turn comes.
        self._queues: dict[str, deque[asyncio.Future[bool]]] = {}

    @property
    def waiting(self) -> int:
        return self._waiting

    def take(self) -> bool:
        """A seat at once, if one is free."""
        if self.used < self._room.seats:
            self.used += 1
            return True
        return False

    async def wait(self, flow: str) -> bool:
        """A seat when it is this flow's turn; False when there is no room to wait, or it took too long."""
        if self._waiting >= self._room.waiting and not self._made_room_for(flow):
            return False
        loop = asyncio.get_running_loop()
        seat: asyncio.Future[bool] = loop.create_future()
        self._queues.setdefault(flow, deque()).append(seat)
        self._waiting += 1
        timer = loop.call_later(self._room.patience_seconds, self._give_up, flow, seat)
        try:
            return await seat
        except asyncio.CancelledError:
            if seat.done() and not seat.cancelled() and seat.result():
                self.leave()
            else:
                self._forget(flow, seat)
            raise
        finally:
            timer.cancel()

    def leave(self) -> None:
        """Free a seat: the next flow in turn gets it."""
        while self._queues:
            flow, queue = next(iter(self._queues.items()))
            del self._queues[flow]
            seat = queue.popleft()
            self._waiting -= 1
            if queue:
                self._queues[flow] = queue
            if not seat.done():
                seat.set_result(True)
                return
        self.used -= 1

    def _made_room_for(self, flow: str) -> bool:
        """When the queues are full, who has the most in them gives up the last of it to who has less."""
        if not self._queues:
            return False
        longest = max(self._queues, key=lambda name: len(self._queues[name]))
        own = len(self._queues.get(flow, ()))
        if len(self._queues[longest]) <= own + 1:
            return False
        self._give_up(longest, self._queues[longest][-1])
        return True

    def _give_up(self, flow: str, seat: asyncio.Future[bool]) -> None:
        self._forget(flow, seat)
        if not seat.done():
            seat.set_result(False)

    def _forget(self, flow: str, seat: asyncio.Future[bool]) -> None:
        queue = self._queues.get(flow)
        if queue is None or seat not in queue:
            return
        queue.remove(seat)
        self._waiting -= 1
        if not queue:
            del self._queues[flow]
