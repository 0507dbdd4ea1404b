"""How long a request may take: what it asks for with `?timeout=`, at most what the server allows; and its end then."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from capstan.api.errors import bad_request
from capstan.apiserver.exchange import Request
from capstan.apiserver.requestinfo import RequestInfo

REQUEST_SECONDS = 60.0
#: Who waits longer than this for a write would not learn of it before other deadlines on the way.
WRITE_SECONDS = 34.0
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(ns|us|µs|ms|s|m|h)")
_MAX_LENGTH = 64


def request_seconds(request: Request, info: RequestInfo) -> float:
    """Raises 400 when the parameter is no duration."""
    allowed = REQUEST_SECONDS if info.is_read else WRITE_SECONDS
    if "timeout" not in request.query:
        return allowed
    text = request.param("timeout")
    if not text:
        return allowed
    seconds = parse_duration(text)
    if seconds is None or seconds < 0:
        raise bad_request(f'invalid timeout specified in the request URL - time: invalid duration "{text[:40]}"')
    return min(allowed, seconds) or allowed


def parse_duration(text: str) -> float | None:
    """Seconds of a duration as Go writes it (`1m30s`, `500ms`); None for anything else."""
    if len(text) > _MAX_LENGTH:
        return None
    sign = -1.0 if text.startswith("-") else 1.0
    rest = text.lstrip("+-") if text[:1] in "+-" else text
    if rest == "0":
        return 0.0
    total, position = 0.0, 0
    while position < len(rest):
        match = _PART.match(rest, position)
        if match is None:
            return None
        total += float(match.group(1)) * _UNITS[match.group(2)]
        position = match.end()
    return sign * total if rest else None


class Running:
    """One request that may take until `due`, in the loop's time, and the task that works on it."""

    __slots__ = ("_cancelling", "due", "expired", "task")

    def __init__(self, task: asyncio.Task[Any], due: float) -> None:
        self.task = task
        self.due = due
        self.expired = False
        self._cancelling = task.cancelling()

    def is_ours(self) -> bool:
        """Whether a cancellation that arrived came from the deadline alone."""
        return self.expired and self.task.uncancel() <= self._cancelling


class Clockwork:
    """Cancels requests whose time is up, with one timer for all of them: almost none ever needs its own.

    Each `begin` has its `end`; who catches CancelledError between them asks `is_ours`.
    """

    def __init__(self) -> None:
        self._running: dict[Running, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, seconds: float) -> Running:
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        running = Running(task, loop.time() + seconds)
        self._running[running] = None
        timer = self._timer
        if timer is None or timer.when() > running.due:
            self._set(loop, running.due)
        return running

    def end(self, running: Running) -> None:
        del self._running[running]

    def _set(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(due, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for running in [one for one in self._running if one.due <= now and not one.expired]:
            running.expired = True
            running.task.cancel()
        left = [one.due for one in self._running if not one.expired]
        if left:
            self._set(loop, min(left))
