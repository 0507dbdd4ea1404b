"""Follows Proxmox VE tasks (UPIDs) to their end: each task is asked about once, for all who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from capstan.providers.proxmox.errors import PveError, classify_text
from capstan.runtime.clock import Clock

#: Seconds between two looks at a running task: the first, the last, and how it grows.
FIRST_PAUSE, LAST_PAUSE, GROWTH = 0.5, 2.0, 1.5


@dataclass(frozen=True, slots=True)
class Upid:
    """`UPID:node:pid:pstart:starttime:type:id:user:`. The task's status is asked on its node."""

    text: str
    node: str
    type: str
    id: str
    user: str

    @classmethod
    def parse(cls, text: str) -> Upid:
        """Raises ValueError for what is not a UPID."""
        parts = text.split(":")
        if len(parts) < 9 or parts[0] != "UPID":
            raise ValueError(f"not a task id of Proxmox VE: {text!r}")
        # The id may be a volume and hold colons itself.
        return cls(text, parts[1], parts[5], ":".join(parts[6:-2]), parts[-2])


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How a task ended: `OK`, `WARNINGS: n` (done, with warnings), or what went wrong."""

    upid: str
    exit_status: str

    @property
    def done(self) -> bool:
        return self.exit_status == "OK" or self.exit_status.startswith("WARNINGS")

    def error(self) -> PveError | None:
        """The typed error of a failed task; None when it is done."""
        return None if self.done else classify_text(self.exit_status, f"task {Upid.parse(self.upid).type}")


#: Reads `GET /nodes/{node}/tasks/{upid}/status` of one task.
ReadStatus = Callable[[Upid], Awaitable[dict[str, Any]]]


class Tasks:
    """The tasks of one Proxmox VE cluster that somebody waits for.

    Guarantees: one poll at a time for each UPID however many wait; a waiter that is cancelled disturbs no other.
    Errors: TaskGone when PVE has forgotten the task; what the transport raises when the node does not answer.
    """

    def __init__(self, read_status: ReadStatus, clock: Clock) -> None:
        self._read_status = read_status
        self._clock = clock
        self._followed: dict[str, asyncio.Task[TaskEnd]] = {}

    async def end(self, upid: str) -> TaskEnd:
        """Waits until the task has ended and says how."""
        task = self._followed.get(upid)
        if task is None:
            task = asyncio.create_task(self._follow(Upid.parse(upid)), name=f"follow {upid}")
            self._followed[upid] = task
            task.add_done_callback(lambda ended: self._forget(upid, ended))
        return await asyncio.shield(task)

    def _forget(self, upid: str, ended: asyncio.Task[TaskEnd]) -> None:
        self._followed.pop(upid, None)
        if not ended.cancelled():
            ended.exception()  # Retrieved here: the last waiter may be gone.

    async def _follow(self, upid: Upid) -> TaskEnd:
        pause = FIRST_PAUSE
        while True:
            status = await self._read_status(upid)
            if status.get("status") == "stopped":
                return TaskEnd(upid.text, str(status.get("exitstatus", "unexpected status")))
            await self._clock.sleep(pause)
            pause = min(pause * GROWTH, LAST_PAUSE)

    async def aclose(self) -> None:
        """Stops asking. The tasks themselves go on in PVE."""
        for task in tuple(self._followed.values()):
            task.cancel()
        await asyncio.gather(*self._followed.values(), return_exceptions=True)
