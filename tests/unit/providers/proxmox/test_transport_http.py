"""The real transport on loopback sockets: URLs as users write them, fail-over, pinned certificates, lost answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web

from capstan.api.errors import TerminalError
from capstan.providers.proxmox.errors import OutcomeUnknown, Unreachable
from capstan.providers.proxmox.transport import Endpoint
from capstan.providers.proxmox.transport_http import HttpTransport, normalise_url
from tests.conformance.proxmox.hosts import served_host


@pytest.mark.parametrize(
    "text",
    [
        "https://pve:8006",
        "https://pve:8006/",
        "https://pve:8006/api2/json",
        "https://pve:8006/api2/json/",
        "https://pve:8006/api2",
        "https://pve",
        "pve",
        "pve:8006",
    ],
)
def test_urls_with_and_without_their_path(text: str) -> None:
    assert normalise_url(text) == "https://pve:8006/api2/json"


def test_urls_with_addresses_and_prefixes() -> None:
    assert normalise_url("https://[fd00::1]:443") == "https://[fd00::1]:443/api2/json"
    assert normalise_url("https://proxy/pve/api2/json") == "https://proxy:8006/pve/api2/json"
    with pytest.raises(TerminalError, match="not a URL"):
        normalise_url("ftp://pve")


def test_fail_over_to_the_endpoint_that_answers() -> None:
    async def story() -> None:
        async with served_host() as host:
            dead = "https://127.0.0.1:9"
            transport = HttpTransport(replace(host.endpoint, urls=(dead, *host.endpoint.urls)))
            for method in ("GET", "POST"):
                response = await transport.request(method, "/version")
                assert response.status in (200, 501)
            await transport.aclose()

    asyncio.run(story())


def test_nobody_answers() -> None:
    async def story() -> None:
        transport = HttpTransport(
            Endpoint(("https://127.0.0.1:9", "https://127.0.0.1:10"), "a@b!c", "s", insecure=True)
        )
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9.*127\.0\.0\.1:10"):
            await transport.request("POST", "/x")
        await transport.aclose()

    asyncio.run(story())


def test_another_certificate_is_refused() -> None:
    async def story() -> None:
        async with served_host() as host:
            wrong = ":".join(["AA"] * 32)
            transport = HttpTransport(replace(host.endpoint, fingerprint=wrong))
            with pytest.raises(Unreachable, match="another one is pinned"):
                await transport.request("GET", "/version")
            await transport.aclose()
            strict = HttpTransport(replace(host.endpoint, fingerprint=""))
            with pytest.raises(Unreachable, match="not trusted"):
                await strict.request("GET", "/version")
            await strict.aclose()
            insecure = HttpTransport(replace(host.endpoint, fingerprint="", insecure=True))
            assert (await insecure.request("GET", "/version")).status == 200
            await insecure.aclose()

    asyncio.run(story())


def test_settings_that_cannot_work_are_said_at_once() -> None:
    for broken in ({"fingerprint": "xyz"}, {"ca_pem": "no PEM"}, {"urls": ()}):
        with pytest.raises(TerminalError):
            HttpTransport(replace(Endpoint(("https://pve",), "a@b!c", "s"), **broken))


async def _serving(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> tuple[web.ServerRunner, str]:
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


def test_a_lost_answer_is_unknown_for_writes() -> None:
    async def story() -> None:
        seen: list[str] = []

        async def hang_up(request: web.BaseRequest) -> web.StreamResponse:
            seen.append(f"{request.method} {(await request.read()).decode()}")
            assert request.transport is not None
            request.transport.close()
            return web.Response()

        runner, url = await _serving(hang_up)
        transport = HttpTransport(Endpoint((url,), "a@b!c", "s"))
        with pytest.raises(OutcomeUnknown):
            await transport.request("POST", "/x", {"a": True, "b": "x y&z"})
        assert seen == ["POST a=1&b=x+y%26z"]
        with pytest.raises(Unreachable):
            await transport.request("GET", "/x", {"a": 1})
        await transport.aclose()
        await runner.cleanup()

    asyncio.run(story())


def test_headers_and_reason_phrase() -> None:
    async def story() -> None:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            shown = f"{request.headers['Authorization']} {request.rel_url} {request.headers.get('Transfer-Encoding')}"
            return web.Response(status=500, reason=shown, text='{"data":null}')

        runner, url = await _serving(answer)
        transport = HttpTransport(Endpoint((url,), "a@b!c", "s"))
        response = await transport.request("DELETE", "/nodes/n/tasks/UPID%3An", {"purge": 1})
        assert response.reason == "PVEAPIToken=a@b!c=s /api2/json/nodes/n/tasks/UPID%3An?purge=1 None"
        await transport.aclose()
        await runner.cleanup()

    asyncio.run(story())
