"""Commands to a running plane: a socket in its data directory that only its user can open.

One request is a line of JSON (`{"command": ..., options}`); the answers are lines: any number of
`{"progress": [done, total]}`, then one `{"result": {...}}` or `{"error": "..."}`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from capstan.api.errors import TerminalError
from capstan.store.protocol import StoreError

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Options = Mapping[str, Any]
Command = Callable[[Options, Progress], Awaitable[Mapping[str, Any]]]

_LINE_BYTES = 64 * 1024


class ControlError(TerminalError):
    """What the plane said, or that no plane runs."""


class NotRunningError(ControlError):
    """No plane listens in the data directory."""


class Control:
    """The plane's end of the socket."""

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._commands = commands
        self._server: asyncio.AbstractServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """The caller holds the directory's lock: a socket that is there is of a plane that is gone."""
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        with _short(self._path) as path:
            listening.bind(path)
        self._path.chmod(0o600)
        listening.listen(8)
        listening.setblocking(False)
        self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=_LINE_BYTES)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _peer(writer) in (0, os.geteuid()):
                writer.write(orjson.dumps(await self._answer(reader, writer)) + b"\n")
                await writer.drain()
        except (OSError, ValueError) as error:
            log.warning("a caller on %s was lost: %s", self._path, error)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Mapping[str, Any]:
        def progress(count: int, total: int) -> None:
            writer.write(orjson.dumps({"progress": [count, total]}) + b"\n")

        try:
            request = orjson.loads(await reader.readline())
            command = self._commands[request["command"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return {"error": "this plane does not know that command; is it of another version?"}
        try:
            return {"result": await command(request, progress)}
        except (StoreError, ControlError) as error:
            return {"error": str(error)}
        except Exception:
            log.exception("the command %s failed", request["command"])
            return {"error": "an internal error occurred; the log of the plane has more"}


def ask(path: Path, request: Mapping[str, Any], progress: Progress | None = None) -> Mapping[str, Any]:
    """Ask the plane of a socket and wait for its result. Raises ControlError."""
    with _dialled(path) as connection:
        connection.sendall(orjson.dumps(request) + b"\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                answer = orjson.loads(line)
                if "result" in answer:
                    result: Mapping[str, Any] = answer["result"]
                    return result
                if "error" in answer:
                    raise ControlError(answer["error"])
                if progress is not None:
                    progress(*answer["progress"])
    raise ControlError("the management plane ended before it was done")


@contextmanager
def _dialled(path: Path) -> Iterator[socket.socket]:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        try:
            with _short(path) as short:
                connection.connect(short)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise NotRunningError(f"no management plane runs on {path.parent}") from None
        except OSError as error:
            raise ControlError(f"the management plane on {path.parent} cannot be reached: {error.strerror}") from None
        yield connection
    finally:
        connection.close()


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The address of a socket has room for 107 bytes; a path below an open directory always fits."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _peer(writer: asyncio.StreamWriter) -> int:
    """The user at the other end, as the kernel says."""
    raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", raw)[1])
