"""Clients of workload clusters: made once for each cluster and kubeconfig, kept, and closed when it changes."""

from __future__ import annotations

from typing import Protocol

from capstan.api.objects import Key
from capstan.runtime.client.http import HttpClient
from capstan.runtime.client.kubeconfig import parse_kubeconfig
from capstan.runtime.client.protocol import Client
from capstan.runtime.dialer import Dialer
from capstan.runtime.throttle import Throttle


class WorkloadClients(Protocol):
    """Where a controller gets the client of a workload cluster from."""

    async def client(self, cluster: Key, kubeconfig: bytes) -> Client:
        """The client for the cluster whose admin kubeconfig this is. Raises TransientError when the server does
        not answer, TerminalError when the kubeconfig cannot be used; the same one gives the same client."""
        ...

    async def forget(self, cluster: Key) -> None:
        """Close what is kept of a cluster that is gone."""
        ...


class HttpWorkloadClients:
    """Clients over HTTPS, dialled as this process dials. Each cluster is asked `burst` times at once and then `qps`
    times a second; what it does not answer is no reason to ask more."""

    def __init__(self, dialer: Dialer, *, qps: float = 100.0, burst: int = 200) -> None:
        self._dialer = dialer
        self._qps, self._burst = qps, burst
        self._clients: dict[Key, tuple[bytes, HttpClient]] = {}

    async def client(self, cluster: Key, kubeconfig: bytes) -> Client:
        kept = self._clients.get(cluster)
        if kept is not None and kept[0] == kubeconfig:
            return kept[1]
        config = parse_kubeconfig(kubeconfig, self_contained=True)
        client = HttpClient(config, self._dialer, Throttle(self._qps, self._burst))
        await self.forget(cluster)
        self._clients[cluster] = (kubeconfig, client)
        return client

    async def forget(self, cluster: Key) -> None:
        kept = self._clients.pop(cluster, None)
        if kept is not None:
            await kept[1].aclose()

    async def aclose(self) -> None:
        for cluster in list(self._clients):
            await self.forget(cluster)
