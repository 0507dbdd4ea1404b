"""The port to Proxmox VE: one request in, one response out. HTTP in the real world, the model in a simulated one."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

#: Parameter values as the API takes them; booleans go as 0 and 1.
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How to reach one Proxmox VE API. `urls` are tried in order; each may end with `/api2/json` or not.

    `token_id` is `USER@REALM!TOKENNAME`. Of `fingerprint` (SHA-256, as PVE shows it), `ca_pem` and `insecure`
    at most one decides how the server certificate is checked; none of them: the system's roots.
    """

    urls: tuple[str, ...]
    token_id: str
    secret: str = field(repr=False)
    fingerprint: str = ""
    ca_pem: str = ""
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """Status code, reason phrase (PVE puts its error text there) and the JSON body as bytes."""

    status: int
    reason: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file for `POST /nodes/{node}/storage/{storage}/upload` (multipart)."""

    filename: str
    content: bytes | AsyncIterable[bytes]
    size_bytes: int


class Transport(Protocol):
    """An authenticated connection to one Proxmox VE cluster. `path` begins after `/api2/json`.

    Raises TransientError when no endpoint answered; then it is unknown whether the request had an effect.
    """

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Scalar] | None = None,
        *,
        upload: Upload | None = None,
        timeout_seconds: float = 30.0,
    ) -> Response: ...

    async def aclose(self) -> None: ...


class TransportFactory(Protocol):
    """Opens transports; the simulated world's finds its model by the endpoint's host name."""

    def connect(self, endpoint: Endpoint) -> Transport: ...
