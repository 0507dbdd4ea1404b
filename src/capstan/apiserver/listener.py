"""The sockets: aiohttp's low-level server over TLS with optional client certificates, in front of the handler."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.authentication import user_of_certificate
from capstan.apiserver.decode import MAX_BODY_BYTES
from capstan.apiserver.exchange import Request, Response, error_response, warning_header
from capstan.apiserver.handler import Handler
from capstan.apiserver.server import ApiServer

_GZIP_BYTES = 128 * 1024
_BODY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The server's certificate and key as files, and the CA (PEM text) that signs client certificates."""

    certificate: Path
    key: Path
    client_ca: str = ""

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        if self.client_ca:
            context.load_verify_locations(cadata=self.client_ca)
            # Optional: health checks come without a certificate; everything else is then answered with 401.
            context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        return context


class Listener:
    """A server that listens. `port` is the bound one, also when 0 was asked for."""

    def __init__(self, runner: web.ServerRunner, handler: Handler, host: str, port: int) -> None:
        self._runner = runner
        self._handler = handler
        self.host = host
        self.port = port

    async def close(self) -> None:
        """End the watches, let requests finish, free the port."""
        self._handler.end_watches()
        connections = self._runner.server.connections if self._runner.server is not None else []
        transports = [transport for connection in connections if (transport := connection.transport) is not None]
        await self._runner.cleanup()
        # A peer that does not answer the end of its TLS session would keep the socket for half a minute.
        for transport in transports:
            # uvloop's transports are none of asyncio's classes, but have the same methods.
            getattr(transport, "abort", transport.close)()
        for _ in range(3):
            await asyncio.sleep(0)


async def serve(
    server: ApiServer, host: str, port: int, tls: ssl.SSLContext | TlsFiles | None, *, trusted: User | None = None
) -> Listener:
    """Listen. Without TLS nobody can be recognised: then everybody is `trusted`, or refused when it is None."""
    context = tls.context() if isinstance(tls, TlsFiles) else tls
    address = f"{host}:{port}"
    handler = Handler(server, lambda: address)

    async def respond(incoming: web.BaseRequest) -> web.StreamResponse:
        return await _respond(handler, incoming, trusted if context is None else None)

    runner = web.ServerRunner(
        web.Server(respond, access_log=None, keepalive_timeout=120.0), handle_signals=False, shutdown_timeout=2.0
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=context, backlog=512, reuse_address=True)
    await site.start()
    bound = runner.addresses[0]
    address = f"{host}:{bound[1]}"
    return Listener(runner, handler, host, bound[1])


async def _respond(handler: Handler, incoming: web.BaseRequest, trusted: User | None) -> web.StreamResponse:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            body = await _body_of(incoming)
    except ApiError as error:
        return _whole(incoming, error_response(error), close=True)
    except (TimeoutError, HttpProcessingError):
        late = ApiError(408, "Timeout", "the body of the request did not arrive in time")
        return _whole(incoming, error_response(late), close=True)
    request = Request(
        method=incoming.method,
        path=incoming.path,
        query=parse_qs(incoming.rel_url.raw_query_string, keep_blank_values=True),
        headers={name.lower(): value for name, value in incoming.headers.items()},
        body=body,
        user=trusted or _user(incoming),
    )
    response = await handler.handle(request)
    if response.stream is None:
        return _whole(incoming, response)
    return await _streamed(incoming, response)


def _user(incoming: web.BaseRequest) -> User | None:
    transport = incoming.transport
    return None if transport is None else user_of_certificate(transport.get_extra_info("peercert"))


async def _body_of(incoming: web.BaseRequest) -> bytes:
    """The whole body. Raises 413 as soon as it is too large."""
    if not incoming.body_exists:
        return b""
    too_large = ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {MAX_BODY_BYTES}")
    if incoming.content_length is not None and incoming.content_length > MAX_BODY_BYTES:
        raise too_large
    chunks, size = [], 0
    async for chunk in incoming.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def _headers(response: Response) -> list[tuple[str, str]]:
    headers = [("Content-Type", response.content_type), *response.headers.items()]
    headers += [("Warning", warning_header(text)) for text in response.warnings]
    return headers


def _whole(incoming: web.BaseRequest, response: Response, *, close: bool = False) -> web.Response:
    body, headers = response.body, _headers(response)
    if len(body) >= _GZIP_BYTES and "gzip" in incoming.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 1)
        headers.append(("Content-Encoding", "gzip"))
    answer = web.Response(status=response.status, body=body)
    answer.headers.extend(headers)
    if close:
        answer.force_close()
    return answer


async def _streamed(incoming: web.BaseRequest, response: Response) -> web.StreamResponse:
    """A watch: each batch of events is one chunk, sent at once. A client that does not read is left behind: the
    store closes its subscription when it is too far back, and the connection ends."""
    answer = web.StreamResponse(status=response.status)
    answer.headers.extend(_headers(response))
    answer.enable_chunked_encoding()
    transport = incoming.transport
    if transport is not None and (raw := transport.get_extra_info("socket")) is not None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert response.stream is not None
    stream = response.stream
    try:
        await answer.prepare(incoming)
        async for chunk in stream:
            await answer.write(chunk)
        await answer.write_eof()
    except ConnectionError:
        answer.force_close()
    finally:
        if response.finished is not None:
            response.finished()
    return answer
