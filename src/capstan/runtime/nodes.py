"""Nodes of workload clusters, kept by one watch for each cluster and told to whoever asked.

A connection is made on the first read and kept until the cluster is forgotten or its kubeconfig changes. While it
cannot be made, reads say so and the watch tries again by itself. A silence says nothing of the cluster before it has
lasted for a grace: this process may have just begun, or the endpoint may be moving to another machine.

A watch that is silent may be healthy or dead, so every connection that seems to hold is probed: the one thing here
that is polled. Too many failures in a row, or one refusal of the credentials, and the connection is made anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from capstan.api.core.node import Node
from capstan.api.errors import ApiError, TerminalError, TransientError
from capstan.api.objects import Key, Resource
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import Clock, SystemClock
from capstan.runtime.informer import RETRY_SECONDS, Entry, Informer
from capstan.runtime.metrics import Metrics
from capstan.runtime.workload import WorkloadClients

NODES = Resource("", "v1", "nodes", "Node", namespaced=False)


CONNECTION_GRACE_SECONDS = 50.0
CONDITIONS_GRACE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Graces:
    """For how long a silence says nothing of the connection (the remote-connection-grace-period of
    cluster-api-core.md), and for how long what was seen of nodes holds meanwhile (the remote-conditions-grace-period).
    Both in seconds."""

    connection: float = CONNECTION_GRACE_SECONDS
    conditions: float = CONDITIONS_GRACE_SECONDS


#: The health probe of a connection (cluster-api-core.md 12).
PROBE_SECONDS = 10.0
PROBE_TIMEOUT_SECONDS = 5.0
PROBE_FAILURES = 5
RECONNECT_SECONDS = 30.0

#: TransientError.reason of a read: silent, and not for long; and silent for longer than the grace.
CONNECTING = "WorkloadConnecting"
UNREACHABLE = "WorkloadUnreachable"

#: Told of a changed Node; None when the connection to the cluster came or went.
NodeHandler = Callable[[Key, Node | None], None]


class SilenceError(TransientError):
    """A workload cluster does not answer. `last_seen` is when it did last; None when it never has, here. What was seen
    of its nodes holds for `conditions_grace` seconds."""

    def __init__(
        self, message: str, reason: str, last_seen: datetime | None, conditions_grace: float = CONDITIONS_GRACE_SECONDS
    ) -> None:
        super().__init__(message, reason=reason)
        self.last_seen = last_seen
        self.conditions_grace = conditions_grace


@dataclass(slots=True)
class _Connection:
    """`silent_since` is the loop's time; `error` says why there is no informer yet; `last_seen` is when the cluster
    answered last."""

    kubeconfig: bytes
    task: asyncio.Task[None]
    silent_since: float
    informer: Informer | None = None
    error: str = ""
    last_seen: datetime | None = None

    def trouble(self) -> str:
        """Goes on after the name of the API server."""
        error = self.informer.trouble if self.informer is not None else self.error
        says_where = error.startswith("https://") and " does not answer" in error
        return f"at {error}" if says_where else f"does not answer: {error or 'not connected yet'}"


class WorkloadNodes:
    """The Node informers of all workload clusters of this process."""

    def __init__(self, clients: WorkloadClients, clock: Clock | None = None, graces: Graces | None = None) -> None:
        self._clients = clients
        self._graces = graces or Graces()
        self._clock = clock or SystemClock()
        self._connections: dict[Key, _Connection] = {}
        self._handlers: list[NodeHandler] = []
        #: Whose the counters are is its manager's to say.
        self.metrics = Metrics()

    def on_change(self, handler: NodeHandler) -> None:
        self._handlers.append(handler)

    async def list(self, cluster: Key, kubeconfig: bytes) -> tuple[Node, ...]:
        """The Nodes as last seen, by name. Raises SilenceError while the cluster cannot be reached: its
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
            raise SilenceError(
                f"the API server of cluster {cluster} {connection.trouble()}",
                CONNECTING if silence < self._graces.connection else UNREACHABLE,
                connection.last_seen,
                self._graces.conditions,
            )
        return tuple(e.view(Node) for e in sorted(informer.entries(), key=lambda entry: entry.key))

    async def forget(self, cluster: Key) -> None:
        """Close the connection of a cluster that is gone."""
        connection = self._connections.pop(cluster, None)
        if connection is not None:
            connection.task.cancel()
            await asyncio.gather(connection.task, return_exceptions=True)
            await self._clients.forget(cluster)
            self.metrics.forget(cluster)

    async def stop(self) -> None:
        for cluster in list(self._connections):
            await self.forget(cluster)

    async def _keep(self, cluster: Key, kubeconfig: bytes) -> None:
        """Connect, watch and probe, again and again."""
        while True:
            client = await self._connect(cluster, kubeconfig)
            watching = asyncio.ensure_future(self._watch(cluster, client))
            try:
                wait = await self._probe(cluster, client)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            self._disconnect(cluster)
            await self._clients.forget(cluster)
            await asyncio.sleep(wait)

    def _disconnect(self, cluster: Key) -> None:
        connection = self._connections[cluster]
        was_heard_of = connection.informer is not None and connection.informer.connected
        connection.informer = None
        self.metrics.connected(cluster, False)
        if was_heard_of:
            connection.silent_since = asyncio.get_running_loop().time()
            self._tell_if_silent(cluster, connection)
            self._tell(cluster, None)

    async def _probe(self, cluster: Key, client: Client) -> float:
        """Returns when the connection is no good any more; in how many seconds to make another."""
        connection, failures = self._connections[cluster], 0
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if connection.informer is None or not connection.informer.connected:
                failures = 0  # the watch knows, and tries again by itself
                continue
            try:
                async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                    await client.probe()
            except (TransientError, ApiError, TimeoutError) as error:
                failures += 1
                self.metrics.probed(cluster, False)
                connection.error = f"the health probe failed: {error or 'no answer in time'}"
                if isinstance(error, ApiError) and error.code == 401:
                    return 0.001
                if failures >= PROBE_FAILURES:
                    return RECONNECT_SECONDS
            else:
                failures, connection.last_seen = 0, self._clock.now()
                self.metrics.probed(cluster, True)

    async def _watch(self, cluster: Key, client: Client) -> None:
        connection = self._connections[cluster]
        informer = Informer(client, NODES, struct=Node)
        connection.informer = informer

        def connected(is_connected: bool) -> None:
            self.metrics.connected(cluster, is_connected)
            if is_connected:
                connection.last_seen = self._clock.now()
            elif informer.synced:
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
            except (TransientError, TerminalError, ApiError) as error:
                self._connections[cluster].error = str(error)
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1

    def _tell_if_silent(self, cluster: Key, connection: _Connection) -> None:
        """When a grace is over, unless the cluster was heard of in between."""
        since = connection.silent_since

        def tell() -> None:
            informer = connection.informer
            silent = informer is None or not informer.connected
            if silent and connection.silent_since == since and self._connections.get(cluster) is connection:
                self._tell(cluster, None)

        for grace in (self._graces.connection, self._graces.conditions):
            asyncio.get_running_loop().call_later(grace + 0.001, tell)

    def _tell(self, cluster: Key, node: Node | None) -> None:
        for handler in self._handlers:
            handler(cluster, node)
