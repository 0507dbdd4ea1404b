"""One client's connection: HTTP/1.1 requests in, answers, streams and WebSocket messages out, each with a deadline."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.compression import accepts_gzip, gzip_compressor, gzipped, is_worth_gzip
from capstan.apiserver.decode import MAX_BODY_BYTES
from capstan.apiserver.exchange import Request, Response, error_response
from capstan.apiserver.head import answer_head
from capstan.apiserver.websocket import WebSocket, is_handshake

log = logging.getLogger(__name__)

#: All header lines of one request together, and one line of them.
MAX_HEAD_BYTES = 64 * 1024
MAX_LINE_BYTES = 32 * 1024
MAX_FIELD_BYTES = 16 * 1024
MAX_HEADERS = 128
_READ_AHEAD_BYTES = 64 * 1024
_JOIN_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a peer may take: for the lines of a request's head, for its body, between two requests, to read what
    was sent to it, and to leave when its request was refused half-way."""

    head_seconds: float = 10.0
    body_seconds: float = 60.0
    idle_seconds: float = 120.0
    stalled_seconds: float = 30.0
    leaving_seconds: float = 2.0


class Site(Protocol):
    """What all connections of one listener share."""

    loop: asyncio.AbstractEventLoop
    deadlines: Deadlines
    trusted: User | None
    closing: bool
    date: bytes
    connections: dict[Connection, None]

    def handle(self, request: Request) -> Awaitable[Response]: ...

    def user(self, certificate: Mapping[str, Any] | None, tls: Any) -> User | None: ...


class Connection(BaseProtocol):
    """Requests are answered one after the other, in one task for the life of the connection."""

    __slots__ = (
        "_ahead",
        "_certificate",
        "_discards",
        "_due",
        "_got",
        "_head_bytes",
        "_next",
        "_payload",
        "_peer",
        "_site",
        "_stalled_at",
        "_task",
        "_user",
        "_waiter",
        "_websocket",
    )

    def __init__(self, site: Site) -> None:
        super().__init__(site.loop)
        self._site = site
        self._parser = HttpRequestParser(
            self,
            site.loop,
            _READ_AHEAD_BYTES,
            max_line_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            max_field_size=MAX_FIELD_BYTES,
            auto_decompress=False,
            max_msg_queue_size=1,
        )
        #: What came and was not looked at: more requests, while one is answered.
        self._ahead = b""
        self._next: tuple[RawRequestMessage, StreamReader] | ApiError | None = None
        self._payload: StreamReader | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._websocket: WebSocket | None = None
        self._task: asyncio.Task[None] | None = None
        self._user: User | None = None
        self._certificate: Mapping[str, Any] | None = None
        self._peer = ""
        self._head_bytes = 0
        self._got = False
        #: When the peer is late with what it owes; None while it owes nothing.
        self._due: float | None = None
        self._stalled_at: float | None = None
        self._discards = False

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        site = self._site
        site.connections[self] = None
        self._certificate = transport.get_extra_info("peercert") or None
        self._user = site.trusted or site.user(self._certificate, transport.get_extra_info("ssl_object"))
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else ""
        self._due = site.loop.time() + site.deadlines.idle_seconds
        self._task = site.loop.create_task(self._run())

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._site.connections.pop(self, None)
        self._due = self._stalled_at = None
        if self._websocket is not None:
            self._websocket.lost()
        if self._task is not None:
            self._task.cancel()

    def eof_received(self) -> None:
        """The peer sends no more: the transport closes, which ends the task."""

    def data_received(self, data: bytes) -> None:
        if self._discards:
            return
        if self._websocket is not None:
            self._websocket.feed(data)
        elif self._got and (self._payload is None or self._payload.is_eof()):
            # A request is being answered: what follows it waits.
            self._ahead += data
            if len(self._ahead) > _READ_AHEAD_BYTES:
                self._pause_reading_for_buffer()
        else:
            self._feed(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled_at = self._site.loop.time() + self._site.deadlines.stalled_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalled_at = None

    # Reading requests.

    def _feed(self, data: bytes) -> None:
        assert self._parser is not None
        try:
            messages, _, _ = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self._broken(error)
            return
        if messages:
            self._head_bytes = 0
            self._got = True
            self._next = messages[0]
            self._payload = messages[0][1]
            self._wake()
        elif not self._got and data:
            if not self._head_bytes:
                self._due = self._site.loop.time() + self._site.deadlines.head_seconds
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._broken(LineTooLong(b"", MAX_HEAD_BYTES))

    def _broken(self, error: HttpProcessingError) -> None:
        """Nothing more is read: after this nobody knows where a request begins."""
        self._pause_reading_for_buffer()
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(error)
            return
        too_long = isinstance(error, LineTooLong) or "Too many headers" in error.message
        self._got = True
        self._next = (
            ApiError(431, "BadRequest", "the head of the request is too large")
            if too_long
            else ApiError(400, "BadRequest", "the request is not well-formed HTTP")
        )
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _run(self) -> None:
        try:
            while self.transport is not None and await self._exchange():
                pass
        except (ConnectionError, asyncio.CancelledError):
            return
        except Exception:
            log.exception("a connection failed")
        finally:
            if self.transport is not None:
                self.transport.close()

    async def _exchange(self) -> bool:
        """One request and its answer. False when it was the last."""
        if self._next is None:
            self._waiter = self._loop.create_future()
            await self._waiter
            self._waiter = None
        got, self._next = self._next, None
        assert got is not None
        self._due = None
        if isinstance(got, ApiError):
            await self._refuse(got)
            return False
        message, payload = got
        try:
            request = await self._request(message, payload)
        except ApiError as refusal:
            await self._refuse(refusal)
            return False
        response = await self._site.handle(request)
        if response.stream is not None:
            keeps = await self._stream(request, response)
        else:
            await self._whole(request, response)
            keeps = True
        # After a handshake the parser takes what comes for another protocol, also when it was refused.
        if not keeps or message.should_close or is_handshake(request) or self._site.closing:
            return False
        self._go_on()
        return True

    def _go_on(self) -> None:
        """Look at what came while a request was answered."""
        assert self._parser is not None
        self._got = False
        self._payload = None
        self._parser.message_consumed()
        ahead, self._ahead = self._ahead, b""
        self._due = self._site.loop.time() + self._site.deadlines.idle_seconds
        # Empty, too: the parser keeps what followed a request in the same packet.
        self._feed(ahead)
        if self._buffer_paused:
            self._resume_reading_for_buffer()

    async def _request(self, message: RawRequestMessage, payload: StreamReader) -> Request:
        headers = message.headers
        if "Expect" in headers and headers["Expect"].lower() == "100-continue" and self.transport is not None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b"" if payload is EMPTY_PAYLOAD else await self._body(headers, payload)
        target = message.path
        if not target.startswith("/"):
            target = message.url.raw_path_qs
        path, _, query = target.partition("?")
        if "%" in path:
            path = _unquoted(path)
        return Request(
            method=message.method,
            path=path,
            query=parse_qs(query, keep_blank_values=True) if query else {},
            headers=headers,
            body=body,
            user=self._user,
            certificate=self._certificate,
            peer=self._peer,
            target=target,
        )

    async def _body(self, headers: Mapping[str, str], payload: StreamReader) -> bytes:
        """The whole body. Raises 413 as soon as it is too large, 408 when it is late, 400 when it is broken."""
        length = headers.get("Content-Length", "")
        if length.isdigit() and int(length) > MAX_BODY_BYTES:
            raise _too_large()
        chunks: list[bytes] = []
        size = 0
        if not payload.is_eof():
            self._due = self._site.loop.time() + self._site.deadlines.body_seconds
        try:
            while True:
                chunk = await payload.readany()
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise _too_large()
                chunks.append(chunk)
                if payload.at_eof():
                    break
        except TimeoutError:
            raise ApiError(408, "Timeout", "the body of the request did not arrive in time") from None
        except HttpProcessingError:
            raise ApiError(400, "BadRequest", "the body of the request is not well-formed HTTP") from None
        self._due = None
        return b"".join(chunks) if len(chunks) > 1 else chunks[0]

    # Writing answers.

    async def _whole(self, request: Request, response: Response, *, close: bool = False) -> None:
        transport = self.transport
        if transport is None:
            return
        body, encoding = response.body, ""
        if is_worth_gzip(body) and accepts_gzip(request.headers):
            # zlib lets other threads run: the loop goes on with small requests.
            body, encoding = await self._loop.run_in_executor(None, gzipped, body), "gzip"
        head = answer_head(response, len(body), self._site.date, encoding=encoding, close=close)
        if request.method == "HEAD":
            transport.write(head)
        elif len(body) <= _JOIN_BYTES:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        if self._paused:
            await self._drain_helper()

    async def _refuse(self, error: ApiError) -> None:
        """Answer, and leave: what the peer still sends is thrown away until it has read why."""
        await self._whole(Request("GET", ""), error_response(error), close=True)
        if self.transport is None:
            return
        self._discards = True
        self._due = self._site.loop.time() + self._site.deadlines.leaving_seconds
        self._resume_reading_for_buffer()
        self._waiter = self._loop.create_future()
        await self._waiter

    async def _stream(self, request: Request, response: Response) -> bool:
        """A watch: what is there is sent at once. A peer that does not read is left behind: the store closes its
        subscription when it is too far back, and the connection is ended when it takes nothing at all."""
        assert response.stream is not None and self.transport is not None
        try:
            if is_handshake(request):
                await self._web_socket(request, response)
                return False
            squeezed = gzip_compressor() if response.may_gzip and accepts_gzip(request.headers) else None
            self.transport.write(answer_head(response, None, self._site.date, encoding="gzip" if squeezed else ""))
            if request.method == "HEAD":
                return False
            async for chunk in response.stream:
                data = chunk
                if squeezed is not None:
                    data = squeezed.compress(chunk) + squeezed.flush(zlib.Z_SYNC_FLUSH)
                self._send(b"%x\r\n%b\r\n" % (len(data), data))
                if self._paused:
                    await self._drain_helper()
            end = squeezed.flush() if squeezed is not None else b""
            self._send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(end), end) if end else b"0\r\n\r\n")
            return True
        finally:
            if response.finished is not None:
                response.finished()

    async def _web_socket(self, request: Request, response: Response) -> None:
        """The same stream as messages, one for each event."""
        assert response.stream is not None and self.transport is not None and self._task is not None
        self._websocket = socket = WebSocket(self, self._loop, self._task)
        self._send(socket.greeting(request))
        ahead, self._ahead = self._ahead, b""
        socket.feed(ahead)
        if self._buffer_paused:
            self._resume_reading_for_buffer()
        async for chunk in response.stream:
            for line in chunk.splitlines():
                await socket.send(line)
        await socket.bye()

    def _send(self, data: bytes) -> None:
        if self.transport is None:
            raise ConnectionResetError("the peer has gone")
        self.transport.write(data)

    # What the listener calls.

    def check(self, now: float) -> None:
        """End what is late at this time of the loop."""
        transport = self.transport
        if transport is None:
            return
        if self._stalled_at is not None and now >= self._stalled_at:
            transport.abort()
        elif self._due is not None and now >= self._due:
            self._late(transport)

    def _late(self, transport: asyncio.Transport) -> None:
        self._due = None
        if self._discards:
            transport.abort()
        elif self._payload is not None:
            self._payload.set_exception(TimeoutError())
        elif self._head_bytes:
            self._got = True
            self._next = ApiError(408, "Timeout", "the head of the request did not arrive in time")
            self._wake()
        else:
            transport.close()

    @property
    def task(self) -> asyncio.Task[None] | None:
        return self._task

    @property
    def is_idle(self) -> bool:
        return not self._got

    def leave(self) -> None:
        """Close now if nothing is asked; else when the present answer is out."""
        if not self._got and self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


def _too_large() -> ApiError:
    return ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {MAX_BODY_BYTES}")


def _unquoted(path: str) -> str:
    """A path decoded once. Raises 400 for what is no UTF-8, or holds a NUL."""
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise ApiError(400, "BadRequest", "the path of the request is not valid UTF-8") from None
    if "\x00" in decoded:
        raise ApiError(400, "BadRequest", "the path of the request holds a NUL")
    return decoded
