"""The sockets: TLS with optional client certificates, and all connections of one address in front of the handler."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capstan.api.verbs import User
from capstan.apiserver.audit.auditor import Auditor
from capstan.apiserver.authentication import is_signed_by, user_of_certificate, without_group
from capstan.apiserver.authorization import MASTERS
from capstan.apiserver.connection import Connection, Deadlines
from capstan.apiserver.exchange import Request, Response
from capstan.apiserver.handler import Handler
from capstan.apiserver.head import date_line
from capstan.apiserver.limits import Limits
from capstan.apiserver.server import ApiServer

_SHUTDOWN_SECONDS = 2.0
_HANDSHAKE_SECONDS = 10.0
#: More connections than this are closed as they come: each costs memory before anybody is recognised.
MAX_CONNECTIONS = 5_000


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
    """A server that listens. `port` is the bound one, also when 0 was asked for. It is the `Site` of its
    connections."""

    def __init__(self, handler: Handler, host: str, trusted: User | None, deadlines: Deadlines) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadlines = deadlines
        self.trusted = trusted
        self.closing = False
        #: The Date header, made again by the timer.
        self.date = date_line(handler.now())
        self.connections: dict[Connection, None] = {}
        self.own_ca = b""
        self.host = host
        self.port = 0
        self.handler = handler
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        shortest = min(
            deadlines.head_seconds, deadlines.body_seconds, deadlines.stalled_seconds, deadlines.leaving_seconds
        )
        self._check_seconds = min(1.0, shortest / 4)

    async def open(self, port: int, context: ssl.SSLContext | None) -> None:
        self._server = await self.loop.create_server(
            self._connection,
            self.host,
            port,
            ssl=context,
            backlog=512,
            reuse_address=True,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if context is not None else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._check()

    def handle(self, request: Request) -> Awaitable[Response]:
        return self.handler.handle(request)

    def user(self, certificate: Mapping[str, Any] | None, tls: Any) -> User | None:
        """Whom a client certificate names. Only the server's own CA makes masters: where further CAs are trusted,
        the group says nothing in their certificates."""
        found = user_of_certificate(certificate)
        if found is None or not self.own_ca or MASTERS not in found.groups:
            return found
        der = tls.getpeercert(True) if tls is not None else None
        return found if is_signed_by(der, self.own_ca) else without_group(found, MASTERS)

    async def close(self) -> None:
        """End the watches, let requests finish, free the port."""
        self.closing = True
        if self._server is not None:
            self._server.close()
        if self._timer is not None:
            self._timer.cancel()
        self.handler.end_watches()
        for connection in tuple(self.connections):
            connection.leave()
        busy = [c.task for c in tuple(self.connections) if not c.is_idle and c.task is not None]
        if busy:
            await asyncio.wait(busy, timeout=_SHUTDOWN_SECONDS)
        # A peer that does not answer the end of its TLS session would keep the socket for half a minute.
        for _ in range(3):
            await asyncio.sleep(0)
        for connection in tuple(self.connections):
            connection.abort()
        for _ in range(3):
            await asyncio.sleep(0)

    def _connection(self) -> asyncio.Protocol:
        if self.closing or len(self.connections) >= MAX_CONNECTIONS:
            return _Refused()
        return Connection(self)

    def _check(self) -> None:
        """One timer for all connections: a deadline costs a request nothing but a number."""
        self.date = date_line(self.handler.now())
        now = self.loop.time()
        for connection in tuple(self.connections):
            connection.check(now)
        self._timer = self.loop.call_later(self._check_seconds, self._check)


class _Refused(asyncio.Protocol):
    """A connection that is too much."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def serve(
    server: ApiServer,
    host: str,
    port: int,
    tls: ssl.SSLContext | TlsFiles | None,
    *,
    trusted: User | None = None,
    deadlines: Deadlines | None = None,
    limits: Limits | None = None,
    auditor: Auditor | None = None,
    own_ca: bytes = b"",
) -> Listener:
    """Listen. Without TLS nobody can be recognised: then everybody is `trusted`, or refused when it is None. Where
    `own_ca` (PEM) is given, nobody is in system:masters by a certificate that another CA signed."""
    context = tls.context() if isinstance(tls, TlsFiles) else tls
    listener: Listener
    handler = Handler(server, lambda: f"{host}:{listener.port}", limits=limits, auditor=auditor)
    listener = Listener(handler, host, trusted if context is None else None, deadlines or Deadlines())
    listener.own_ca = own_ca
    await listener.open(port, context)
    return listener
