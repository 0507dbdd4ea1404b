"""The probe against servers with weak TLS, which it must find."""

from __future__ import annotations

import asyncio
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from capstan.cli.hardening.probe import probe
from capstan.cli.identity import Identity, IdentityStore
from capstan.cli.place import Place
from capstan.runtime.keys import SystemKeys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@contextmanager
def served(context: ssl.SSLContext) -> Iterator[int]:
    """A server that says yes to everything, in a thread."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []
    ending = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        loop.set_exception_handler(lambda *_: None)
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await ending.wait()
        server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(20)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(20)
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def identity(tmp_path: Path) -> tuple[Place, Identity]:
    place, keys = Place(tmp_path), SystemKeys(reserve=0)
    store = IdentityStore(place, keys, datetime.now(UTC))
    made = store.load("127.0.0.1")
    store.write_kubeconfig(made.authority, "https://127.0.0.1:1")
    keys.close()
    return place, made


def test_weak_versions_and_ciphers_are_found(tmp_path: Path) -> None:
    place, _ = identity(tmp_path)
    weak = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        weak.minimum_version = ssl.TLSVersion.TLSv1
    weak.set_ciphers("ALL:@SECLEVEL=0")
    weak.load_cert_chain(place.pki / "server.crt", place.pki / "server.key")
    with served(weak) as port:
        found = probe(place, f"https://127.0.0.1:{port}")
    assert "TLS 1.1" in found.protocols and found.ciphers
    assert (found.anonymous, found.unknown_token, set(found.profiling)) == (200, 200, {200})


def test_the_planes_own_tls_is_strong(tmp_path: Path) -> None:
    place, made = identity(tmp_path)
    with served(made.server_context) as port:
        found = probe(place, f"https://127.0.0.1:{port}")
    assert (list(found.protocols), list(found.ciphers), found.client_certificate) == ([], [], True)
