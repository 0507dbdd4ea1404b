"""A server on a loopback socket, and a client that can send what no library would."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.audit.auditor import Auditor
from capstan.apiserver.audit.logfile import Line
from capstan.apiserver.audit.policy import DEFAULT_POLICY, Policy
from capstan.apiserver.connection import Deadlines
from capstan.apiserver.limits import Limits
from capstan.apiserver.listener import Listener, serve
from capstan.apiserver.server import ApiServer
from capstan.store.memory import MemoryStore

ADMIN = User("admin", ("system:masters",))
MAPS = "/api/v1/namespaces/default/configmaps"
CLUSTERS = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/clusters"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split(" ")[1]), {name.lower(): value for name, value in headers.items()}

    async def answer(self) -> Answer:
        status, headers = await self.head()
        if headers.get("transfer-encoding") == "chunked":
            chunks = []
            while chunk := await self.chunk():
                chunks.append(chunk)
            return Answer(status, headers, b"".join(chunks))
        return Answer(status, headers, await self.reader.readexactly(int(headers["content-length"])))

    async def chunk(self) -> bytes:
        """One chunk; empty at the end."""
        size = int((await asyncio.wait_for(self.reader.readline(), 20)).strip() or b"0", 16)
        data = await asyncio.wait_for(self.reader.readexactly(size), 20)
        await self.reader.readexactly(2)
        return data

    async def is_closed(self, seconds: float = 20.0) -> bool:
        """Whether the peer ends the connection within a time, whatever it still sends."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(65536):
                    pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


@dataclass
class Lines:
    """Audit lines, kept."""

    written: int = 0
    lost: int = 0
    lines: list[Line] = field(default_factory=list)

    def put(self, line: Line) -> None:
        self.written += 1
        self.lines.append(line)


class NamedByHeader:
    """Who asks says so."""

    async def authenticate(self, request: Any) -> User:
        return User(request.headers.get("x-user", "admin"), ("system:masters",))


class Edge:
    """A running server with its sockets."""

    def __init__(self, server: ApiServer, store: MemoryStore) -> None:
        self.server = server
        self.store = store
        self.listener: Listener
        self.audit = Lines()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port, limit=64 * 1024 * 1024)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: str
    ) -> Answer:
        async with self.wire() as wire:
            await wire.send(request(method, path, body, {**(headers or {}), **more}))
            return await wire.answer()

    async def make(self, name: str, **more: Any) -> Any:
        metadata = {"name": name, **more.pop("metadata", {})}
        answer = await self.call("POST", MAPS, {"metadata": metadata, **more})
        assert answer.status == 201, answer.body
        return answer.json

    @asynccontextmanager
    async def watch(self, path: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Any]:
        async with self.wire() as wire:
            await wire.send(request("GET", path, headers=headers))
            status, answered = await wire.head()
            assert status == 200, (status, await wire.reader.read(500))
            left: list[bytes] = []

            async def following() -> Any:
                while not left:
                    chunk = await wire.chunk()
                    if not chunk:
                        return None
                    left.extend(chunk.splitlines())
                return orjson.loads(left.pop(0))

            following.headers = answered  # type: ignore[attr-defined]
            yield following


def request(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
    given = {"host": "capstan", **(headers or {})}
    if body is not None:
        given.setdefault("content-type", "application/json")
        given.setdefault("content-length", str(len(data)))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


@asynccontextmanager
async def running(
    *,
    limits: Limits | None = None,
    deadlines: Deadlines | None = None,
    policy: Policy = DEFAULT_POLICY,
    retain: int = 2_000,
    by_header: bool = False,
) -> AsyncIterator[Edge]:
    drawn = itertools.count()
    store = MemoryStore(retain)
    edge: Edge
    server = ApiServer(
        store,
        scheme=SCHEME,
        clock=lambda: edge.now,
        token=lambda size: hashlib.sha256(str(next(drawn)).encode()).digest()[:size],
    )
    edge = Edge(server, store)
    if by_header:
        server.authenticator = NamedByHeader()  # type: ignore[assignment]
    await server.start()
    edge.listener = await serve(
        server,
        "127.0.0.1",
        0,
        None,
        trusted=ADMIN,
        deadlines=deadlines,
        limits=limits,
        auditor=Auditor(edge.audit, policy),
    )
    try:
        yield edge
    finally:
        await edge.listener.close()
        await server.stop()
