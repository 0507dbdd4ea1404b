"""Serves the kube-apiserver of one simulated control-plane machine over TLS, with client certificates of its CA."""

from __future__ import annotations

from capstan.api.rules.certificates import Authority
from capstan.apiserver.listener import Listener, serve
from capstan.apiserver.server import ApiServer
from capstan.sim.certificates import Issuer
from capstan.sim.lab.tls import server_context
from capstan.sim.workload.cluster import Door


class DoorServer:
    """Listens on loopback until its machine closes the door."""

    def __init__(self, door: Door, issuer: Issuer) -> None:
        self._door = door
        self._issuer = issuer
        self._listener: Listener | None = None

    async def start(self, _path: str) -> int:
        """The port."""
        door = self._door
        authority = Authority(door.ca_pem, door.ca_key_pem)
        leaf = self._issuer.server(authority, "kube-apiserver", door.names(), ed25519=False)
        context = server_context(leaf, client_ca_pem=door.ca_pem, alpn=["http/1.1"])
        server = door.cluster.kubernetes
        assert isinstance(server, ApiServer)
        self._listener = await serve(server, "127.0.0.1", 0, context)
        return self._listener.port

    async def stop(self) -> None:
        if self._listener is not None:
            await self._listener.close()
