"""The port to a Talos machine: gRPC calls as bytes in, bytes out. grpclib in the real world, the model in a
simulated one. Methods are full names such as `/machine.MachineService/Version`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

#: apid's port (talos.md 4.1); the same in maintenance mode.
APID_PORT = 50000


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """mTLS material in PEM: the OS CA that signed the server, and the client's certificate and Ed25519 key."""

    ca_pem: bytes
    certificate_pem: bytes
    key_pem: bytes = field(repr=False)


class RpcError(Exception):
    """A gRPC status other than OK. `code` is its number (5 NOT_FOUND, 14 UNAVAILABLE, 16 UNAUTHENTICATED)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Channel(Protocol):
    """A connection to one apid. Calls raise RpcError; a machine that does not answer is UNAVAILABLE (14)."""

    async def unary(
        self,
        method: str,
        request: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> bytes: ...

    def stream(
        self,
        method: str,
        request: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class ChannelFactory(Protocol):
    """Opens channels. Without credentials the machine is in maintenance mode: TLS without verification."""

    async def connect(self, address: str, credentials: ClientCredentials | None, port: int = APID_PORT) -> Channel: ...
