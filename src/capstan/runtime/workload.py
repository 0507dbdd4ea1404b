"""Clients of workload clusters: made once for each cluster and kubeconfig, kept, and closed when it changes."""

from __future__ import annotations

from typing import Protocol

from capstan.api.objects import Key
from capstan.runtime.client.protocol import Client


class WorkloadClients(Protocol):
    """Where a controller gets the client of a workload cluster from."""

    async def client(self, cluster: Key, kubeconfig: bytes) -> Client:
        """The client for the cluster whose admin kubeconfig this is. Raises TransientError when the server does
        not answer; the same kubeconfig gives the same client."""
        ...

    async def forget(self, cluster: Key) -> None:
        """Close what is kept of a cluster that is gone."""
        ...
