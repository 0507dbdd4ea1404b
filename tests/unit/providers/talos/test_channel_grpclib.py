"""The gRPC client against a server on loopback: mutual TLS with Ed25519 keys, deadlines, typed errors."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server

from capstan.api.objects import Key
from capstan.api.rules import certificates as certs
from capstan.providers.talos.channel import ClientCredentials, RpcError
from capstan.providers.talos.channel_grpclib import _Raw
from capstan.providers.talos.channels import GrpcChannels
from capstan.providers.talos.client import TalosClient, TalosClients
from capstan.providers.talos.rpc import message
from capstan.runtime.dialer import Dialer

NOW = datetime.now(UTC)
VALIDITY = certs.Validity(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
KEY = Ed25519PrivateKey.generate()
CA = certs.self_signed_ca(KEY, certs.Subject(organizations=("talos",)), VALIDITY, 1)


def credentials(ca: certs.Authority = CA) -> ClientCredentials:
    key = Ed25519PrivateKey.generate()
    leaf = certs.issue(CA, key.public_key(), certs.Subject(organizations=("os:admin",)), VALIDITY, 2)
    return ClientCredentials(ca.certificate_pem, leaf, certs.key_to_pem(key))


class Machine:
    """A few methods of a machine."""

    def __mapping__(self) -> dict[str, Handler]:
        def unary(function: Callable[[Any], Awaitable[None]]) -> Handler:
            return Handler(function, Cardinality.UNARY_UNARY, bytes, bytes)

        return {
            "/machine.MachineService/Version": unary(self.version),
            "/machine.MachineService/Bootstrap": unary(self.bootstrap),
            "/machine.MachineService/Hostname": unary(self.hostname),
            "/machine.MachineService/List": Handler(self.list, Cardinality.UNARY_STREAM, bytes, bytes),
        }

    async def version(self, stream: Any) -> None:
        await stream.recv_message()
        reply = message("machine.VersionResponse")()
        reply.messages.add().version.tag = "v1.13.2"
        await stream.send_message(reply.SerializeToString())

    async def bootstrap(self, stream: Any) -> None:
        raise GRPCError(Status.ALREADY_EXISTS, "etcd data directory is not empty")

    async def hostname(self, stream: Any) -> None:
        await asyncio.Event().wait()

    async def list(self, stream: Any) -> None:
        await stream.recv_message()
        for name in ("snap", "wal"):
            await stream.send_message(message("machine.FileInfo")(name=name).SerializeToString())


def server_context() -> ssl.SSLContext:
    key = Ed25519PrivateKey.generate()
    subject = certs.Subject(common_name="n1", ip_addresses=("127.0.0.1",))
    leaf = certs.issue(CA, key.public_key(), subject, VALIDITY, 3, (certs.SERVER_AUTH,))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=CA.certificate_pem.decode())
    context.set_alpn_protocols(["h2"])
    descriptor, path = tempfile.mkstemp()
    with os.fdopen(descriptor, "wb") as file:
        file.write(leaf + certs.key_to_pkcs8_pem(key))
    context.load_cert_chain(path)
    os.unlink(path)
    return context


def with_machine(test: Callable[[int], Awaitable[None]]) -> None:
    async def run() -> None:
        server = Server([Machine()], codec=_Raw())
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            port = listening.getsockname()[1]
            await server.start(sock=listening, ssl=server_context())
            try:
                await test(port)
            finally:
                server.close()
                await server.wait_closed()

    asyncio.run(run())


def test_calls_and_streams_over_mutual_tls() -> None:
    async def test(port: int) -> None:
        client = TalosClient(await GrpcChannels(Dialer().connect).connect("127.0.0.1", credentials(), port))
        assert await client.version() == "v1.13.2"
        assert await client.has_etcd_data()
        with pytest.raises(RpcError) as raised:
            await client.bootstrap_etcd()
        assert (raised.value.code, raised.value.message) == (6, "etcd data directory is not empty")
        await client.aclose()

    with_machine(test)


def test_an_answer_that_does_not_come_ends_with_the_deadline() -> None:
    async def test(port: int) -> None:
        channel = await GrpcChannels(Dialer().connect).connect("127.0.0.1", credentials(), port)
        with pytest.raises(RpcError) as raised:
            await channel.unary("/machine.MachineService/Hostname", b"", timeout_seconds=0.05)
        assert raised.value.code == 4
        await channel.aclose()

    with_machine(test)


def test_a_machine_of_another_cluster_is_told_apart() -> None:
    other = certs.self_signed_ca(Ed25519PrivateKey.generate(), certs.Subject(organizations=("talos",)), VALIDITY, 4)

    async def test(port: int) -> None:
        channel = await GrpcChannels(Dialer().connect).connect("127.0.0.1", credentials(other), port)
        with pytest.raises(RpcError) as raised:
            await TalosClient(channel).version()
        assert raised.value.code == 14
        assert "another cluster" in raised.value.message
        await channel.aclose()

    with_machine(test)


def test_nobody_there() -> None:
    async def test() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            channel = await GrpcChannels(Dialer().connect).connect("127.0.0.1", None, port)
            with pytest.raises(RpcError) as raised:
                await TalosClient(channel).version()
            assert raised.value.code == 14
            await channel.aclose()

    asyncio.run(test())


def test_unreadable_credentials_are_refused_without_being_quoted() -> None:
    broken = ClientCredentials(b"x", b"y", b"very secret")

    async def test() -> None:
        with pytest.raises(RpcError) as raised:
            await GrpcChannels(Dialer().connect).connect("127.0.0.1", broken)
        assert raised.value.code == 16
        assert "very secret" not in str(raised.value) + repr(broken)

    asyncio.run(test())


def test_a_client_is_kept_until_its_credentials_change() -> None:
    async def test() -> None:
        clients = TalosClients(GrpcChannels(Dialer().connect))
        cluster, first, second = Key("default", "c"), credentials(), credentials()
        kept = await clients.client(cluster, "10.0.0.1", first)
        assert await clients.client(cluster, "10.0.0.1", first) is kept
        assert await clients.client(cluster, "10.0.0.1", second) is not kept
        await clients.aclose()

    asyncio.run(test())
