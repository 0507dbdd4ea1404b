"""The streaming methods of a machine: events, files, logs, kubeconfig, snapshots (talos.md 4.6)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from capstan.providers.talos.channel import RpcError
from capstan.providers.talos.rpc import message
from capstan.sim.talos.api.clientconfig import admin_kubeconfig
from capstan.sim.talos.api.replies import NOT_FOUND, UNKNOWN, unimplemented
from capstan.sim.talos.eventlog import LoggedEvent
from capstan.sim.talos.machine import Machine

_ACTIONS = {"START": 1, "STOP": 2}
_STAGES = (
    "unknown", "booting", "installing", "maintenance", "running", "rebooting", "shutting down", "resetting", "upgrading"
)  # fmt: skip


async def events(machine: Machine, request: Any) -> AsyncIterator[Any]:
    """First an empty event, then the backlog that was asked for, then what happens, until the machine goes down."""
    yield message("machine.Event")()
    log = machine.events
    tail = len(log.events) if request.tail_events < 0 else request.tail_events
    seen = log.last
    for event in list(log.events)[-tail:] if tail else []:
        yield _event(event)
    while True:
        for event in await log.after(seen):
            yield _event(event)
            seen = event.number


def _event(event: LoggedEvent) -> Any:
    fields = dict(event.fields)
    if event.kind == "SequenceEvent":
        fields["action"] = _ACTIONS[fields["action"]]
    if event.kind == "MachineStatusEvent":
        stage = fields["stage"]
        fields = {"stage": _STAGES.index(stage), "status": {"ready": stage == "running"}}
    payload = message(f"machine.{event.kind}")(**fields)
    built = message("machine.Event")(id=f"{event.number:020d}")
    built.data.type_url = f"talos/runtime/machine.{event.kind}"
    built.data.value = payload.SerializeToString()
    return built


async def list_files(machine: Machine, request: Any) -> AsyncIterator[Any]:
    """The few paths that clients ask for: etcd's data, which is there or not, and the root."""
    root = request.root.rstrip("/") or "/"
    has_etcd = machine.etcd is not None and machine.etcd.has_data
    existing = ["/", "/var", "/var/lib", "/var/lib/etcd"]
    if has_etcd:
        existing += ["/var/lib/etcd/member", "/var/lib/etcd/member/snap", "/var/lib/etcd/member/wal"]
    if root not in existing:
        raise RpcError(UNKNOWN, f"lstat {root}: no such file or directory")
    for path in existing:
        depth = path.removeprefix(root).strip("/")
        if path == root or (path.startswith(root.rstrip("/") + "/") and "/" not in depth):
            yield message("machine.FileInfo")(
                name=path, relative_name=depth or ".", is_dir=True, mode=0o40700, size=4096
            )


async def kubeconfig(machine: Machine, _request: Any) -> AsyncIterator[Any]:
    yield message("common.Data")(bytes=admin_kubeconfig(machine))


async def dmesg(machine: Machine, _request: Any) -> AsyncIterator[Any]:
    for line in _journal(machine):
        yield message("common.Data")(bytes=f"kern: info: {line}\n".encode())


async def logs(machine: Machine, request: Any) -> AsyncIterator[Any]:
    service = machine.services.get(request.id)
    if service is None:
        raise RpcError(NOT_FOUND, f'log "{request.id}" was not registered')
    lines = [f"{event.at.isoformat()} {event.state}: {event.message}" for event in service.events]
    for line in lines if request.tail_lines < 0 else lines[-request.tail_lines :]:
        yield message("common.Data")(bytes=f"{line}\n".encode())


async def read(machine: Machine, request: Any) -> AsyncIterator[Any]:
    contents = {"/etc/hostname": machine.hostname, "/etc/os-release": f"ID=talos\nVERSION_ID={machine.image.version}\n"}
    if request.path not in contents:
        raise RpcError(NOT_FOUND, f"stat {request.path}: no such file or directory")
    yield message("common.Data")(bytes=contents[request.path].encode())


async def etcd_snapshot(machine: Machine, _request: Any) -> AsyncIterator[Any]:
    """A stand-in for the database, with the SHA-256 trailer of a real snapshot."""
    if machine.etcd is None:
        raise unimplemented("etcd is only available on control plane nodes")
    cluster = machine.etcd.cluster
    if cluster is None:
        raise RpcError(UNKNOWN, "failed to create etcd client: etcd is not running")
    content = f"simulated etcd {cluster.id:x} with {len(cluster.members)} members".encode().ljust(512, b"\0")
    yield message("common.Data")(bytes=content + hashlib.sha256(content).digest())


def _journal(machine: Machine) -> list[str]:
    lines = [f"[talos] {event.kind} {dict(event.fields)}" for event in machine.events.events]
    if machine.etcd is not None and not machine.etcd.has_data:
        ips = " ".join(machine.addresses)
        lines.append(f"[talos] etcd is waiting to join the cluster; to begin one, call bootstrap on one of: {ips}")
    return lines
