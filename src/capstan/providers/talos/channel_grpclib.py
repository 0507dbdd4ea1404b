"""Channels to real machines: gRPC over HTTP/2 and mutual TLS, dialled as this process dials.

grpclib runs on Python's ssl, which can do Talos' Ed25519 certificates. The server must hold a certificate of the
cluster's OS CA for the address that was dialled (talos.md 4.1, 4.5); in maintenance mode nothing is checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from typing import Any

from grpclib.client import Channel as GrpcChannel
from grpclib.config import Configuration
from grpclib.const import Cardinality
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from capstan.api.errors import TransientError
from capstan.api.rules.certificates import CertificateError, key_to_pkcs8_pem, load_private_key
from capstan.providers.talos.channel import ClientCredentials, RpcError
from capstan.providers.talos.dialling import Connect

DEADLINE_EXCEEDED = 4
UNAVAILABLE = 14
UNAUTHENTICATED = 16


def open_connection(connect: Connect, address: str, credentials: ClientCredentials | None, port: int) -> GrpcConnection:
    """A channel to an apid. It connects with its first call. Raises RpcError for unusable credentials."""
    try:
        context = maintenance_context() if credentials is None else client_context(credentials)
    except (CertificateError, ssl.SSLError, ValueError):
        raise RpcError(UNAUTHENTICATED, "the Talos client certificate or key cannot be read") from None
    return GrpcConnection(_DialledChannel(connect, address, port, context), address)


def client_context(credentials: ClientCredentials) -> ssl.SSLContext:
    """TLS 1.3 where the server has it, only the OS CA trusted, the client's own certificate shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=credentials.ca_pem.decode())
    _load_certificate(context, credentials)
    context.set_alpn_protocols(["h2"])
    return context


def maintenance_context() -> ssl.SSLContext:
    """A machine without configuration has a certificate of its own making."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def _load_certificate(context: ssl.SSLContext, credentials: ClientCredentials) -> None:
    """ssl reads keys from files only: one that nobody else can read and that is gone at once."""
    key = key_to_pkcs8_pem(load_private_key(credentials.key_pem))
    descriptor, path = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(credentials.certificate_pem + b"\n" + key)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


class _Raw(CodecBase):
    """Messages are bytes already."""

    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        return bytes(message)

    def decode(self, data: bytes, message_type: Any) -> bytes:
        return data


class _DialledChannel(GrpcChannel):
    """grpclib's channel over a socket that the dialer opened."""

    def __init__(self, connect: Connect, host: str, port: int, context: ssl.SSLContext) -> None:
        config = Configuration(http2_connection_window_size=2**25, http2_stream_window_size=2**25)
        super().__init__(host, port, ssl=context, codec=_Raw(), config=config)
        self._dial = connect

    async def _create_connection(self) -> Any:
        sock = await self._dial(self._host, self._port)
        try:
            _, protocol = await self._loop.create_connection(
                self._protocol_factory, sock=sock, ssl=self._ssl, server_hostname=self._host
            )
        except BaseException:
            sock.close()
            raise
        return protocol


class GrpcConnection:
    """One connection to one apid; it is opened again by the next call after it broke."""

    def __init__(self, channel: GrpcChannel, address: str) -> None:
        self._channel = channel
        self._address = address

    async def unary(
        self,
        method: str,
        request: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> bytes:
        with self._typed_errors():
            # The deadline of gRPC begins once there is a connection; this one covers the connection too.
            async with asyncio.timeout(timeout_seconds):
                stream = self._channel.request(
                    method, Cardinality.UNARY_UNARY, bytes, bytes, timeout=timeout_seconds, metadata=_pairs(metadata)
                )
                async with stream:
                    await stream.send_message(request, end=True)
                    reply = await stream.recv_message()
        if reply is None:
            raise RpcError(UNAVAILABLE, f"{self._address} ended the call without an answer")
        return bytes(reply)

    async def stream(
        self,
        method: str,
        request: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> AsyncIterator[bytes]:
        with self._typed_errors():
            stream = self._channel.request(
                method, Cardinality.UNARY_STREAM, bytes, bytes, timeout=timeout_seconds, metadata=_pairs(metadata)
            )
            async with stream:
                await stream.send_message(request, end=True)
                async for reply in stream:
                    yield bytes(reply)

    async def aclose(self) -> None:
        self._channel.close()

    @contextlib.contextmanager
    def _typed_errors(self) -> Any:
        try:
            yield
        except GRPCError as error:
            raise RpcError(error.status.value, error.message or error.status.name) from None
        except TransientError as error:
            raise RpcError(UNAVAILABLE, str(error)) from None
        except TimeoutError:
            raise RpcError(DEADLINE_EXCEEDED, f"{self._address} did not answer in time") from None
        except ssl.SSLCertVerificationError as error:
            raise RpcError(
                UNAVAILABLE,
                f"{self._address} shows a certificate that this cluster's Talos CA did not sign "
                f"({error.verify_message}): it is in maintenance mode, or belongs to another cluster",
            ) from None
        except (OSError, StreamTerminatedError, ProtocolError) as error:
            raise RpcError(UNAVAILABLE, f"{self._address} does not answer: {type(error).__name__}") from None


def _pairs(metadata: Mapping[str, str] | None) -> list[tuple[str, str]]:
    return list((metadata or {}).items())
