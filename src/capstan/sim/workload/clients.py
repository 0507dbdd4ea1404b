"""Clients of simulated workload clusters: a kubeconfig leads to a door, certificates are really checked there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import Key, Obj, ObjectList, Resource, WatchEvent
from capstan.api.verbs import Answer, DeleteOptions, ListOptions, PatchType, User, Verbs, WriteOptions
from capstan.runtime.client.kubeconfig import Kubeconfig, parse_kubeconfig
from capstan.runtime.client.local import LocalClient
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import Clock
from capstan.sim.faults import Faults
from capstan.sim.network import Network
from capstan.sim.trace import Trace
from capstan.sim.workload.cluster import Door

T = TypeVar("T")


class SimWorkloadClients:
    """Implements `capstan.runtime.workload.WorkloadClients` on the simulated network."""

    def __init__(self, network: Network, clock: Clock, trace: Trace, faults: Faults) -> None:
        self._network = network
        self._clock = clock
        self._trace = trace
        self._faults = faults
        self._clients: dict[Key, tuple[bytes, Client]] = {}
        #: How many were made, as each costs a handshake and a key.
        self.made = 0

    async def client(self, cluster: Key, kubeconfig: bytes) -> Client:
        kept = self._clients.get(cluster)
        if kept is not None and kept[0] == kubeconfig:
            return kept[1]
        connection = Connection(
            parse_kubeconfig(kubeconfig), self._network, self._clock, self._trace, self._faults, str(cluster)
        )
        client = LocalClient(ReachableVerbs(connection))
        self.made += 1
        self._clients[cluster] = (kubeconfig, client)
        return client

    async def forget(self, cluster: Key) -> None:
        self._clients.pop(cluster, None)


class Connection:
    """Finds the door that a kubeconfig leads to, again for every call, and who its user is there."""

    def __init__(
        self, config: Kubeconfig, network: Network, clock: Clock, trace: Trace, faults: Faults, label: str
    ) -> None:
        url = urlsplit(config.server)
        self._host, self._port = url.hostname or "", url.port or 443
        self._config = config
        self._network = network
        self._clock = clock
        self._trace = trace
        self._faults = faults
        self._label = label
        self._known: tuple[Door, User] | None = None

    async def heard(self, operation: str) -> None:
        """What is on its way arrives once the network carries it again: nothing breaks off a watch that is silent."""
        while self._faults.is_struck("workload", f"{self._label} {operation}"):
            await self._clock.sleep(1.0)

    def enter(self, operation: str) -> tuple[Door, Verbs]:
        """The door for one call. Raises TransientError when nobody answers, ApiError 401 for a bad certificate."""
        if not operation.startswith(("get", "list", "watch")):
            self._trace.add("workload", f"{self._label} {operation}")
        fault = self._faults.strike("workload", f"{self._label} {operation}")
        if fault is not None:
            self._trace.add("fault", f"refuse {self._label} {operation} {fault.code} {fault.message}")
            if fault.code:
                raise ApiError(fault.code, "InternalError", fault.message)
            raise TransientError(f"{self._host}:{self._port} does not answer: {fault.message}")
        door = self._network.service(self._host, self._port)
        if not isinstance(door, Door) or not door.is_open:
            raise TransientError(f"{self._host}:{self._port} does not answer: connection refused")
        if self._known is None or self._known[0] is not door:
            self._known = (door, identify(self._config, self._host, door, self._clock.now()))
        return door, door.cluster.kubernetes.verbs(self._known[1])


def identify(config: Kubeconfig, host: str, door: Door, now: datetime) -> User:
    """What both ends of a TLS handshake check. Raises TransientError where the client would hang up, ApiError 401
    where the server refuses."""
    authority = x509.load_pem_x509_certificate(door.ca_pem)
    if not config.insecure:
        trusted = x509.load_pem_x509_certificates(config.ca_pem) if config.ca_pem else []
        if authority.public_key() not in [certificate.public_key() for certificate in trusted]:
            raise TransientError(f"{host}: certificate verify failed: signed by unknown authority")
        if host not in door.names():
            raise TransientError(f"{host}: certificate verify failed: not valid for this address")
    if not config.certificate_pem:
        raise ApiError(401, "Unauthorized", "Unauthorized")
    certificate = x509.load_pem_x509_certificate(config.certificate_pem)
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        raise ApiError(401, "Unauthorized", "Unauthorized") from None
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise ApiError(401, "Unauthorized", "Unauthorized")
    names = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    return User(names[0] if names else "", (*groups, "system:authenticated"))


class ReachableVerbs:
    """Implements `Verbs` through the door that is open at the time of each call; a watch ends with its door."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        _door, verbs = self._connection.enter(f"get {resource.plural} {name}")
        return await verbs.get(resource, namespace, name)

    async def list(self, resource: Resource, namespace: str, options: ListOptions) -> ObjectList:
        _door, verbs = self._connection.enter(f"list {resource.plural}")
        return await verbs.list(resource, namespace, options)

    async def watch(self, resource: Resource, namespace: str, options: ListOptions) -> AsyncIterator[WatchEvent]:
        door, verbs = self._connection.enter(f"watch {resource.plural}")
        closed = asyncio.ensure_future(door.cluster.changed.until(lambda: not door.is_open))
        events = aiter(verbs.watch(resource, namespace, options))
        try:
            while True:
                following = asyncio.ensure_future(_next(events))
                await asyncio.wait([following, closed], return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    following.cancel()
                    raise TransientError(f"watch of {resource.plural} broke: the connection was reset")
                event = following.result()
                if event is None:
                    return
                await self._connection.heard(f"watch {resource.plural}")
                yield event
        finally:
            closed.cancel()

    async def create(self, resource: Resource, namespace: str, obj: Obj, options: WriteOptions) -> Answer:
        return await self._write(
            "create",
            resource,
            str(obj["metadata"].get("name", "")),
            lambda v: v.create(resource, namespace, obj, options),
        )

    async def act(
        self, resource: Resource, namespace: str, name: str, subresource: str, obj: Obj, options: WriteOptions
    ) -> Answer:
        return await self._write(
            subresource, resource, name, lambda v: v.act(resource, namespace, name, subresource, obj, options)
        )

    async def probe(self) -> None:
        _door, verbs = self._connection.enter("get /")
        await verbs.probe()

    async def served(self, group: str, version: str) -> Sequence[Resource]:
        _door, verbs = self._connection.enter("get /apis")
        return await verbs.served(group, version)

    async def update(
        self, resource: Resource, namespace: str, name: str, obj: Obj, options: WriteOptions, subresource: str = ""
    ) -> Answer:
        return await self._write(
            "update", resource, name, lambda v: v.update(resource, namespace, name, obj, options, subresource)
        )

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch_type: PatchType,
        patch: Any,
        options: WriteOptions,
        subresource: str = "",
    ) -> Answer:
        return await self._write(
            "patch",
            resource,
            name,
            lambda v: v.patch(resource, namespace, name, patch_type, patch, options, subresource),
        )

    async def commit(
        self, resource: Resource, namespace: str, name: str, patch: Obj, status_patch: Obj, options: WriteOptions
    ) -> Answer:
        return await self._write(
            "patch", resource, name, lambda v: v.commit(resource, namespace, name, patch, status_patch, options)
        )

    async def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> Answer:
        return await self._write("delete", resource, name, lambda v: v.delete(resource, namespace, name, options))

    async def _write(
        self, verb: str, resource: Resource, name: str, call: Callable[[Verbs], Awaitable[Answer]]
    ) -> Answer:
        _door, verbs = self._connection.enter(f"{verb} {resource.plural} {name}")
        return await call(verbs)


async def _next(events: AsyncIterator[WatchEvent]) -> WatchEvent | None:
    return await anext(events, None)
