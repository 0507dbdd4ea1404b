"""Tasks: what runs in the background, known by its UPID, with a status, an exit status and a log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from capstan.sim.proxmox.errors import PveError, bad_parameter


@dataclass(slots=True)
class Task:
    """`exit_status` is empty while it runs, then OK, `WARNINGS: n` or the text of the error."""

    upid: str
    node: str
    pid: int
    type: str
    id: str
    user: str
    start_time: int
    exit_status: str = ""
    end_time: int = 0
    log: list[str] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None
    undo: Callable[[], None] | None = None

    @property
    def running(self) -> bool:
        return not self.exit_status


class Tasks:
    """All tasks of a cluster. `seconds` gives the wall time of the simulated hosts."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._tasks: dict[str, Task] = {}
        self._pid = 0x4000

    def start(
        self,
        node: str,
        kind: str,
        subject: str,
        user: str,
        duration: float,
        work: Callable[[], None],
        undo: Callable[[], None] | None = None,
    ) -> str:
        """Run `work` after `duration`. What it raises becomes the exit status; then `undo` cleans up."""
        self._pid += 1
        start = int(self._seconds())
        upid = f"UPID:{node}:{self._pid:08X}:{self._pid * 64:08X}:{start:08X}:{kind}:{subject}:{user}:"
        task = self._tasks[upid] = Task(upid, node, self._pid, kind, subject, user, start, undo=undo)
        if duration <= 0:
            self._finish(task, work)
        else:
            loop = asyncio.get_running_loop()
            task.timer = loop.call_later(duration, self._finish, task, work)
        return upid

    def get(self, upid: str) -> Task:
        task = self._tasks.get(upid)
        if task is None:
            raise bad_parameter("upid", "no such task")
        return task

    def of_node(self, node: str) -> list[Task]:
        return [task for task in self._tasks.values() if task.node == node]

    def stop(self, upid: str) -> None:
        """Interrupt a running task; what it had half done is cleaned up."""
        task = self.get(upid)
        if task.running:
            if task.timer is not None:
                task.timer.cancel()
            self._fail(task, "received interrupt")

    def interrupt_node(self, node: str) -> None:
        """The host went down: its tasks vanish in the middle of their work."""
        for task in self.of_node(node):
            if task.running:
                if task.timer is not None:
                    task.timer.cancel()
                task.exit_status, task.end_time = "unexpected status", int(self._seconds())

    def forget(self) -> None:
        """Rotate the logs: finished tasks are no longer known."""
        self._tasks = {upid: task for upid, task in self._tasks.items() if task.running}

    def _finish(self, task: Task, work: Callable[[], None]) -> None:
        try:
            work()
        except PveError as error:
            self._fail(task, error.reason)
            return
        task.log.append("TASK OK")
        task.exit_status, task.end_time = "OK", int(self._seconds())

    def _fail(self, task: Task, reason: str) -> None:
        if task.undo is not None:
            task.undo()
        task.log.append(f"TASK ERROR: {reason}")
        task.exit_status, task.end_time = reason, int(self._seconds())
