"""Nodes of workload clusters, kept by one watch for each cluster and told to whoever asked.

A connection is made on the first read and kept until the cluster is forgotten or its kubeconfig changes. While it
cannot be made, reads say so and the watch tries again by itself: nobody polls. A silence says nothing of the cluster
before it has lasted GRACE_SECONDS: this process may have just begun, or the endpoint may be moving to another machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from capstan.api.core.node import Node
from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import Key, Resource
from capstan.runtime.client.protocol import Client
from capstan.runtime.informer import RETRY_SECONDS, Entry, Informer
from capstan.runtime.workload import WorkloadClients

NODES = Resource("", "v1", "nodes", "Node", namespaced=False)

#: The remote-connection-grace-period of cluster-api-core.md.
GRACE_SECONDS = 50.0

#: TransientError.reason of a read: silent, and not for long; and silent for longer than the grace.
CONNECTING = "WorkloadConnecting"
UNREACHABLE = "WorkloadUnreachable"

#: Told of a changed Node; None when the connection to the cluster came or went.
NodeHandler = Callable[[Key, Node | None], None]


@dataclass(slots=True)
class _Connection:
    """`silent_since` is the loop's time; `error` says why there is no informer yet."""

    kubeconfig: bytes
    task: asyncio.Task[None]
    silent_since: float
    informer: Informer | None = None
    error: str = ""

    def trouble(self) -> str:
        error = self.informer.trouble if self.informer is not None else self.error
        return error or "not connected yet"


class WorkloadNodes:
    """The Node informers of all workload clusters of this process."""

    def __init__(self, clients: WorkloadClients) -> None:
        self._clients = clients
        self._connections: dict[Key, _Connection] = {}
        self._handlers: list[NodeHandler] = []

    def on_change(self, handler: NodeHandler) -> None:
        self._handlers.append(handler)

    async def list(self, cluster: Key, kubeconfig: bytes) -> tuple[Node, ...]:
        """The Nodes as last seen, by name. Raises TransientError while the cluster cannot be reached: its
        reason is CONNECTING at first, and UNREACHABLE when that lasts; a handler is told when it becomes that."""
        connection = self._connections.get(cluster)
        if connection is not None and connection.kubeconfig != kubeconfig:
            await self.forget(cluster)
            connection = None
        if connection is None:
            loop = asyncio.get_running_loop()
            task = loop.create_task(self._keep(cluster, kubeconfig), name=f"nodes of {cluster}")
            connection = self._connections[cluster] = _Connection(kubeconfig, task, loop.time())
            self._tell_if_silent(cluster, connection)
        informer = connection.informer
        if informer is None or not informer.connected:
            silence = asyncio.get_running_loop().time() - connection.silent_since
            raise TransientError(
                f"the API server of cluster {cluster} does not answer: {connection.trouble()}",
                reason=CONNECTING if silence < GRACE_SECONDS else UNREACHABLE,
            )
        return tuple(e.view(Node) for e in sorted(informer.entries(), key=lambda entry: entry.key))

    async def forget(self, cluster: Key) -> None:
        """Close the connection of a cluster that is gone."""
        connection = self._connections.pop(cluster, None)
        if connection is not None:
            connection.task.cancel()
            await asyncio.gather(connection.task, return_exceptions=True)
            await self._clients.forget(cluster)

    async def stop(self) -> None:
        for cluster in list(self._connections):
            await self.forget(cluster)

    async def _keep(self, cluster: Key, kubeconfig: bytes) -> None:
        client = await self._connect(cluster, kubeconfig)
        connection = self._connections[cluster]
        informer = Informer(client, NODES, struct=Node)
        connection.informer = informer

        def connected(is_connected: bool) -> None:
            if not is_connected and informer.synced:
                connection.silent_since = asyncio.get_running_loop().time()
                self._tell_if_silent(cluster, connection)
            self._tell(cluster, None)

        def changed(old: Entry | None, new: Entry | None) -> None:
            entry = new or old
            if entry is not None and informer.connected:
                self._tell(cluster, entry.view(Node))

        informer.on_connection = connected
        informer.on_change(changed)
        await informer.run()

    async def _connect(self, cluster: Key, kubeconfig: bytes) -> Client:
        attempt = 0
        while True:
            try:
                return await self._clients.client(cluster, kubeconfig)
            except (TransientError, ApiError) as error:
                self._connections[cluster].error = str(error)
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1

    def _tell_if_silent(self, cluster: Key, connection: _Connection) -> None:
        """When the grace is over, unless the cluster was heard of in between."""
        since = connection.silent_since

        def tell() -> None:
            informer = connection.informer
            silent = informer is None or not informer.connected
            if silent and connection.silent_since == since and self._connections.get(cluster) is connection:
                self._tell(cluster, None)

        asyncio.get_running_loop().call_later(GRACE_SECONDS, tell)

    def _tell(self, cluster: Key, node: Node | None) -> None:
        for handler in self._handlers:
            handler(cluster, node)
