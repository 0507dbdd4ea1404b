"""An event loop whose clock is a number: when nothing is ready it jumps to the next timer.

Guarantees: no sockets, threads or wall clock inside; callbacks run in the order in which they became ready, timers
of the same instant in the order in which they were set, so equal runs take equal steps; when nothing is ready and
no timer is set, nothing can ever happen again, and `Stuck` says which tasks wait for what.

Assumptions: the engine of `asyncio.BaseEventLoop` asks its `_selector` what to wait for and lists its timers in
`_scheduled` (CPython 3.11 to 3.13).
"""

from __future__ import annotations

import asyncio
import heapq
import math
import threading
from asyncio import base_events
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, NoReturn, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Stuck(RuntimeError):
    """Nothing is ready and no timer is set: the simulated world would wait for ever."""


class _OrderedTimer(asyncio.TimerHandle):
    """A timer that yields to those set earlier for the same instant."""

    __slots__ = ("order",)

    def __init__(self, when: float, order: int, callback: Any, args: Any, loop: Any, context: Context | None) -> None:
        super().__init__(when, callback, args, loop, context)
        self.order = order

    def __lt__(self, other: Any) -> bool:
        if isinstance(other, _OrderedTimer):
            return (self.when(), self.order) < (other.when(), other.order)
        return bool(super().__lt__(other))


class _Jump:
    """Stands where a selector would: instead of waiting it moves the clock to the next timer."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            self._loop.raise_stuck()
        if timeout > 0:
            self._loop.jump()
        return []

    def close(self) -> None:
        """Nothing is held."""


class VirtualLoop(base_events.BaseEventLoop):
    """The loop of a simulated world. `time()` starts at 0 and moves only when nothing is left to do."""

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._order = 0
        self._selector = _Jump(self)
        self._clock_resolution = 1e-9
        self._owner = threading.get_ident()

    def time(self) -> float:
        return self._now

    def jump(self) -> None:
        """Move the clock to the earliest timer."""
        self._now = max(self._now, self._scheduled[0].when())

    def skip(self, seconds: float) -> None:
        """Let time go by without anything happening, as on a machine that sleeps; then all that is overdue happens."""
        self._now += seconds
        # After months a float has no room for the resolution, and a timer of now would never be due.
        self._clock_resolution = max(self._clock_resolution, 8 * math.ulp(self._now))

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's, with timers of the same instant in the order of their setting."""
        self._check_closed()  # type: ignore[attr-defined]
        self._order += 1
        timer = _OrderedTimer(when, self._order, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def raise_stuck(self) -> NoReturn:
        waiting = sorted(
            f"{task.get_name()} in {getattr(task.get_coro(), '__qualname__', '?')}"
            for task in asyncio.all_tasks(self)
            if not task.done()
        )
        shown = "\n  ".join(waiting[:40]) or "(no tasks)"
        raise Stuck(f"nothing is ready and no timer is set at t={self._now:.3f} s; tasks that wait:\n  {shown}")

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """There are no threads here: the function runs at once, in place."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if threading.get_ident() != self._owner:
            raise RuntimeError("the virtual world has no threads, but one of them called back into its loop")
        return self.call_soon(callback, *args, context=context)

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no file descriptors, so no events."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector who would have to be woken."""

    async def create_connection(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("the virtual world has no sockets: pass a simulated transport")

    async def create_server(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("the virtual world has no sockets: serve in the lab instead")

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("the virtual world has no name service")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine on a virtual loop of its own, and end what it left running."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        finish(loop)


def finish(loop: VirtualLoop) -> None:
    """Cancel every task that is left and close the loop."""
    left = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
