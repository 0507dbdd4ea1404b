"""The lab's HTTP CONNECT proxy: leads to simulated machines at the addresses of the manifests, and nowhere else.

Whatever it does not know it refuses with 502: nothing is ever sent to an address of the host's networks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_REQUEST_LIMIT = 16 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """Where a target is served: a UNIX socket of this process or a port on its loopback, and what ends its
    connections."""

    target: str | int
    broken: Callable[[], Awaitable[None]]

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, str):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection("127.0.0.1", self.target)


#: Finds the route to `host`, `port`; None when nothing answers there.
Router = Callable[[str, int], Awaitable[Route | None]]


class ConnectProxy:
    """Listens on loopback only."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._server: asyncio.Server | None = None
        self._tunnels: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> str:
        """The proxy's URL, `http://127.0.0.1:port`."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=_REQUEST_LIMIT)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for tunnel in list(self._tunnels):
            tunnel.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = asyncio.ensure_future(self._tunnel(reader, writer))
        self._tunnels.add(tunnel)
        tunnel.add_done_callback(self._tunnels.discard)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Either end may hang up at any time, and what comes may be no request: then there is nobody to tell.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            try:
                await self._serve(reader, writer)
            finally:
                await _close(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3 or words[0] != "CONNECT":
            await _refuse(writer, "405 Method Not Allowed", "this proxy only does CONNECT")
            return
        host, _, port = words[1].rpartition(":")
        route = await self._router(host.strip("[]"), int(port)) if port.isdigit() else None
        if route is None:
            await _refuse(writer, "502 Bad Gateway", f"nothing in the lab answers at {words[1]}")
            return
        far_reader, far_writer = await route.open()
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _splice(reader, writer, far_reader, far_writer, route.broken)
        finally:
            await _close(far_writer)


async def _splice(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
    broken: Callable[[], Awaitable[None]],
) -> None:
    """Both directions until one ends, or the machine goes down."""
    tasks = [
        asyncio.ensure_future(_copy(reader, far_writer)),
        asyncio.ensure_future(_copy(far_reader, writer)),
        asyncio.ensure_future(broken()),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()


async def _refuse(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
