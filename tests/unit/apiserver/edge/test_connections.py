"""Connections that misbehave: slow, endless, too large, smuggling (kubernetes-api.md D4)."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from capstan.apiserver.connection import Deadlines

from .place import MAPS, Edge, request, running

SHORT = Deadlines(head_seconds=0.2, body_seconds=0.2, idle_seconds=0.2, stalled_seconds=0.2, leaving_seconds=0.05)
BRIEF = Deadlines(leaving_seconds=0.05)
THREE_MIB = 3 * 1024 * 1024


def run(body: Callable[[Edge], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with running(**{"deadlines": BRIEF, **options}) as edge:
            await body(edge)
            # Whatever happened, the next client is served.
            assert (await edge.call("GET", "/livez")).body == b"ok"

    asyncio.run(main())


def posted(body: bytes, **headers: str) -> bytes:
    return request("POST", MAPS, body, {"content-type": "application/json", **headers})


def test_a_head_that_comes_byte_by_byte() -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            dripping = asyncio.create_task(_drip(wire.writer, b"GET /livez HTTP/1.1\r\nX-Slow: " + b"a" * 10_000))
            answer = await wire.answer()
            assert (answer.status, answer.json["reason"]) == (408, "Timeout")
            assert await wire.is_closed()
            dripping.cancel()

    run(body, deadlines=SHORT)


def test_a_body_that_comes_byte_by_byte() -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n".encode()
            dripping = asyncio.create_task(_drip(wire.writer, head + b"{" * 10_000, at_once=len(head)))
            answer = await wire.answer()
            assert (answer.status, answer.json["reason"]) == (408, "Timeout")
            assert await wire.is_closed()
            dripping.cancel()

    run(body, deadlines=SHORT)


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)


async def _drip(writer: asyncio.StreamWriter, data: bytes, at_once: int = 1) -> None:
    writer.write(data[:at_once])
    loop = asyncio.get_running_loop()
    for byte in data[at_once:]:
        writer.write(bytes([byte]))
        pause: asyncio.Future[None] = loop.create_future()
        loop.call_later(0.01, _end, pause)
        await pause


def test_a_connection_without_requests_ends() -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            assert await wire.is_closed()
        async with edge.wire() as wire:
            await wire.send(request("GET", "/livez"))
            assert (await wire.answer()).status == 200
            assert await wire.is_closed()

    run(body, deadlines=SHORT)


def test_a_thousand_idle_connections_leave_room() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if min(hard, 10_000) < 2_500:
        pytest.skip("the system allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 10_000), hard))

    async def body(edge: Edge) -> None:
        async with AsyncExitStack() as stack:
            for _ in range(1_000):
                await stack.enter_async_context(edge.wire())
            while len(edge.listener.connections) < 1_000:
                await edge.call("GET", "/livez")
            assert (await edge.call("POST", MAPS, {"metadata": {"name": "a"}})).status == 201

    try:
        run(body)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("size", "status"),
    [(THREE_MIB + 1, 413), (THREE_MIB * 20, 413)],
)
def test_a_length_that_is_too_large_is_refused_before_it_comes(size: int, status: int) -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            await wire.send(f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n{{".encode())
            answer = await wire.answer()
            assert (answer.status, answer.json["reason"]) == (status, "RequestEntityTooLarge")
            assert answer.headers["connection"] == "close"

    run(body)


def test_a_whole_body_that_is_too_large_still_learns_why() -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            sending = asyncio.create_task(wire.send(posted(b" " * (THREE_MIB + 1))))
            assert (await wire.answer()).status == 413
            sending.cancel()

    run(body)


def test_chunks_without_end() -> None:
    async def body(edge: Edge) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with edge.wire() as wire:
            await wire.send(f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())

            async def forever() -> None:
                while True:
                    await wire.send(b"8000\r\n" + b" " * 0x8000 + b"\r\n")

            sending = asyncio.create_task(forever())
            answer = await wire.answer()
            assert (answer.status, answer.json["reason"]) == (413, "RequestEntityTooLarge")
            sending.cancel()
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024

    run(body)


def test_a_body_shorter_than_its_length_waits_for_the_deadline() -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            await wire.send(posted(b'{"metadata":{"name":"a"}}', **{"content-length": "100"}))
            assert (await wire.answer()).status == 408
        assert (await edge.call("GET", f"{MAPS}/a")).status == 404

    run(body, deadlines=SHORT)


def test_a_body_longer_than_its_length_is_no_second_request_of_ours() -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            await wire.send(posted(b'{"metadata":{"name":"a"}}GARBAGE', **{"content-length": "25"}))
            assert (await wire.answer()).status == 201
            refused = await wire.answer()
            assert refused.status == 400
            assert await wire.is_closed()

    run(body)


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Large: " + b"a" * 65_536 + b"\r\n\r\n", (431,)),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(10_000)) + b"\r\n", (431,)),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (431,)),
        (b"GET /livez HTTP/1.1\r\n\r\n", (400,)),
        (b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n", (400,)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400,)),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n", (400,)),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", (400,)),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n folded: 1\r\n\r\n", (400,)),
        (b"GET /a%ff HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
        (b"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
        (b"BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
    ],
)
def test_heads_that_are_none(raw: bytes, statuses: tuple[int, ...]) -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            wire.writer.write(raw)
            answer = await wire.answer()
            assert answer.status in statuses and answer.json["kind"] == "Status"
            assert await wire.is_closed()

    run(body)


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length: 0x4\r\n",
        b"Content-Length: 4, 4\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
    ],
)
def test_a_second_request_cannot_hide_in_a_body(headers: bytes) -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\n".encode() + headers
            wire.writer.write(head + b"\r\n0\r\n\r\n" + SMUGGLED)
            answer = await wire.answer()
            assert answer.status == 400
            rest = await asyncio.wait_for(wire.reader.read(), 20)
            assert rest == b"", "what followed was answered"

    run(body)


def test_requests_one_after_the_other_in_one_packet() -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            many = b"".join(posted(b'{"metadata":{"name":"m%d"}}' % i) for i in range(30))
            await wire.send(many + request("GET", f"{MAPS}/m29"))
            for _ in range(30):
                assert (await wire.answer()).status == 201
            assert (await wire.answer()).json["metadata"]["name"] == "m29"
        async with edge.wire() as wire:
            await wire.send(request("GET", "/livez") * 3_000)
            for _ in range(3_000):
                assert (await wire.answer()).body == b"ok"

    run(body)


def test_a_body_in_pieces_and_a_client_that_asks_first() -> None:
    async def body(edge: Edge) -> None:
        data = b'{"metadata":{"name":"a"}}'
        async with edge.wire() as wire:
            head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            pieces = b"".join(b"%x\r\n%b\r\n" % (1, data[i : i + 1]) for i in range(len(data))) + b"0\r\n\r\n"
            for at in range(0, len(pieces), 7):
                await wire.send((head if not at else b"") + pieces[at : at + 7])
            assert (await wire.answer()).status == 201
            expecting = {"expect": "100-continue", "content-length": str(len(data))}
            await wire.send(posted(b"", **expecting))
            assert (await wire.head())[0] == 100
            await wire.send(data)
            assert (await wire.answer()).status == 409

    run(body)


def test_a_body_with_broken_chunks() -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            await wire.send(head + b"zz\r\n{}\r\n0\r\n\r\n")
            assert (await wire.answer()).status == 400
            assert await wire.is_closed()

    run(body)


def test_others_are_served_while_one_is_slow() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a")
        async with AsyncExitStack() as stack:
            for _ in range(50):
                wire = await stack.enter_async_context(edge.wire())
                await wire.send(f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode())
            began = time.monotonic()
            for _ in range(20):
                assert (await edge.call("GET", f"{MAPS}/a")).status == 200
            assert time.monotonic() - began < 10

    run(body)


def test_an_answer_that_is_not_read_is_given_up() -> None:
    async def body(edge: Edge) -> None:
        for number in range(10):
            await edge.make(f"m{number}", data={"x": "y" * 900_000})
        async with edge.wire() as wire:
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await wire.send(request("GET", MAPS))
            stuck = next(iter(edge.listener.connections))
            while stuck in edge.listener.connections:
                await edge.call("GET", "/livez")

    run(body, deadlines=Deadlines(stalled_seconds=0.2))
