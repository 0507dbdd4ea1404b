"""The HTTP client against the API server on a real socket with TLS and client certificates."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from capstan.api.errors import TransientError
from capstan.api.scheme import SCHEME
from capstan.apiserver.listener import serve
from capstan.apiserver.server import ApiServer
from capstan.cli.identity import IdentityStore
from capstan.cli.place import Place
from capstan.runtime.client.http import HttpClient
from capstan.runtime.client.kubeconfig import Kubeconfig, parse_kubeconfig
from capstan.runtime.keys import SystemKeys
from capstan.store.memory import MemoryStore
from tests.conformance.client.suite import CHECKS, CONFIG_MAPS, Check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_http_client(check: Check, tmp_path: Path) -> None:
    async def story() -> None:
        keys = SystemKeys(reserve=0)
        store = IdentityStore(Place(tmp_path), keys, datetime.now(UTC))
        identity = store.load("127.0.0.1")
        server = ApiServer(MemoryStore(), scheme=SCHEME, clock=lambda: datetime.now(UTC), token=keys.token)
        await server.start()
        listener = await serve(server, "127.0.0.1", 0, identity.server_context)
        store.write_kubeconfig(identity.authority, f"https://127.0.0.1:{listener.port}")
        client = HttpClient(parse_kubeconfig(Place(tmp_path).kubeconfig.read_bytes()))
        try:
            await check(client)
        finally:
            await client.aclose()
            await listener.close()
            await server.stop()
            keys.close()

    asyncio.run(story())


def test_a_server_that_does_not_answer_is_transient() -> None:
    async def story() -> None:
        client = HttpClient(Kubeconfig("https://127.0.0.1:1"))
        try:
            with pytest.raises(TransientError, match="does not answer"):
                await client.list(CONFIG_MAPS)
        finally:
            await client.aclose()

    asyncio.run(story())
