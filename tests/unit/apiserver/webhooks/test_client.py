"""The client of webhooks: whom it calls, what it accepts, what it says when it does not."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from aiohttp import web

from capstan.apiserver.webhooks.client import WebhookClient, WebhookError, is_refused_address
from capstan.apiserver.webhooks.clientconfig import ClientConfig, ServiceReference, client_config
from tests.unit.apiserver.webhooks.hook import Answer, Hook


async def _echo(_request: web.Request, body: Any) -> web.Response:
    return web.json_response({"got": body})


def _posted(answer: Answer, *, timeout: float = 5, max_bytes: int = 100_000, **change: Any) -> Any:
    """What the client gives for one call, or the text of its error."""

    async def main() -> Any:
        async with Hook(answer) as hook:
            client = WebhookClient(lambda service: ("127.0.0.1", hook.port) if service.name == "hook" else None)
            given = {"url": hook.url, "caBundle": hook.ca_bundle, **change}
            config = client_config({k: v for k, v in given.items() if v is not None})
            try:
                return await client.post(config, {"a": 1}, timeout, max_bytes)
            except WebhookError as error:
                return str(error)
            finally:
                await client.aclose()

    return asyncio.run(main())


def test_a_url_and_a_service_are_called() -> None:
    assert _posted(_echo) == {"got": {"a": 1}}
    service = {"namespace": "default", "name": "hook", "path": "/x"}
    assert _posted(_echo, url=None, service=service) == {"got": {"a": 1}}


def test_a_service_that_is_not_known_here_is_named() -> None:
    found = _posted(_echo, url=None, service={"namespace": "default", "name": "other"})
    assert found == (
        'Post "https://other.default.svc:443/?timeout=5s": service "other" not found in namespace "default"'
    )


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    assert "certificate verify failed" in _posted(_echo, caBundle=None)
    assert "unable to load root certificates" in _posted(_echo, caBundle=base64.b64encode(b"x").decode())


def test_redirects_are_not_followed() -> None:
    async def redirect(request: web.Request, _body: Any) -> web.Response:
        return web.Response(status=307, headers={"Location": str(request.url)})

    assert "redirects are not followed" in _posted(redirect)


def test_answers_are_bounded_in_size_and_in_what_is_told_of_them() -> None:
    async def huge(_request: web.Request, _body: Any) -> web.Response:
        return web.json_response({"x": "y" * 200_000})

    async def failing(_request: web.Request, _body: Any) -> web.Response:
        return web.Response(status=500, text="secret\n" * 10_000)

    assert "the answer is larger than 100000 bytes" in _posted(huge)
    found = _posted(failing)
    assert "the server answered 500: secret secret" in found
    assert len(found) < 1200


@pytest.mark.parametrize("text", ["", "[]", "1", "nonsense"])
def test_answers_must_be_json_objects(text: str) -> None:
    async def answer(_request: web.Request, _body: Any) -> web.Response:
        return web.Response(text=text)

    assert "the answer is not" in _posted(answer)


def test_a_slow_answer_is_not_waited_for() -> None:
    async def slow(_request: web.Request, _body: Any) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def dripping(request: web.Request, _body: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.Event().wait()
        return response

    for answer in (slow, dripping):
        found = _posted(answer, timeout=0.2)
        assert found.endswith('?timeout=0.2s": context deadline exceeded')


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "file:///etc/passwd",
        "unix:///run/x.sock",
        "https://",
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fd00:ec2::254]/",
        "https://2852039166/",
        "https://0.0.0.0/",
    ],
)
def test_places_that_are_never_called(url: str) -> None:
    async def main() -> str:
        client = WebhookClient()
        with pytest.raises(WebhookError) as refused:
            await client.post(ClientConfig(url), {}, 2)
        await client.aclose()
        return str(refused.value)

    found = asyncio.run(main())
    assert any(w in found for w in ("not allowed for webhooks", "only https URLs are called", "not a canonical"))


def test_names_that_resolve_to_such_a_place_are_not_called_either(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()

        async def resolved(*_: object, **__: object) -> list[Any]:
            return [(2, 1, 6, "", ("169.254.169.254", 443))]

        monkeypatch.setattr(loop, "getaddrinfo", resolved)
        client = WebhookClient()
        with pytest.raises(WebhookError) as refused:
            await client.post(ClientConfig("https://innocent.example/"), {}, 2)
        await client.aclose()
        return str(refused.value)

    assert "169.254.169.254" in asyncio.run(main())


def test_addresses() -> None:
    refused = ["169.254.0.1", "fe80::1%eth0", "::ffff:169.254.1.1", "64:ff9b::a9fe:a9fe", "::", "224.0.0.1"]
    assert [a for a in refused if not is_refused_address(a)] == []
    assert [a for a in ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "name"] if is_refused_address(a)] == []


def test_what_a_service_is_called() -> None:
    config = client_config({"service": {"namespace": "n", "name": "s"}})
    assert config.service == ServiceReference("n", "s", 443, "")
    assert config.shown == "https://s.n.svc:443/"
