"""Calls about the cluster and its nodes, tasks, pools and permissions."""

from __future__ import annotations

from capstan.sim.proxmox.calls.call import Call, Handler
from capstan.sim.proxmox.cluster import Pool
from capstan.sim.proxmox.errors import PveError, failed

RELEASE = {"version": "9.1.1", "release": "9.1", "repoid": "42db4a6cf33dac8c"}


def version(call: Call) -> object:
    return RELEASE


def nodes(call: Call) -> object:
    rows = []
    for host in call.cluster.hosts.values():
        row: dict[str, object] = {
            "node": host.name,
            "id": f"node/{host.name}",
            "type": "node",
            "status": "online" if host.online else "offline",
        }
        if host.online and call.token.has(f"/nodes/{host.name}", "Sys.Audit"):
            used = call.cluster.running_memory_bytes(host.name) + 2**30
            row |= {"maxcpu": host.cpus, "cpu": 0.02, "maxmem": host.memory_bytes, "mem": used, "level": ""}
            row["ssl_fingerprint"] = ":".join(["00"] * 32)
        rows.append(row)
    return rows


def node_status(call: Call) -> object:
    host = call.cluster.host(call.node)
    call.token.require(f"/nodes/{call.node}", "Sys.Audit")
    used = call.cluster.running_memory_bytes(call.node) + 2**30
    return {
        "memory": {
            "total": host.memory_bytes,
            "used": used,
            "free": host.memory_bytes - used,
            "available": host.memory_bytes - used,
        },
        "cpuinfo": {"cpus": host.cpus, "cores": host.cpus, "sockets": 1, "model": "Simulated CPU"},
        "cpu": 0.02,
        "loadavg": ["0.10", "0.10", "0.10"],
        "pveversion": f"pve-manager/{RELEASE['version']}/{RELEASE['repoid']}",
        "uptime": int(call.cluster.timestamp()),
    }


def node_network(call: Call) -> object:
    host = call.cluster.host(call.node)
    return [{"iface": bridge, "type": "bridge", "active": 1, "method": "static"} for bridge in host.bridges]


def cluster_status(call: Call) -> object:
    call.token.require("/", "Sys.Audit")
    hosts = list(call.cluster.hosts.values())
    online = sum(host.online for host in hosts)
    rows: list[dict[str, object]] = [
        {
            "type": "cluster",
            "id": "cluster",
            "name": call.cluster.name,
            "nodes": len(hosts),
            "quorate": int(online * 2 > len(hosts)),
            "version": 1,
        }
    ]
    contacted = next((host.name for host in hosts if host.online), "")
    for number, host in enumerate(hosts, 1):
        rows.append(
            {
                "type": "node",
                "id": f"node/{host.name}",
                "name": host.name,
                "nodeid": number,
                "ip": f"198.51.100.{number}",
                "online": int(host.online),
                "local": int(host.name == contacted),
                "level": "",
            }
        )
    return rows


def cluster_resources(call: Call) -> object:
    kind = call.text("type")
    rows: list[dict[str, object]] = []
    if kind in ("", "vm"):
        rows += [row for vm in call.cluster.vms.values() if (row := _vm_row(call, vm.vmid))]
    if kind in ("", "node"):
        rows += [dict(row) for row in nodes(call)]  # type: ignore[attr-defined]
    if kind in ("", "storage"):
        rows += _storage_rows(call)
    return rows


def _vm_row(call: Call, vmid: int) -> dict[str, object]:
    """Missing rights look like missing VMs."""
    vm = call.cluster.vms[vmid]
    if not call.token.has(f"/vms/{vmid}", "VM.Audit"):
        return {}
    host = call.cluster.hosts[vm.node]
    row: dict[str, object] = {
        "id": f"qemu/{vmid}",
        "type": "qemu",
        "vmid": vmid,
        "node": vm.node,
        "status": "unknown" if not host.online else "running" if vm.running else "stopped",
        "template": int(vm.template),
        "maxmem": vm.memory_mib * 2**20,
        "maxcpu": vm.cores,
    }
    if "name" in vm.config:
        row["name"] = vm.name
    if vm.config.get("tags"):
        row["tags"] = vm.config["tags"]
    if vm.pool:
        row["pool"] = vm.pool
    return row


def _storage_rows(call: Call) -> list[dict[str, object]]:
    return [
        {
            "id": f"storage/{host.name}/{storage.name}",
            "type": "storage",
            "storage": storage.name,
            "node": host.name,
            "shared": int(storage.shared),
            "content": ",".join(storage.content),
            "status": "available" if host.online else "unknown",
            "maxdisk": storage.total_bytes,
            "disk": storage.used_bytes(host.name),
            "plugintype": storage.type,
        }
        for storage in call.cluster.storages.all()
        for host in call.cluster.hosts.values()
        if storage.on(host.name)
        and call.token.has(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace")
    ]


def next_id(call: Call) -> object:
    return call.cluster.next_id(call.number("vmid"))


def permissions(call: Call) -> object:
    paths = [call.text("path")] if "path" in call.params else list(call.token.grants)
    return {path: dict.fromkeys(sorted(call.token.privileges(path)), 1) for path in paths}


def tasks(call: Call) -> object:
    call.cluster.host(call.node)
    return [
        {
            "upid": task.upid,
            "node": task.node,
            "type": task.type,
            "id": task.id,
            "user": task.user,
            "starttime": task.start_time,
            **({} if task.running else {"status": task.exit_status, "endtime": task.end_time}),
        }
        for task in call.cluster.tasks.of_node(call.node)
    ]


def task_status(call: Call) -> object:
    call.cluster.host(call.node)
    task = call.cluster.tasks.get(call.params["upid"])
    answer: dict[str, object] = {
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pid * 64,
        "starttime": task.start_time,
        "type": task.type,
        "id": task.id,
        "user": task.user,
        "status": "running" if task.running else "stopped",
    }
    if not task.running:
        answer["exitstatus"] = task.exit_status
    return answer


def task_log(call: Call) -> object:
    call.cluster.host(call.node)
    task = call.cluster.tasks.get(call.params["upid"])
    return [{"n": number, "t": line} for number, line in enumerate(task.log, 1)]


def task_stop(call: Call) -> object:
    call.cluster.tasks.stop(call.params["upid"])
    return None


def pools(call: Call) -> object:
    return [{"poolid": pool.name, "comment": pool.comment} for pool in call.cluster.pools.values()]


def pool_create(call: Call) -> object:
    name = call.text("poolid")
    call.token.require(f"/pool/{name}", "Pool.Allocate")
    if name in call.cluster.pools:
        raise failed(f"create pool failed: pool '{name}' already exists")
    call.cluster.pools[name] = Pool(name, call.text("comment"))
    return None


def pool_get(call: Call) -> object:
    name = call.text("poolid")
    call.token.require(f"/pool/{name}", "Pool.Audit")
    if name not in call.cluster.pools:
        raise PveError(500, f"pool '{name}' does not exist")
    members = [_vm_row(call, vm.vmid) for vm in call.cluster.vms.values() if vm.pool == name]
    return {"members": members, "comment": call.cluster.pools[name].comment}


def pool_delete(call: Call) -> object:
    name = call.text("poolid")
    call.token.require(f"/pool/{name}", "Pool.Allocate")
    if any(vm.pool == name for vm in call.cluster.vms.values()):
        raise failed(f"delete pool failed: pool '{name}' is not empty")
    call.cluster.pools.pop(name, None)
    return None


HANDLERS: dict[str, Handler] = {
    "GET /version": version,
    "GET /nodes": nodes,
    "GET /nodes/{node}/status": node_status,
    "GET /nodes/{node}/network": node_network,
    "GET /nodes/{node}/version": version,
    "GET /cluster/status": cluster_status,
    "GET /cluster/resources": cluster_resources,
    "GET /cluster/nextid": next_id,
    "GET /access/permissions": permissions,
    "GET /nodes/{node}/tasks": tasks,
    "GET /nodes/{node}/tasks/{upid}/status": task_status,
    "GET /nodes/{node}/tasks/{upid}/log": task_log,
    "DELETE /nodes/{node}/tasks/{upid}": task_stop,
    "GET /pools": pools,
    "POST /pools": pool_create,
    "GET /pools/{poolid}": pool_get,
    "DELETE /pools/{poolid}": pool_delete,
}
