"""Every effect of the management plane passes a gate, which can stop the process before or after any of them.

A crash in reality is the process gone between two instructions. Here a gate raises `Crashed` in the task that was
about to have an effect (or just had it), and lets no other effect through: what is left of the plane is then thrown
away, and a new one is started from the store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from capstan.api.objects import Key, Obj, ObjectList, Resource, WatchEvent
from capstan.api.verbs import Handover, PatchType, Propagation
from capstan.providers.proxmox.transport import Endpoint, Response, Scalar, Transport, TransportFactory, Upload
from capstan.providers.talos.channel import APID_PORT, Channel, ChannelFactory, ClientCredentials
from capstan.runtime.client.protocol import Client
from capstan.runtime.workload import WorkloadClients

T = TypeVar("T")

_READ_RPCS = ("Version", "Hostname", "ServiceList", "EtcdMemberList", "EtcdStatus", "EtcdAlarmList", "Get", "Memory")


class Crashed(BaseException):
    """The process is gone. No `except Exception` may catch it."""


class Gate:
    """Counts the points before and after effects. `on_crash` is told once."""

    def __init__(self, on_effect: Callable[[str, str], None], on_crash: Callable[[], None]) -> None:
        self._on_effect = on_effect
        self._on_crash = on_crash
        self.points = 0
        self.crash_at = 0
        #: Told the number of each point before anything happens there; it may set `crash_at` to it.
        self.on_point: Callable[[int], None] | None = None
        self.is_crashed = False

    def open(self) -> None:
        """A new process: effects pass again."""
        self.is_crashed = False

    async def effect(self, who: str, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """Have one effect. Raises Crashed before or after it, when that point is where the process ends."""
        self._pass()
        self._on_effect(who, what)
        result = await call()
        self._pass()
        return result

    def _pass(self) -> None:
        if self.is_crashed:
            raise Crashed
        self.points += 1
        if self.on_point is not None:
            self.on_point(self.points)
        if self.points == self.crash_at:
            self.is_crashed = True
            self._on_crash()
            raise Crashed


class GatedClient:
    """A client of a Kubernetes whose writes pass the gate. Implements `Client`."""

    def __init__(self, client: Client, gate: Gate, who: str) -> None:
        self._client = client
        self._gate = gate
        self._who = who

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        return await self._client.get(resource, namespace, name)

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList:
        return await self._client.list(
            resource,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            limit=limit,
            continue_token=continue_token,
        )

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[WatchEvent]:
        return self._client.watch(
            resource,
            namespace,
            resource_version=resource_version,
            label_selector=label_selector,
            field_selector=field_selector,
        )

    async def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj:
        metadata = obj["metadata"]
        key = Key(metadata.get("namespace", ""), metadata.get("name", ""))
        return await self._write("create", resource, key, lambda: self._client.create(resource, obj, dry_run=dry_run))

    async def act(self, resource: Resource, namespace: str, name: str, subresource: str, obj: Obj) -> Obj:
        key = Key(namespace, name)
        return await self._write(
            subresource, resource, key, lambda: self._client.act(resource, namespace, name, subresource, obj)
        )

    async def probe(self) -> None:
        await self._client.probe()

    async def served(self, group: str, version: str) -> Sequence[Resource]:
        return await self._client.served(group, version)

    async def update(self, resource: Resource, obj: Obj, *, subresource: str = "") -> Obj:
        key = Key(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        return await self._write(
            "update", resource, key, lambda: self._client.update(resource, obj, subresource=subresource)
        )

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Any,
        *,
        patch_type: PatchType = "merge",
        subresource: str = "",
    ) -> Obj:
        def call() -> Awaitable[Obj]:
            return self._client.patch(resource, namespace, name, patch, patch_type=patch_type, subresource=subresource)

        return await self._write("patch", resource, Key(namespace, name), call)

    async def apply(
        self,
        resource: Resource,
        obj: Obj,
        *,
        manager: str = "",
        force: bool = True,
        subresource: str = "",
        dry_run: bool = False,
        handover: Handover | None = None,
    ) -> Obj:
        key = Key(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])

        def call() -> Awaitable[Obj]:
            return self._client.apply(
                resource,
                obj,
                manager=manager,
                force=force,
                subresource=subresource,
                dry_run=dry_run,
                handover=handover,
            )

        return await self._write("apply", resource, key, call)

    async def commit(self, resource: Resource, before: Obj, after: Obj, *, guarded: bool = True) -> Obj:
        key = Key(before["metadata"].get("namespace", ""), before["metadata"]["name"])
        return await self._write(
            "commit", resource, key, lambda: self._client.commit(resource, before, after, guarded=guarded)
        )

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Propagation = "Background",
    ) -> None:
        def call() -> Awaitable[None]:
            return self._client.delete(
                resource, namespace, name, uid=uid, resource_version=resource_version, propagation=propagation
            )

        await self._write("delete", resource, Key(namespace, name), call)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _write(self, verb: str, resource: Resource, key: Key, call: Callable[[], Awaitable[T]]) -> T:
        return await self._gate.effect(self._who, f"{verb} {resource.plural} {key}", call)


class GatedTransports:
    """Transports to Proxmox VE whose changes pass the gate. Implements `TransportFactory`."""

    def __init__(self, transports: TransportFactory, gate: Gate) -> None:
        self._transports = transports
        self._gate = gate

    def connect(self, endpoint: Endpoint) -> Transport:
        return _GatedTransport(self._transports.connect(endpoint), self._gate)


class _GatedTransport:
    def __init__(self, transport: Transport, gate: Gate) -> None:
        self._transport = transport
        self._gate = gate

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Scalar] | None = None,
        *,
        upload: Upload | None = None,
        timeout_seconds: float = 30.0,
    ) -> Response:
        def call() -> Awaitable[Response]:
            return self._transport.request(method, path, params, upload=upload, timeout_seconds=timeout_seconds)

        # The model writes its own line for each change that it makes.
        return await call() if method == "GET" else await self._gate.effect("", "", call)

    async def aclose(self) -> None:
        await self._transport.aclose()


class GatedChannels:
    """Channels to machines whose effects pass the gate. Implements `ChannelFactory`."""

    def __init__(self, channels: ChannelFactory, gate: Gate) -> None:
        self._channels = channels
        self._gate = gate

    async def connect(self, address: str, credentials: ClientCredentials | None, port: int = APID_PORT) -> Channel:
        return _GatedChannel(await self._channels.connect(address, credentials, port), self._gate)


class _GatedChannel:
    def __init__(self, channel: Channel, gate: Gate) -> None:
        self._channel = channel
        self._gate = gate

    async def unary(
        self,
        method: str,
        request: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> bytes:
        def call() -> Awaitable[bytes]:
            return self._channel.unary(method, request, metadata=metadata, timeout_seconds=timeout_seconds)

        is_read = method.rpartition("/")[2] in _READ_RPCS
        return await call() if is_read else await self._gate.effect("", "", call)

    def stream(
        self,
        method: str,
        request: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> AsyncIterator[bytes]:
        return self._channel.stream(method, request, metadata=metadata, timeout_seconds=timeout_seconds)

    async def aclose(self) -> None:
        await self._channel.aclose()


class GatedWorkloads:
    """Clients of workload clusters whose writes pass the gate. Implements `WorkloadClients`."""

    def __init__(self, clients: WorkloadClients, gate: Gate) -> None:
        self._clients = clients
        self._gate = gate
        self._kept: dict[Key, tuple[Client, Client]] = {}

    async def client(self, cluster: Key, kubeconfig: bytes) -> Client:
        client = await self._clients.client(cluster, kubeconfig)
        kept = self._kept.get(cluster)
        if kept is None or kept[0] is not client:
            # The connection writes its own line for each change.
            kept = self._kept[cluster] = (client, GatedClient(client, self._gate, ""))
        return kept[1]

    async def forget(self, cluster: Key) -> None:
        self._kept.pop(cluster, None)
        await self._clients.forget(cluster)
