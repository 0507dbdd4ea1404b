"""A client of the Proxmox VE API: plain calls in, typed values and typed errors out, tasks followed to their end.

Guarantees: a lock that is held for a moment is waited out; each task is polled once for all who wait for it.
Assumptions: one client for each Proxmox VE cluster and token (`Clients` keeps them).
Errors: subclasses of PveError. OutcomeUnknown means: look before asking again.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from capstan.api.errors import TransientError
from capstan.providers.proxmox.errors import (
    AlreadyExists,
    Locked,
    NotFound,
    OutcomeUnknown,
    PveError,
    TaskGone,
    Unreachable,
    classify,
)
from capstan.providers.proxmox.gates import Gates
from capstan.providers.proxmox.inventory import Inventory, Reservations
from capstan.providers.proxmox.tasks import TaskEnd, Tasks, Upid
from capstan.providers.proxmox.transport import Endpoint, Response, Scalar, Transport, TransportFactory, Upload
from capstan.runtime.clock import Clock

#: How long a held lock is waited for within one call, in seconds; then the reconcile comes back later.
LOCK_PAUSES = (0.5, 1.0, 2.0)

JsonObject = dict[str, Any]


def quote(part: str | int) -> str:
    """One part of a path: colons of UPIDs and volumes, and the `!` of token names, are escaped."""
    return urllib.parse.quote(str(part), safe="")


class ProxmoxClient:
    """One Proxmox VE cluster through one token."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self.tasks = Tasks(self.task_status, clock)
        self.gates = Gates()
        self.inventory = Inventory(self.resources, clock)
        self.reservations = Reservations(clock)
        self._answered_at: float | None = None

    async def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Scalar | None] | None = None,
        *,
        upload: Upload | None = None,
        timeout_seconds: float = 30.0,
    ) -> Any:
        """The `data` of one request. Parameters that are None are left out, booleans go as 0 and 1."""
        sent = {name: _scalar(value) for name, value in (params or {}).items() if value is not None}
        for pause in (*LOCK_PAUSES, None):
            try:
                return await self._once(method, path, sent, upload, timeout_seconds)
            except Locked:
                if pause is None or upload is not None:
                    raise
                await self._clock.sleep(pause)
        raise AssertionError("unreachable")

    async def _once(
        self, method: str, path: str, params: Mapping[str, Scalar], upload: Upload | None, timeout_seconds: float
    ) -> Any:
        what = f"{method} {path}"
        try:
            response = await self._transport.request(
                method, path, params or None, upload=upload, timeout_seconds=timeout_seconds
            )
        except PveError:
            raise
        except TransientError as error:
            lost: type[PveError] = Unreachable if method == "GET" else OutcomeUnknown
            raise lost(str(error), what) from error
        result = _data(response, what)
        self._answered_at = self._clock.monotonic()
        return result

    # --- the cluster ---------------------------------------------------------------------------------------------

    async def version(self) -> JsonObject:
        return _object(await self.call("GET", "/version"))

    async def check(self, max_age: float = 15.0) -> None:
        """Raises what is wrong with connection or token, unless a call went well in the last `max_age` seconds."""
        if self._answered_at is None or self._clock.monotonic() - self._answered_at > max_age:
            await self.version()

    async def nodes(self) -> list[JsonObject]:
        """node, status (online, offline, unknown), maxmem, maxcpu, ..."""
        return _list(await self.call("GET", "/nodes"))

    async def resources(self, kind: str = "vm") -> list[JsonObject]:
        """`/cluster/resources`: some seconds old, and without what the token may not see."""
        return _list(await self.call("GET", "/cluster/resources", {"type": kind}))

    async def local_node(self) -> str:
        """The name of the node that answers."""
        rows = _list(await self.call("GET", "/cluster/status"))
        nodes = [row for row in rows if row.get("type") == "node"]
        local = [row for row in nodes if str(row.get("local", 0)) == "1"] or nodes[:1]
        return str(local[0].get("name", "")) if local else ""

    async def next_id(self) -> int:
        """A VMID that was free a moment ago. PVE reserves nothing."""
        return int(await self.call("GET", "/cluster/nextid"))

    async def is_free(self, vmid: int) -> bool:
        """Whether no VM or container of the whole cluster has this VMID."""
        try:
            await self.call("GET", "/cluster/nextid", {"vmid": vmid})
        except AlreadyExists:
            return False
        return True

    async def permissions(self, path: str = "") -> JsonObject:
        """{path: {privilege: propagate}} of the token itself."""
        return _object(await self.call("GET", "/access/permissions", {"path": path or None}))

    # --- virtual machines ----------------------------------------------------------------------------------------

    async def config(self, node: str, vmid: int) -> JsonObject:
        return _object(await self.call("GET", f"{_vm(node, vmid)}/config"))

    async def status(self, node: str, vmid: int) -> JsonObject:
        """status (running, stopped), qmpstatus, lock, ..."""
        return _object(await self.call("GET", f"{_vm(node, vmid)}/status/current"))

    async def clone(self, node: str, vmid: int, newid: int, params: Mapping[str, Scalar | None]) -> str:
        """Starts a clone and gives its UPID."""
        return str(await self.call("POST", f"{_vm(node, vmid)}/clone", {"newid": newid, **params}))

    async def create(self, node: str, vmid: int, params: Mapping[str, Scalar | None]) -> str:
        return str(await self.call("POST", f"/nodes/{quote(node)}/qemu", {"vmid": vmid, **params}))

    async def configure(self, node: str, vmid: int, params: Mapping[str, Scalar | None]) -> str | None:
        return _upid(await self.call("POST", f"{_vm(node, vmid)}/config", params))

    async def resize(self, node: str, vmid: int, disk: str, size: str) -> str | None:
        return _upid(await self.call("PUT", f"{_vm(node, vmid)}/resize", {"disk": disk, "size": size}))

    async def power(self, node: str, vmid: int, verb: str, **params: Scalar | None) -> str:
        """`verb` is start, stop, shutdown, resume or reset; gives the UPID."""
        return str(await self.call("POST", f"{_vm(node, vmid)}/status/{verb}", params))

    async def convert_to_template(self, node: str, vmid: int) -> str | None:
        return _upid(await self.call("POST", f"{_vm(node, vmid)}/template"))

    async def destroy(self, node: str, vmid: int) -> str:
        """Removes the VM with its disks, also the unreferenced ones, and its entries in jobs and HA."""
        params = {"purge": True, "destroy-unreferenced-disks": True}
        return str(await self.call("DELETE", _vm(node, vmid), params))

    async def agent(self, node: str, vmid: int, command: str) -> Any:
        """One query of the guest agent (get-osinfo, network-get-interfaces): its `result`."""
        answer = _object(await self.call("GET", f"{_vm(node, vmid)}/agent/{command}", timeout_seconds=10.0))
        return answer.get("result")

    async def agent_ping(self, node: str, vmid: int) -> None:
        await self.call("POST", f"{_vm(node, vmid)}/agent/ping", timeout_seconds=10.0)

    async def agent_shell(self, node: str, vmid: int, script: str) -> int:
        """Starts a shell in the guest that reads `script`; gives its process id."""
        path = f"{_vm(node, vmid)}/agent/exec"
        params = {"command": "sh", "input-data": script}
        return int(_object(await self.call("POST", path, params, timeout_seconds=10.0))["pid"])

    async def agent_exec_status(self, node: str, vmid: int, pid: int) -> JsonObject:
        """exited, exitcode, out-data, err-data."""
        return _object(await self.call("GET", f"{_vm(node, vmid)}/agent/exec-status", {"pid": pid}))

    # --- storage -------------------------------------------------------------------------------------------------

    async def storages(self, node: str, content: str = "") -> list[JsonObject]:
        """The enabled storages that a node reaches: storage, type, content, shared, active, avail, total."""
        params: dict[str, Scalar | None] = {"enabled": True, "content": content or None}
        return _list(await self.call("GET", f"/nodes/{quote(node)}/storage", params))

    async def content(self, node: str, storage: str, kind: str = "", vmid: int | None = None) -> list[JsonObject]:
        path = f"/nodes/{quote(node)}/storage/{quote(storage)}/content"
        return _list(await self.call("GET", path, {"content": kind or None, "vmid": vmid}))

    async def upload(self, node: str, storage: str, kind: str, upload: Upload) -> str:
        """Sends a file (iso, vztmpl, import) and gives the UPID of the copy. An existing one is overwritten."""
        path = f"/nodes/{quote(node)}/storage/{quote(storage)}/upload"
        return str(await self.call("POST", path, {"content": kind}, upload=upload, timeout_seconds=300.0))

    async def download_url(self, node: str, storage: str, params: Mapping[str, Scalar | None]) -> str:
        path = f"/nodes/{quote(node)}/storage/{quote(storage)}/download-url"
        return str(await self.call("POST", path, params))

    async def delete_volume(self, node: str, volume: str) -> str | None:
        storage = volume.partition(":")[0]
        path = f"/nodes/{quote(node)}/storage/{quote(storage)}/content/{quote(volume)}"
        return _upid(await self.call("DELETE", path))

    # --- tasks ---------------------------------------------------------------------------------------------------

    async def task_status(self, upid: Upid) -> JsonObject:
        return _object(await self.call("GET", f"/nodes/{quote(upid.node)}/tasks/{quote(upid.text)}/status"))

    async def active_tasks(self, node: str, kind: str) -> list[str]:
        """The UPIDs of the tasks of one type that run on a node and that the token may see."""
        params: dict[str, Scalar | None] = {"source": "active", "typefilter": kind}
        rows = _list(await self.call("GET", f"/nodes/{quote(node)}/tasks", params))
        return [str(row["upid"]) for row in rows if "upid" in row and not row.get("endtime")]

    async def task_log(self, upid: str) -> list[str]:
        task = Upid.parse(upid)
        path = f"/nodes/{quote(task.node)}/tasks/{quote(upid)}/log"
        return [str(line.get("t", "")) for line in _list(await self.call("GET", path, {"limit": 500}))]

    async def finish(self, upid: str | None) -> TaskEnd | None:
        """Waits for a task; raises its typed error when it failed. None (nothing to wait for) stays None."""
        if upid is None:
            return None
        end = await self.tasks.end(upid)
        error = end.error()
        if error is not None:
            raise error
        return end

    async def finish_if_known(self, upid: str | None) -> None:
        """As `finish`, for tasks whose result shows in the world anyhow: one that PVE forgot is no error."""
        try:
            await self.finish(upid)
        except TaskGone:
            return

    async def delete_volume_if_present(self, node: str, volume: str) -> None:
        try:
            await self.finish_if_known(await self.delete_volume(node, volume))
        except NotFound:
            return

    async def aclose(self) -> None:
        await self.tasks.aclose()
        await self._transport.aclose()


@dataclass(slots=True)
class Clients:
    """The clients of one process: one for each endpoint and token, so that connections and tasks are shared."""

    factory: TransportFactory
    clock: Clock
    _clients: dict[Endpoint, ProxmoxClient] = field(default_factory=dict)

    def client(self, endpoint: Endpoint) -> ProxmoxClient:
        known = self._clients.get(endpoint)
        if known is None:
            known = self._clients[endpoint] = ProxmoxClient(self.factory.connect(endpoint), self.clock)
        return known

    async def aclose(self) -> None:
        clients, self._clients = tuple(self._clients.values()), {}
        for client in clients:
            await client.aclose()


def _vm(node: str, vmid: int) -> str:
    return f"/nodes/{quote(node)}/qemu/{vmid}"


def _scalar(value: Scalar) -> Scalar:
    return int(value) if isinstance(value, bool) else value


def _data(response: Response, what: str) -> Any:
    """The envelope's `data`, or the typed error. Bodies that are not JSON (a proxy's page) only count as text."""
    try:
        body = orjson.loads(response.body) if response.body else {}
    except orjson.JSONDecodeError:
        body = {}
    body = body if isinstance(body, dict) else {}
    if 200 <= response.status < 300:
        return body.get("data")
    fields = body.get("errors")
    message = str(body.get("message") or "").strip() or response.reason
    raise classify(response.status, message, fields if isinstance(fields, dict) else None, what)


def _object(data: Any) -> JsonObject:
    return data if isinstance(data, dict) else {}


def _list(data: Any) -> list[JsonObject]:
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def _upid(data: Any) -> str | None:
    """A UPID, or None where PVE was done at once (or is of a release that answers nothing)."""
    return data if isinstance(data, str) and data.startswith("UPID:") else None
