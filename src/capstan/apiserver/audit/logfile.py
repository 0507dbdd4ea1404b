"""The audit log as a file: JSON lines that a thread writes, rotated by size, kept by age and number."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson

from capstan.api.objects import Obj
from capstan.apiserver.audit.redaction import redacted

log = logging.getLogger(__name__)

_STAMP = "%Y-%m-%dT%H-%M-%S.%f"


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Where, how large one file gets, and how many old ones are kept for how long. Nothing older is deleted when a
    number is 0. `queued` events may wait for the disk; more are lost, and counted."""

    path: Path
    max_bytes: int = 100 * 1024 * 1024
    max_backups: int = 10
    max_age: timedelta = timedelta(days=30)
    queued: int = 20_000
    flush_seconds: float = 0.1


class Line(msgspec.Struct, frozen=True):
    """One event and the bodies that belong to it, as they came. They are decoded, and cleaned, by the thread."""

    event: Obj
    request: bytes = b""
    response: bytes = b""
    omit_managed_fields: bool = False


class AuditFile:
    """Takes events on the loop and never waits for the disk. Made for its owner alone (0600).

    Assumptions: `put` and `close` are called on one event loop. Errors: an event that cannot be written is counted
    in `lost` and said in the program's log once, never to the client.
    """

    def __init__(self, options: LogOptions, clock: Callable[[], datetime]) -> None:
        self._options = options
        self._clock = clock
        self._waiting: list[Line] = []
        self._jobs: queue.SimpleQueue[list[Line] | None] = queue.SimpleQueue()
        self._in_thread = 0
        self._timer: asyncio.TimerHandle | None = None
        self.written = 0
        self.lost = 0
        self._failed = False
        self._descriptor = -1
        self._size = 0
        self._open()
        self._thread = threading.Thread(target=self._write_all, name="audit-log", daemon=True)
        self._thread.start()

    def put(self, line: Line) -> None:
        if len(self._waiting) + self._in_thread >= self._options.queued:
            self.lost += 1
            return
        self._waiting.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._options.flush_seconds, self._hand_over)

    async def close(self) -> None:
        """Write what waits, and close the file."""
        self._hand_over()
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        os.close(self._descriptor)

    def _hand_over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._waiting = self._waiting, []
        if lines:
            self._in_thread += len(lines)
            self._jobs.put(lines)

    # The thread.

    def _write_all(self) -> None:
        while (lines := self._jobs.get()) is not None:
            try:
                self._write(lines)
                self.written += len(lines)
            except OSError as error:
                self.lost += len(lines)
                if not self._failed:
                    log.error("the audit log cannot be written: %s", error.strerror)
                self._failed = True
            else:
                self._failed = False
            self._in_thread -= len(lines)

    def _write(self, lines: Sequence[Line]) -> None:
        """All lines in as few writes as files: each write gives the interpreter away, and waits to have it again."""
        limit = self._options.max_bytes
        due: list[bytes] = []
        size = self._size
        for data in map(encoded, lines):
            if limit and size and size + len(data) > limit:
                self._append(due)
                self._rotate()
                due, size = [], self._size
            due.append(data)
            size += len(data)
        self._append(due)

    def _append(self, lines: Sequence[bytes]) -> None:
        view = memoryview(b"".join(lines))
        while view:
            sent = os.write(self._descriptor, view)
            view = view[sent:]
            self._size += sent

    def _open(self) -> None:
        path = self._options.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        path = self._options.path
        stamp = self._clock().astimezone(UTC).strftime(_STAMP)[:-3]
        os.close(self._descriptor)
        os.replace(path, path.with_name(f"{path.stem}-{stamp}{path.suffix}"))
        self._open()
        for old in expired_backups(self.backups(), self._options, self._clock()):
            old.unlink(missing_ok=True)

    def backups(self) -> list[Path]:
        path = self._options.path
        found = path.parent.glob(f"{path.stem}-*{path.suffix}")
        return sorted(one for one in found if stamp_of(one, path) is not None)


def stamp_of(backup: Path, path: Path) -> datetime | None:
    """When a file was put aside, by its name; None when the name is no backup's."""
    text = backup.name[len(path.stem) + 1 : len(backup.name) - len(path.suffix)]
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def expired_backups(backups: Sequence[Path], options: LogOptions, now: datetime) -> list[Path]:
    """Which of the backups, oldest first, are too many or too old."""
    expired = list(backups[: -options.max_backups]) if options.max_backups else []
    for backup in backups:
        made = stamp_of(backup, options.path)
        if options.max_age and made is not None and now - made > options.max_age and backup not in expired:
            expired.append(backup)
    return expired


def encoded(line: Line) -> bytes:
    """One line of the file."""
    event = line.event
    for name, body in (("requestObject", line.request), ("responseObject", line.response)):
        if body:
            shown = _body(body, line.omit_managed_fields)
            if shown is not None:
                event[name] = shown
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def _body(body: bytes, omit_managed_fields: bool) -> Any:
    """A body without secrets. One that is no JSON is left out: it cannot be looked through."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if omit_managed_fields and isinstance(value, dict):
        for obj in (value, *(value.get("items") or ())):
            metadata = obj.get("metadata") if isinstance(obj, dict) else None
            if isinstance(metadata, dict):
                metadata.pop("managedFields", None)
    return redacted(value)
