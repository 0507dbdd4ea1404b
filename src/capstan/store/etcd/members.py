"""Calls to whichever member of the cluster answers: bounded tries, and never a write sent twice."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

from grpclib.client import Channel
from grpclib.config import Configuration
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from capstan.store.etcd import messages
from capstan.store.etcd.address import EtcdAddress
from capstan.store.protocol import StoreUnavailableError

CONNECT_SECONDS = 2.0
CALL_SECONDS = 3.0
#: Range and Watch answers are as large as what they hold.
_WINDOW = 2**25
#: A member that lost its leader ends the watch, so that it is begun again at another.
_WITH_LEADER = {"hasleader": "true"}


class CompactedAt(Exception):
    """etcd no longer has the revision asked for."""


class Members:
    """The members of one cluster, one connection at a time, each opened again when it broke.

    Guarantees: `read` goes to the next member until one answers, each at most once more than there are members;
    `write` is sent once. Errors: StoreUnavailableError; for a write it means that it may have happened.
    """

    def __init__(self, address: EtcdAddress) -> None:
        self._address = address
        try:
            context = address.context()
        except (OSError, ssl.SSLError) as error:
            raise StoreUnavailableError(f"the certificates for {address} cannot be used: {error}") from None
        self._channels = [_channel(host, port, context) for host, port in address.members]
        self._at = 0
        self._turn = 0

    async def read(self, method: str, request: Any, response: str) -> Any:
        """For what may be asked again."""
        failure: Exception | None = None
        for _ in range(len(self._channels) + 1):
            turn = self._turn
            try:
                with _typed(self._name):
                    return await self._call(await self._connected(), method, request, response)
            except StoreUnavailableError as error:
                failure = error
                self._next(turn)
        assert failure is not None
        raise failure

    async def write(self, method: str, request: Any, response: str) -> Any:
        """Sent to one member that can be connected to, and to no other."""
        channel = await self.connected()
        turn = self._turn
        try:
            with _typed(self._name):
                return await self._call(channel, method, request, response)
        except StoreUnavailableError:
            self._next(turn)
            raise

    async def watch(self, request: Any) -> AsyncIterator[Any]:
        """The responses to one watch; ends by StoreUnavailableError when its member is gone."""
        channel = await self.connected()
        turn = self._turn
        kinds = messages.message("WatchRequest"), messages.message("WatchResponse")
        try:
            with _typed(self._name):
                async with channel.request(
                    messages.WATCH, Cardinality.STREAM_STREAM, *kinds, metadata=_WITH_LEADER
                ) as stream:
                    await stream.send_message(request)
                    async for answer in stream:
                        yield answer
        except StoreUnavailableError:
            self._next(turn)
            raise
        raise StoreUnavailableError(f"{self._name} ended the watch")

    async def connected(self) -> Channel:
        """A channel to a member that takes connections, tried in turn."""
        failure: Exception | None = None
        for _ in self._channels:
            turn = self._turn
            try:
                with _typed(self._name):
                    return await self._connected()
            except StoreUnavailableError as error:
                failure = error
                self._next(turn)
        assert failure is not None
        raise failure

    def close(self) -> None:
        for channel in self._channels:
            channel.close()

    @property
    def _name(self) -> str:
        host, port = self._address.members[self._at]
        return f"etcd member {host}:{port}"

    def _next(self, turn: int) -> None:
        """To the next member, unless somebody else moved on already."""
        if turn == self._turn:
            self._turn += 1
            self._at = (self._at + 1) % len(self._channels)

    async def _connected(self) -> Channel:
        channel = self._channels[self._at]
        async with asyncio.timeout(CONNECT_SECONDS):
            await channel.__connect__()
        return channel

    async def _call(self, channel: Channel, method: str, request: Any, response: str) -> Any:
        kinds = type(request), messages.message(response)
        async with (
            asyncio.timeout(CALL_SECONDS),
            channel.request(method, Cardinality.UNARY_UNARY, *kinds, timeout=CALL_SECONDS) as stream,
        ):
            await stream.send_message(request, end=True)
            answer = await stream.recv_message()
        if answer is None:
            raise StreamTerminatedError("no answer")
        return answer


def _channel(host: str, port: int, context: ssl.SSLContext | None) -> Channel:
    config = Configuration(http2_connection_window_size=_WINDOW, http2_stream_window_size=_WINDOW)
    return Channel(host, port, ssl=context, config=config)


@contextlib.contextmanager
def _typed(name: str) -> Iterator[None]:
    try:
        yield
    except GRPCError as error:
        if error.status is Status.OUT_OF_RANGE and "compacted" in (error.message or ""):
            raise CompactedAt from None
        raise StoreUnavailableError(f"{name} refuses: {error.message or error.status.name}") from None
    except TimeoutError:
        raise StoreUnavailableError(f"{name} does not answer in time") from None
    except ssl.SSLError as error:
        raise StoreUnavailableError(f"{name} and this server do not trust each other: {error.reason}") from None
    except (OSError, StreamTerminatedError, ProtocolError) as error:
        raise StoreUnavailableError(f"{name} does not answer: {type(error).__name__}") from None
