"""Client certificates of further CAs: users while their CA is there, and never masters."""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import uvloop
from cryptography.x509.oid import ExtendedKeyUsageOID

from capstan.api.rules.certificates import (
    Authority,
    Subject,
    Validity,
    issue,
    key_to_pkcs8_pem,
    self_signed_ca,
    serial_number,
)
from capstan.api.scheme import SCHEME
from capstan.apiserver.authorization import MASTERS
from capstan.apiserver.listener import serve
from capstan.apiserver.server import ApiServer
from capstan.cli.identity import IdentityStore
from capstan.cli.place import Place
from capstan.runtime.keys import SystemKeys
from capstan.store.memory import MemoryStore


class Certificates:
    """A plane's own, and those of somebody else's CA."""

    def __init__(self, root: Path) -> None:
        self.place = Place(root)
        self.keys = SystemKeys(reserve=0)
        self.now = datetime.now(UTC)
        self.identities = IdentityStore(self.place, self.keys, self.now)
        self.identity = self.identities.load("127.0.0.1")
        self.other = self_signed_ca(
            self.keys.ecdsa_p256(), Subject(common_name="other"), self._validity(), serial_number(b"1" * 16)
        )
        self.keys.close()

    def _validity(self) -> Validity:
        return Validity(self.now - timedelta(minutes=5), self.now + timedelta(days=1))

    def client(self, authority: Authority, name: str, *groups: str) -> ssl.SSLContext:
        private = self.keys.ecdsa_p256()
        serial, usage = serial_number(b"2" * 16), (ExtendedKeyUsageOID.CLIENT_AUTH,)
        subject = Subject(common_name=name, organizations=groups)
        pem = issue(authority, private.public_key(), subject, self._validity(), serial, usage)
        path = self.place.root / f"{name}.pem"
        path.write_bytes(pem + key_to_pkcs8_pem(private))
        context = ssl.create_default_context(cadata=self.identity.ca_pem.decode())
        context.load_cert_chain(path)
        return context


async def names_of(context: ssl.SSLContext, port: int) -> str:
    """Whom the server takes a client for; empty when it closes the connection."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="127.0.0.1")
        found = (await reader.readline()).decode().strip()
        writer.close()
        return found
    except (OSError, ssl.SSLError):
        return ""


async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    peer = writer.get_extra_info("peercert") or {}
    writer.write((str(dict(part[0] for part in peer.get("subject", ())).get("commonName", "nobody")) + "\n").encode())
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_client_ca_comes_and_goes_while_the_server_runs(tmp_path: Path, loop: str) -> None:
    made = Certificates(tmp_path)
    ours, theirs = made.client(made.identity.authority, "ours"), made.client(made.other, "theirs")

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=made.identity.server_context)
        port = server.sockets[0].getsockname()[1]
        assert await names_of(ours, port) == "ours" and await names_of(theirs, port) == ""
        made.place.client_ca.write_bytes(made.other.certificate_pem)
        assert await names_of(theirs, port) == "theirs" and await names_of(ours, port) == "ours"
        made.place.client_ca.write_text("no certificate")
        assert await names_of(theirs, port) == "theirs"
        made.place.client_ca.unlink()
        assert await names_of(theirs, port) == "" and await names_of(ours, port) == "ours"
        server.close()

    (asyncio.run if loop == "asyncio" else uvloop.run)(story())


def test_only_the_planes_own_ca_makes_masters(tmp_path: Path) -> None:
    made = Certificates(tmp_path)
    ours = made.client(made.identity.authority, "ours", MASTERS, "ops")
    theirs = made.client(made.other, "theirs", MASTERS, "ops")
    made.place.client_ca.write_bytes(made.other.certificate_pem)

    async def groups(context: ssl.SSLContext, url: str) -> list[str]:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        async with aiohttp.ClientSession() as session, session.post(url + path, json=review, ssl=context) as answer:
            found = await answer.json()
        return list(found["status"]["userInfo"]["groups"])

    async def story() -> None:
        server = ApiServer(MemoryStore(), scheme=SCHEME, clock=lambda: datetime.now(UTC), token=os.urandom)
        await server.start()
        context, ca = made.identity.server_context, made.identity.ca_pem
        listener = await serve(server, "127.0.0.1", 0, context, own_ca=ca)
        url = f"https://127.0.0.1:{listener.port}"
        try:
            assert await groups(ours, url) == [MASTERS, "ops", "system:authenticated"]
            assert await groups(theirs, url) == ["ops", "system:authenticated"]
        finally:
            await listener.close()
            await server.stop()

    asyncio.run(story())
