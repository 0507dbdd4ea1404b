"""Why a server gave no answer, as aiohttp tells it of real connections and as users read it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

import aiohttp
import pytest

from capstan.runtime.client.silence import why_silent

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def asked(port: int, url: str = "", proxy: str | None = None) -> str:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as session,
            session.get(url or f"http://127.0.0.1:{port}/", proxy=proxy) as response,
        ):
            await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        return why_silent(error)
    return "answered"


async def asked_of(talk: Talk) -> str:
    closed = asyncio.Event()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with await asyncio.start_server(served, "127.0.0.1", 0) as server:
        text = await asked(server.sockets[0].getsockname()[1])
        await closed.wait()
        return text


def says(text: str) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text.encode())

    return talk


async def says_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says(""), "the connection broke off"),
        (says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), "the connection broke off"),
        (says_nothing, "timed out"),
    ],
    ids=["nothing", "half", "silence"],
)
def test_a_server_that_gives_up(answer: Talk, why: str) -> None:
    assert asyncio.run(asked_of(answer)) == why


def test_nobody_listens() -> None:
    port = free_port()
    assert asyncio.run(asked(port)) == "cannot connect: Connection refused"
    through = asked(0, "https://192.168.0.30:6443/", f"http://127.0.0.1:{port}")
    assert asyncio.run(through) == f"cannot connect to the proxy 127.0.0.1:{port}: Connection refused"


def test_a_name_that_nobody_knows() -> None:
    text = asyncio.run(asked(0, "https://nobody.invalid/"))
    assert text.startswith("cannot connect: ")
    assert "ssl" not in text


def test_a_proxy_that_does_not_reach_it() -> None:
    refused = aiohttp.ClientHttpProxyError(cast(Any, None), (), status=502, message="Bad Gateway")
    assert why_silent(refused) == "the proxy answered 502 Bad Gateway"
