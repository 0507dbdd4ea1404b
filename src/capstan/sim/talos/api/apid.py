"""apid: decides who may call, answers for this machine or passes the call on to another, and packs the bytes.

Source: talos.md 4.2 (`node`, `nodes`), 4.3 (roles), 4.4 (maintenance).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from capstan.providers.talos.channel import RpcError
from capstan.providers.talos.rpc import message, method
from capstan.sim.talos.api import clientconfig, cosi, etcdmethods, machinemethods, streams
from capstan.sim.talos.api.replies import (
    INVALID_ARGUMENT,
    PERMISSION_DENIED,
    UNAVAILABLE,
    UNIMPLEMENTED,
    unimplemented,
)
from capstan.sim.talos.api.roles import Caller, require_role
from capstan.sim.talos.machine import Machine

_M = "/machine.MachineService/"
_UNARY: Mapping[str, Callable[[Machine, Any], Awaitable[Any]]] = {
    _M + "ApplyConfiguration": machinemethods.apply_configuration,
    _M + "Bootstrap": etcdmethods.bootstrap,
    _M + "EtcdAlarmDisarm": etcdmethods.alarm_disarm,
    _M + "EtcdAlarmList": etcdmethods.alarm_list,
    _M + "EtcdDefragment": etcdmethods.defragment,
    _M + "EtcdForfeitLeadership": etcdmethods.forfeit_leadership,
    _M + "EtcdLeaveCluster": etcdmethods.leave_cluster,
    _M + "EtcdMemberList": etcdmethods.member_list,
    _M + "EtcdRemoveMemberByID": etcdmethods.remove_member,
    _M + "EtcdStatus": etcdmethods.status,
    _M + "GenerateClientConfiguration": clientconfig.generate_client_configuration,
    _M + "Hostname": machinemethods.hostname,
    _M + "LoadAvg": machinemethods.load_average,
    _M + "Memory": machinemethods.memory,
    _M + "Reboot": machinemethods.reboot,
    _M + "Reset": machinemethods.reset,
    _M + "ServiceList": machinemethods.service_list,
    _M + "ServiceRestart": machinemethods.service_restart,
    _M + "ServiceStart": machinemethods.service_start,
    _M + "ServiceStop": machinemethods.service_stop,
    _M + "Shutdown": machinemethods.shutdown,
    _M + "Upgrade": machinemethods.upgrade,
    _M + "Version": machinemethods.version,
    "/storage.StorageService/Disks": machinemethods.disks,
    "/time.TimeService/Time": machinemethods.time,
}
_STREAMS: Mapping[str, Callable[[Machine, Any], AsyncIterator[Any]]] = {
    _M + "Dmesg": streams.dmesg,
    _M + "EtcdSnapshot": streams.etcd_snapshot,
    _M + "Events": streams.events,
    _M + "Kubeconfig": streams.kubeconfig,
    _M + "List": streams.list_files,
    _M + "Logs": streams.logs,
    _M + "Read": streams.read,
}
_STATE = "/cosi.resource.State/"
_COSI_STREAMS = {_STATE + "List": cosi.list_all, _STATE + "Watch": cosi.watch}

#: Methods that `nodes` may spread over several machines; all others refuse it.
_AGGREGATED = ("/machine.MachineService/", "/cluster.", "/inspect.", "/storage.StorageService/", "/time.")
_MAINTENANCE_BEFORE_1_13 = frozenset({_M + "ApplyConfiguration", "/storage.StorageService/Disks", _STATE + "Get"})


async def call(machine: Machine, path: str, request: bytes, caller: Caller, metadata: Mapping[str, str]) -> bytes:
    """Answer a unary call. Raises RpcError."""
    node, nodes = _targets(machine, path, metadata)
    if nodes:
        return await _call_each(machine, path, request, caller, nodes)
    if node:
        machine = _forward(machine, node)
    _require(machine, path, caller)
    return bytes((await _answer(machine, path, request, caller)).SerializeToString())


async def stream(
    machine: Machine, path: str, request: bytes, caller: Caller, metadata: Mapping[str, str]
) -> AsyncIterator[bytes]:
    """Answer a call with a stream. Raises RpcError."""
    node, nodes = _targets(machine, path, metadata)
    if nodes:
        async for each in _stream_each(machine, path, request, caller, nodes):
            yield each
        return
    if node:
        machine = _forward(machine, node)
    _require(machine, path, caller)
    async for built in _open(machine, path, request, caller):
        yield built.SerializeToString()


def is_stream(path: str) -> bool:
    return path in _STREAMS or path in _COSI_STREAMS


def is_known(path: str) -> bool:
    """Whether this simulation answers a method."""
    return path in _UNARY or is_stream(path) or path == _STATE + "Get"


def _require(machine: Machine, path: str, caller: Caller) -> None:
    if not is_known(path):
        raise unimplemented(f"method {path} is not simulated")
    if caller.in_maintenance and machine.apid == "maintenance":
        from_1_13 = machine.image.version.startswith(("v1.13", "v1.14", "v1.15"))
        if not from_1_13 and path not in _MAINTENANCE_BEFORE_1_13 and path not in _COSI_STREAMS:
            raise RpcError(UNIMPLEMENTED, "API is not implemented in maintenance mode")
    require_role(path, caller)


async def _answer(machine: Machine, path: str, request: bytes, caller: Caller) -> Any:
    decoded = message(method(path).request.lstrip(".")).FromString(request)
    if path == _STATE + "Get":
        return await cosi.get(machine, decoded, caller.roles)
    return await _UNARY[path](machine, decoded)


def _open(machine: Machine, path: str, request: bytes, caller: Caller) -> AsyncIterator[Any]:
    decoded = message(method(path).request.lstrip(".")).FromString(request)
    if path in _COSI_STREAMS:
        return _COSI_STREAMS[path](machine, decoded, caller.roles)
    return _STREAMS[path](machine, decoded)


def _targets(machine: Machine, path: str, metadata: Mapping[str, str]) -> tuple[str, list[str]]:
    if machine.apid == "maintenance" or metadata.get("proxyfrom"):
        return "", []
    nodes = [part.strip() for part in metadata.get("nodes", "").split(",") if part.strip()]
    if nodes and not path.startswith(_AGGREGATED):
        raise RpcError(INVALID_ARGUMENT, "one-2-many proxying is not supported for this method")
    node = metadata.get("node", "")
    if "," in node and not nodes:
        raise RpcError(INVALID_ARGUMENT, "only one node is allowed in metadata")
    return node, nodes


def _forward(machine: Machine, target: str) -> Machine:
    """The machine that answers for a target: an address, or a name that discovery knows."""
    if target in machine.addresses or target == machine.hostname:
        return machine
    if machine.config is None or not machine.config.is_control_plane:
        raise RpcError(PERMISSION_DENIED, "no request forwarding")
    station = machine.environment.network.station(target)
    if station is None and machine.site is not None:
        station = next((p for p in machine.site.peers if isinstance(p, Machine) and p.hostname == target), None)
    if not isinstance(station, Machine) or station.apid != "secure" or station.config is None:
        raise RpcError(
            UNAVAILABLE, f'connection error: desc = "transport: Error while dialing: dial tcp {target}:50000"'
        )
    if station.config.os_ca.certificate_pem != machine.config.os_ca.certificate_pem:
        raise RpcError(UNAVAILABLE, "x509: certificate signed by unknown authority")
    return station


async def _call_each(machine: Machine, path: str, request: bytes, caller: Caller, nodes: list[str]) -> bytes:
    """One message for each target, tagged with its name; a target that fails becomes a message with its error."""
    combined = message(method(path).response.lstrip("."))()
    for node in nodes:
        try:
            target = _forward(machine, node)
            _require(target, path, caller)
            answered = await _answer(target, path, request, caller)
        except RpcError as error:
            entry = combined.messages.add()
            _tag(entry, node, error)
            continue
        for entry in answered.messages:
            entry.metadata.hostname = node
        combined.MergeFrom(answered)
    return bytes(combined.SerializeToString())


async def _stream_each(
    machine: Machine, path: str, request: bytes, caller: Caller, nodes: list[str]
) -> AsyncIterator[bytes]:
    for node in nodes:
        try:
            target = _forward(machine, node)
            _require(target, path, caller)
            async for built in _open(target, path, request, caller):
                built.metadata.hostname = node
                yield built.SerializeToString()
        except RpcError as error:
            built = message(method(path).response.lstrip("."))()
            _tag(built, node, error)
            yield built.SerializeToString()


def _tag(entry: Any, node: str, error: RpcError) -> None:
    entry.metadata.hostname = node
    entry.metadata.error = f"rpc error: code = {error.code} desc = {error.message}"
    entry.metadata.status.code = error.code
    entry.metadata.status.message = error.message
