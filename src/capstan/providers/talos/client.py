"""A typed client of one Talos machine, and the clients of all machines, made once and kept (talos.md 4).

Calls go to the machine that is dialled; no routing metadata is set, so an answer is that machine's own.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from capstan.api.objects import Key
from capstan.providers.talos.channel import Channel, ChannelFactory, ClientCredentials, RpcError

NOT_FOUND = 5
ALREADY_EXISTS = 6
FAILED_PRECONDITION = 9
UNIMPLEMENTED = 12

_MACHINE = "/machine.MachineService/"
_STATE = "/cosi.resource.State/"
_ETCD_DATA = "/var/lib/etcd/member"


@dataclass(frozen=True, slots=True)
class Service:
    """A Talos service. `healthy` is None where there is no health check."""

    id: str
    state: str
    healthy: bool | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class EtcdMember:
    """A member as etcd lists it; the name is empty until it has started."""

    id: int
    hostname: str
    peer_urls: tuple[str, ...]
    is_learner: bool


@dataclass(frozen=True, slots=True)
class EtcdStatus:
    """How the machine's own member sees itself. `leader` is a member's id, 0 without one."""

    member_id: int
    leader: int
    is_learner: bool
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """A COSI resource; its spec as YAML text."""

    id: str
    version: str
    phase: str
    spec_yaml: str


class TalosClient:
    """Calls of one machine. All raise RpcError."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def version(self) -> str:
        """The running Talos version, such as `v1.13.2`."""
        reply = await self._call("Version")
        return str(reply.messages[0].version.tag)

    async def hostname(self) -> str:
        reply = await self._call("Hostname")
        return str(reply.messages[0].hostname)

    async def services(self) -> tuple[Service, ...]:
        reply = await self._call("ServiceList")
        return tuple(_service(s) for found in reply.messages for s in found.services)

    async def etcd_members(self, *, local: bool = False) -> tuple[EtcdMember, ...]:
        """All members; `local` reads the machine's own copy, which answers without a quorum."""
        reply = await self._call("EtcdMemberList", query_local=local)
        return tuple(
            EtcdMember(m.id, m.hostname, tuple(m.peer_urls), m.is_learner)
            for found in reply.messages
            for m in found.members
        )

    async def etcd_status(self) -> EtcdStatus:
        reply = await self._call("EtcdStatus")
        status = reply.messages[0].member_status
        return EtcdStatus(status.member_id, status.leader, status.is_learner, tuple(status.errors))

    async def etcd_alarms(self) -> tuple[str, ...]:
        """Names of raised alarms, such as NOSPACE."""
        from capstan.providers.talos.rpc import message

        reply = await self._call("EtcdAlarmList")
        enum = message("machine.EtcdMemberAlarm").DESCRIPTOR.enum_types_by_name["AlarmType"]
        return tuple(
            enum.values_by_number[a.alarm].name for found in reply.messages for a in found.member_alarms if a.alarm
        )

    async def etcd_snapshot(self) -> AsyncIterator[bytes]:
        async for part in self._stream("EtcdSnapshot"):
            yield bytes(part.bytes)

    async def forfeit_etcd_leadership(self) -> str:
        """Who leads now; empty when this machine did not lead."""
        reply = await self._call("EtcdForfeitLeadership")
        return str(reply.messages[0].member) if reply.messages else ""

    async def leave_etcd(self, timeout_seconds: float = 60.0) -> None:
        """Removes the machine's own member, stops etcd and empties its directory."""
        await self._call("EtcdLeaveCluster", timeout_seconds=timeout_seconds)

    async def remove_etcd_member(self, member_id: int) -> None:
        """A member that is gone already is fine."""
        try:
            await self._call("EtcdRemoveMemberByID", member_id=member_id)
        except RpcError as error:
            if error.code != NOT_FOUND:
                raise

    async def bootstrap_etcd(self) -> None:
        """Starts the cluster's first etcd member here. A directory that is not empty is AlreadyExists (6)."""
        await self._call("Bootstrap", timeout_seconds=30.0)

    async def has_etcd_data(self) -> bool:
        """Whether this machine's etcd directory holds a member's data."""
        try:
            entries = [entry async for entry in self._stream("List", timeout_seconds=10.0, root=_ETCD_DATA)]
        except RpcError as error:
            if error.code == NOT_FOUND or "no such file" in error.message:
                return False
            raise
        return any(not entry.error for entry in entries)

    async def apply_configuration(self, config: bytes, *, mode: str = "AUTO", dry_run: bool = False) -> str:
        """What the machine says about it. The mode is always sent: the protocol's default is a reboot."""
        from capstan.providers.talos.rpc import enum_value

        number = enum_value(f"machine.ApplyConfigurationRequest.Mode.{mode}")
        reply = await self._call("ApplyConfiguration", 30.0, data=config, mode=number, dry_run=dry_run)
        return str(reply.messages[0].mode_details) if reply.messages else ""

    async def reboot(self) -> None:
        await self._call("Reboot")

    async def shutdown(self, *, force: bool = False) -> None:
        await self._call("Shutdown", force=force)

    async def reset(self, *, graceful: bool = True, reboot: bool = False) -> None:
        await self._call("Reset", graceful=graceful, reboot=reboot)

    async def kubeconfig(self) -> bytes:
        """The admin kubeconfig that the machine makes: a tar of one file without an end mark."""
        packed = b"".join([bytes(part.bytes) async for part in self._stream("Kubeconfig", timeout_seconds=30.0)])
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member else None
            return file.read() if file else b""

    async def total_memory_bytes(self) -> int:
        reply = await self._call("Memory")
        return int(reply.messages[0].meminfo.memtotal) * 1024

    async def get_resource(self, namespace: str, type: str, id: str) -> Resource:
        """A COSI resource, such as runtime, MachineStatuses.runtime.talos.dev, machine."""
        reply = await self._unary(_STATE + "Get", 10.0, namespace=namespace, type=type, id=id)
        return _resource(reply.resource)

    async def list_resources(self, namespace: str, type: str) -> tuple[Resource, ...]:
        path = _STATE + "List"
        return tuple([_resource(r.resource) async for r in self._stream_of(path, 10.0, namespace=namespace, type=type)])

    async def aclose(self) -> None:
        await self._channel.aclose()

    async def _call(self, name: str, timeout_seconds: float = 10.0, /, **fields: Any) -> Any:
        timeout_seconds = fields.pop("timeout_seconds", timeout_seconds)
        return await self._unary(_MACHINE + name, timeout_seconds, **fields)

    async def _unary(self, path: str, timeout_seconds: float, /, **fields: Any) -> Any:
        # With the first call: protocol buffers would take a tenth of a start.
        from capstan.providers.talos.rpc import message, method

        rpc = method(path)
        request = message(rpc.request)(**fields).SerializeToString()
        reply = await self._channel.unary(path, request, timeout_seconds=timeout_seconds)
        return message(rpc.response).FromString(reply)

    def _stream(self, name: str, *, timeout_seconds: float | None = None, **fields: Any) -> AsyncIterator[Any]:
        return self._stream_of(_MACHINE + name, timeout_seconds, **fields)

    async def _stream_of(self, path: str, timeout_seconds: float | None, /, **fields: Any) -> AsyncIterator[Any]:
        from capstan.providers.talos.rpc import message, method

        rpc = method(path)
        request = message(rpc.request)(**fields).SerializeToString()
        reply_class = message(rpc.response)
        async for reply in self._channel.stream(path, request, timeout_seconds=timeout_seconds):
            yield reply_class.FromString(reply)


class TalosClients:
    """One client for each machine's address, kept while the credentials stay the same."""

    def __init__(self, channels: ChannelFactory) -> None:
        self._channels = channels
        self._kept: dict[tuple[Key, str], tuple[ClientCredentials, TalosClient]] = {}

    async def client(self, cluster: Key, address: str, credentials: ClientCredentials) -> TalosClient:
        """Raises RpcError."""
        place = (cluster, address)
        kept = self._kept.get(place)
        if kept is not None and kept[0] == credentials:
            return kept[1]
        client = TalosClient(await self._channels.connect(address, credentials))
        self._kept[place] = (credentials, client)
        if kept is not None:
            await kept[1].aclose()
        return client

    async def keep_only(self, cluster: Key, addresses: set[str]) -> None:
        """Close the connections to machines of a cluster that are gone."""
        for place in [p for p in self._kept if p[0] == cluster and p[1] not in addresses]:
            await self._kept.pop(place)[1].aclose()

    async def forget(self, cluster: Key) -> None:
        """Close all connections of a cluster."""
        await self.keep_only(cluster, set())

    async def aclose(self) -> None:
        for cluster in {place[0] for place in self._kept}:
            await self.forget(cluster)


def _service(found: Any) -> Service:
    health = found.health
    return Service(found.id, found.state, None if health.unknown else bool(health.healthy), health.last_message)


def _resource(found: Any) -> Resource:
    metadata = found.metadata
    return Resource(metadata.id, metadata.version, metadata.phase, found.spec.yaml_spec)
