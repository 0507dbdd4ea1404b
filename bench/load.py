"""Load for the management API: raw HTTP/1.1 over TLS, with as little work by request as Python allows."""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Ask = Callable[[int, int], bytes]


@dataclass
class Tally:
    """What came back: answers by code, and the seconds that each took."""

    codes: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    size: int = 0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("nan")


@dataclass
class Door:
    """Where to connect, and as whom."""

    host: str
    port: int
    tls: ssl.SSLContext

    @staticmethod
    def of(kubeconfig: Path) -> Door:
        config: Any = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        host, _, port = cluster["server"].removeprefix("https://").rpartition(":")
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        tls = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
            pem.flush()
            tls.load_cert_chain(pem.name)
        return Door(host, int(port), tls)


class Caller(asyncio.Protocol):
    """One connection that asks again as soon as it is answered, until its time is over or its questions are."""

    def __init__(self, number: int, ask: Ask, count: int, tally: Tally) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number = number
        self._ask = ask
        self._until = 0.0
        self._count = count
        self._tally = tally
        self._asked = 0
        self._buffer = bytearray()
        self._wanted = 0
        self._began = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def begin(self, until: float) -> None:
        self._until = until
        self._next()

    def _next(self) -> None:
        self._began = time.perf_counter()
        if self._began >= self._until or (self._count and self._asked >= self._count):
            self._transport.close()
            return
        self._transport.write(self._ask(self._number, self._asked))
        self._asked += 1

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._wanted:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(buffer[:end])
            at = head.index(b"Content-Length: ") + 16
            stop = head.find(b"\r", at)
            self._wanted = end + 4 + int(head[at : stop if stop > 0 else None])
        if len(buffer) >= self._wanted:
            tally = self._tally
            tally.codes[int(buffer[9:12])] += 1
            tally.seconds.append(time.perf_counter() - self._began)
            tally.size = self._wanted
            buffer.clear()
            self._wanted = 0
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None or self._wanted:
            self._tally.codes[0] += 1
        if not self.done.done():
            self.done.set_result(None)


async def press(door: Door, ask: Ask, *, connections: int, seconds: float = 1e9, count: int = 0) -> Tally:
    """Ask from so many connections at once, for a time or `count` times each. Code 0 is a broken connection."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    callers = [Caller(number, ask, count, tally) for number in range(connections)]
    for start in range(0, connections, 50):
        await asyncio.gather(
            *(
                loop.create_connection(lambda made=caller: made, door.host, door.port, ssl=door.tls)  # type: ignore[misc]
                for caller in callers[start : start + 50]
            )
        )
    until = time.perf_counter() + seconds
    for caller in callers:
        caller.begin(until)
    await asyncio.gather(*(caller.done for caller in callers))
    return tally


def question(method: str, path: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench/1\r\nAccept: application/json, */*\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return (head + "\r\n").encode() + body
