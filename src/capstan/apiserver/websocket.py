"""Watches over WebSocket: the handshake, and one text message for each event (RFC 6455; Kubernetes' sub-protocols)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from typing import Any

from aiohttp import WSCloseCode, WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_websocket import WebSocketReader, WebSocketWriter

from capstan.api.errors import ApiError, bad_request
from capstan.apiserver.exchange import Request

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BEARER = "base64url.bearer.authorization.k8s.io."
#: Watches take nothing from their clients; a message larger than this is a mistake.
_MAX_MESSAGE_BYTES = 4096


def is_handshake(request: Request) -> bool:
    return request.headers.get("upgrade", "").lower() == "websocket"


def offered_protocols(request: Request) -> list[str]:
    return [p.strip() for p in request.headers.get("sec-websocket-protocol", "").split(",") if p.strip()]


def bearer_of(request: Request) -> str:
    """The token that a browser hands over as a sub-protocol, as it cannot set headers; or the empty string."""
    for offered in offered_protocols(request):
        if offered.startswith(_BEARER):
            encoded = offered[len(_BEARER) :]
            try:
                return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("ascii")
            except (binascii.Error, ValueError):
                return ""
    return ""


def check_handshake(request: Request) -> None:
    """Raises 400 for a handshake that cannot be answered."""
    headers = request.headers
    if "upgrade" not in headers.get("connection", "").lower():
        raise bad_request("a WebSocket handshake needs Connection: Upgrade")
    if headers.get("sec-websocket-version", "") != "13":
        raise ApiError(400, "BadRequest", "only version 13 of WebSocket is supported")
    try:
        valid = len(base64.b64decode(headers.get("sec-websocket-key", ""), validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise bad_request("the key of the WebSocket handshake is not valid")


class WebSocket:
    """One upgraded connection. What the client sends is only looked at for its pings and its goodbye, which
    cancels `task`."""

    def __init__(self, protocol: BaseProtocol, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
        assert protocol.transport is not None
        self._queue: Any = WebSocketDataQueue(protocol, _MAX_MESSAGE_BYTES, loop=loop)
        self._reader = WebSocketReader(self._queue, _MAX_MESSAGE_BYTES, compress=False, decode_text=True)
        self._writer = WebSocketWriter(protocol, protocol.transport)
        self._task = task
        self._listening = loop.create_task(self._listen())

    def greeting(self, request: Request) -> bytes:
        key = request.headers.get("sec-websocket-key", "").encode()
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode()
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept}",
        ]
        protocols = [p for p in offered_protocols(request) if not p.startswith(_BEARER)]
        if protocols:
            # JSON goes as text in all of them, as the API server of Kubernetes does.
            lines.append(f"Sec-WebSocket-Protocol: {protocols[0]}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def feed(self, data: bytes) -> None:
        if data:
            self._reader.feed_data(data)

    async def send(self, message: bytes) -> None:
        await self._writer.send_frame(message, WSMsgType.TEXT)

    async def bye(self) -> None:
        """End regularly."""
        self._listening.cancel()
        await self._writer.close(WSCloseCode.OK, b"")

    def lost(self) -> None:
        self._listening.cancel()

    async def _listen(self) -> None:
        try:
            while True:
                message = await self._queue.read()
                if message.type is WSMsgType.PING:
                    await self._writer.send_frame(message.data, WSMsgType.PONG)
                elif message.type is WSMsgType.CLOSE:
                    await self._writer.close(WSCloseCode.OK, b"")
                    break
        except Exception:
            # A broken frame or a lost connection: either way nothing more can be said.
            pass
        self._task.cancel()
