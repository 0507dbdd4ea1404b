"""Serves a simulated machine's API over gRPC with mutual TLS, as apid does on port 50000."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from cryptography import x509
from grpclib.const import Cardinality, Handler, Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError
from grpclib.server import Server, Stream

from capstan.providers.talos.channel import RpcError
from capstan.providers.talos.rpc import methods
from capstan.sim.lab.tls import server_context
from capstan.sim.talos.api import apid
from capstan.sim.talos.api.identity import caller_of
from capstan.sim.talos.api.roles import ANYBODY, Caller
from capstan.sim.talos.machine import Machine


class RawCodec(CodecBase):
    """Messages stay bytes: the model encodes and decodes them itself."""

    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        return bytes(message)

    def decode(self, data: bytes, message_type: Any) -> bytes:
        return data


class ApidServer:
    """The server of one machine in one mode (maintenance, or with its configuration)."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._server = Server([self], codec=RawCodec())

    async def start(self, path: str) -> str:
        """Listen on a UNIX socket."""
        await self._server.start(path=path, ssl=self._context())
        return path

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def __mapping__(self) -> Mapping[str, Handler]:
        # All methods of the schema, so that those which are not simulated are refused as gRPC wants it, too.
        found = {}
        for path, rpc in methods().items():
            if rpc.server_stream:
                found[path] = Handler(partial(self._stream, path), Cardinality.UNARY_STREAM, bytes, bytes)
            else:
                found[path] = Handler(partial(self._unary, path), Cardinality.UNARY_UNARY, bytes, bytes)
        return found

    def _context(self) -> ssl.SSLContext:
        machine = self._machine
        issuer, config = machine.environment.issuer, machine.config
        if machine.apid == "maintenance" or config is None:
            authority = issuer.authority("maintenance-service.talos.dev")
            leaf = issuer.server(authority, "maintenance-service.talos.dev", machine.names, ed25519=True)
            return server_context(leaf, alpn=["h2"])
        leaf = issuer.server(machine.os_authority(), machine.hostname, machine.names, ed25519=True)
        trusted = b"\n".join((config.os_ca.certificate_pem, *config.accepted_os_cas))
        return server_context(leaf, client_ca_pem=trusted, required=True, alpn=["h2"])

    def _caller(self, stream: Stream[bytes, bytes]) -> Caller:
        if self._machine.apid == "maintenance":
            return ANYBODY
        assert stream.peer is not None
        tls = stream.peer._transport.get_extra_info("ssl_object")
        return caller_of(x509.load_der_x509_certificate(tls.getpeercert(binary_form=True)))

    async def _unary(self, path: str, stream: Stream[bytes, bytes]) -> None:
        request = await stream.recv_message()
        try:
            answer = await apid.call(self._machine, path, request or b"", self._caller(stream), _metadata(stream))
        except RpcError as error:
            raise GRPCError(Status(error.code), error.message) from None
        await stream.send_message(answer)

    async def _stream(self, path: str, stream: Stream[bytes, bytes]) -> None:
        request = await stream.recv_message()
        await stream.send_initial_metadata()
        try:
            answers: AsyncIterator[bytes] = apid.stream(
                self._machine, path, request or b"", self._caller(stream), _metadata(stream)
            )
            async for answer in answers:
                await stream.send_message(answer)
        except RpcError as error:
            raise GRPCError(Status(error.code), error.message) from None


def _metadata(stream: Stream[bytes, bytes]) -> dict[str, str]:
    """Repeated keys are joined by commas: `nodes` has one value for each target."""
    found: dict[str, str] = {}
    for key, value in (stream.metadata or {}).items():
        text = value.decode() if isinstance(value, bytes) else str(value)
        found[key] = f"{found[key]},{text}" if key in found else text
    return found
