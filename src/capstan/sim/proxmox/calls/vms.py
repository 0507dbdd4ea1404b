"""Calls about VMs: create, clone, configure, power, resize, template, destroy, guest agent."""

from __future__ import annotations

from capstan.sim.hypervisor import GuestInterface, VirtualDisk
from capstan.sim.proxmox import configure, properties
from capstan.sim.proxmox.calls.call import Call, Handler
from capstan.sim.proxmox.cluster import PveCluster
from capstan.sim.proxmox.errors import PveError, bad_parameter, failed
from capstan.sim.proxmox.storage import LINKABLE_TYPES, Storage
from capstan.sim.proxmox.vm import Vm, nic_model


def vms(call: Call) -> object:
    call.cluster.host(call.node)
    found = [vm for vm in call.cluster.vms.values() if vm.node == call.node]
    return [_row(vm) for vm in found if call.token.has(f"/vms/{vm.vmid}", "VM.Audit")]


def _row(vm: Vm) -> dict[str, object]:
    row: dict[str, object] = {
        "vmid": vm.vmid,
        "status": "running" if vm.running else "stopped",
        "maxmem": vm.memory_mib * 2**20,
        "cpus": vm.cores,
        "mem": vm.memory_mib * 2**20 if vm.running else 0,
    }
    if "name" in vm.config:
        row["name"] = vm.name
    if vm.template:
        row["template"] = 1
    if vm.lock:
        row["lock"] = vm.lock
    return row


def create(call: Call) -> object:
    cluster, vmid = call.cluster, call.vmid
    _require_allocate(call, vmid, call.text("pool"))
    vm = cluster.reserve(call.node, vmid, "create", {})
    changes = configure.requested(call.params, None)
    try:
        configure.require_privileges(cluster, call.token, vm, changes)
    except PveError:
        cluster.discard(vmid)
        raise

    def work() -> None:
        smbios = {} if "smbios1" in changes else {"smbios1": f"uuid={cluster.new_uuid()}"}
        vm.config.update(smbios)
        configure.apply(cluster, vm, changes)
        vm.lock, vm.pool = "", call.text("pool")

    return call.task("qmcreate", str(vmid), cluster.delays.create, work, lambda: cluster.discard(vmid))


def _require_allocate(call: Call, vmid: int, pool: str) -> None:
    if not (pool and call.token.has(f"/pool/{pool}", "VM.Allocate")):
        call.token.require(f"/vms/{vmid}", "VM.Allocate")
    if pool and pool not in call.cluster.pools:
        raise failed(f"pool '{pool}' does not exist")


def clone(call: Call) -> object:
    cluster, source = call.cluster, call.vm
    newid = call.number("newid") or 0
    call.token.require(f"/vms/{source.vmid}", "VM.Clone")
    _require_allocate(call, newid, call.text("pool"))
    if source.lock:
        raise failed(f"VM is locked ({source.lock})")
    target = call.text("target") or call.node
    cluster.host(target)
    full = call.flag("full", default=not source.template)
    storage = _clone_storage(call, source, target, full)
    if newid in cluster.vms:
        raise failed(f"unable to create VM {newid}: config file already exists")
    # As in reality the new configuration is made first on the source's node, locked and without a name.
    vm = cluster.reserve(call.node, newid, "clone", {})
    delays = cluster.delays
    duration = delays.clone_full if full else delays.clone_linked
    try:
        first = storage or cluster.storages.of_volume(source.volids()[0])
        duration = cluster.lock_storage(first, target, duration)
    except PveError:
        cluster.discard(newid)
        raise

    def work() -> None:
        _copy(call, source, vm, target, storage, full)

    return call.task("qmclone", str(source.vmid), duration, work, lambda: cluster.discard(newid))


def _clone_storage(call: Call, source: Vm, target: str, full: bool) -> Storage | None:
    """The storage asked for, after the rules about local disks and linked clones."""
    cluster = call.cluster
    if not full:
        if not source.template:
            raise bad_parameter("full", "Linked clone feature is not supported for non-template VMs")
        if "storage" in call.params:
            raise bad_parameter("storage", "parameter 'storage' not allowed for linked clones.")
        if "format" in call.params:
            raise bad_parameter("format", "parameter 'format' not allowed for linked clones.")
    named = cluster.storages.get(call.text("storage"), target) if call.text("storage") else None
    for volid in source.volids():
        origin = cluster.storages.of_volume(volid)
        call.token.require(f"/storage/{(named or origin).name}", "Datastore.AllocateSpace")
        if not full and origin.type not in LINKABLE_TYPES:
            raise failed(f"Linked clone feature is not supported for drive '{volid}'")
        if target != call.node and not origin.shared:
            raise failed(f"can't clone VM to node '{target}' (VM uses local storage)")
    if named is not None and target != call.node and not named.shared:
        raise failed(f"can't clone to non-shared storage '{named.name}'")
    return named


def _copy(call: Call, source: Vm, vm: Vm, target: str, storage: Storage | None, full: bool) -> None:
    cluster = call.cluster
    for key in source.disk_keys():
        volume = cluster.volume_of(source, key)
        place = storage or cluster.storages.of_volume(volume.volid)
        disk: VirtualDisk = volume.disk.clone()
        made = place.allocate(
            target, vm.vmid, disk, format_=call.text("format") if full else "", base="" if full else volume.volid
        )
        parts = properties.parse(source.config[key], "file")
        vm.config[key] = properties.render({**parts, "file": made.volid}, "file")
    for key, value in source.config.items():
        if key in vm.config or key == "template":
            continue
        if key.startswith("net") and key[3:].isdigit():
            parts = properties.parse(value, "model")
            model = nic_model(parts)
            value = properties.render({**parts, model: cluster.new_mac()})
        elif key == "smbios1":
            value = properties.render({**properties.parse(value), "uuid": cluster.new_uuid()})
        vm.config[key] = value
    vm.config["name"] = call.text("name") or f"Copy-of-VM-{source.name}"
    if call.text("description"):
        vm.config["description"] = call.text("description")
    else:
        vm.config.pop("description", None)
    vm.node, vm.pool, vm.lock = target, call.text("pool"), ""


def config(call: Call) -> object:
    vm = call.vm
    call.token.require(f"/vms/{vm.vmid}", "VM.Audit")
    return vm.wire(current=call.flag("current"))


def pending(call: Call) -> object:
    vm = call.vm
    call.token.require(f"/vms/{vm.vmid}", "VM.Audit")
    rows: list[dict[str, object]] = [{"key": key, "value": value} for key, value in sorted(vm.config.items())]
    for key, value in vm.pending.items():
        rows.append({"key": key, "delete": 1} if value is None else {"key": key, "pending": value})
    return rows


def _configure(call: Call) -> None:
    vm = call.cluster.unlocked(call.node, call.vmid)
    changes = configure.requested(call.params, vm)
    if not changes:
        raise PveError(400, "no options specified")
    configure.require_privileges(call.cluster, call.token, vm, changes)
    digest = call.text("digest")
    if digest and digest != vm.digest():
        raise failed("detected modified configuration - file changed by other user? Try again.")


def config_post(call: Call) -> object:
    _configure(call)
    vm = call.vm
    changes = configure.requested(call.params, vm)
    duration = call.cluster.delays.configure

    def work() -> None:
        configure.apply(call.cluster, vm, changes)

    return call.task("qmconfig", str(vm.vmid), duration, work)


def config_put(call: Call) -> object:
    _configure(call)
    configure.apply(call.cluster, call.vm, configure.requested(call.params, call.vm))
    return None


def resize(call: Call) -> object:
    cluster, vm = call.cluster, call.cluster.unlocked(call.node, call.vmid)
    call.token.require(f"/vms/{vm.vmid}", "VM.Config.Disk")
    key, text = call.text("disk"), call.text("size")
    size = properties.size_bytes(text.removeprefix("+"))
    if size is None:
        raise bad_parameter("size", "value does not match the regex pattern")
    if key not in vm.config:
        raise failed(f"disk '{key}' does not exist")
    volume = cluster.volume_of(vm, key)
    if text.startswith("+"):
        size += volume.disk.size_bytes
    if size < volume.disk.size_bytes:
        raise failed("shrinking disks is not supported")
    wanted = size

    def work() -> None:
        storage = cluster.storages.of_volume(volume.volid)
        storage.require_room(vm.node, wanted - volume.disk.size_bytes)
        volume.disk.size_bytes = wanted
        parts = properties.parse(vm.config[key], "file")
        vm.config[key] = properties.render({**parts, "size": properties.size_text(wanted)}, "file")

    return call.task("resize", str(vm.vmid), cluster.delays.resize, work)


def template(call: Call) -> object:
    cluster, vm = call.cluster, call.cluster.unlocked(call.node, call.vmid)
    call.token.require(f"/vms/{vm.vmid}", "VM.Allocate")
    if vm.template:
        raise failed("you can't convert a VM to template if VM is already a template")
    if vm.running:
        raise failed("you can't convert a VM to template if VM is running")

    def work() -> None:
        for key in vm.disk_keys():
            volume = cluster.volume_of(vm, key)
            volid = cluster.storages.of_volume(volume.volid).to_base(vm.node, volume)
            parts = properties.parse(vm.config[key], "file")
            vm.config[key] = properties.render({**parts, "file": volid}, "file")
        vm.config["template"] = "1"

    return call.task("qmtemplate", str(vm.vmid), 0.0, work)


def destroy(call: Call) -> object:
    cluster, vm = call.cluster, call.cluster.unlocked(call.node, call.vmid)
    call.token.require(f"/vms/{vm.vmid}", "VM.Allocate")
    if vm.running:
        raise failed(f"VM {vm.vmid} is running - destroy failed")
    vm.lock = "destroy"

    def work() -> None:
        cluster.destroy(vm, unreferenced=call.flag("destroy-unreferenced-disks"))

    def undo() -> None:
        vm.lock = ""

    return call.task("qmdestroy", str(vm.vmid), cluster.delays.destroy, work, undo)


def status(call: Call) -> object:
    vm = call.vm
    call.token.require(f"/vms/{vm.vmid}", "VM.Audit")
    state = "running" if vm.running else "stopped"
    uptime = int(call.cluster.timestamp() - vm.started_at) if vm.running else 0
    answer = {**_row(vm), "qmpstatus": state, "uptime": uptime, "ha": {"managed": 0}}
    if vm.agent_enabled:
        answer["agent"] = 1
    return answer


def start(call: Call) -> object:
    vm = _power(call)
    if vm.template:
        raise failed("you can't start a vm if it's a template")
    if vm.running:
        raise failed(f"VM {vm.vmid} already running")
    return call.task("qmstart", str(vm.vmid), call.cluster.delays.start, lambda: call.cluster.power_on(vm))


def stop(call: Call) -> object:
    vm = _power(call)
    return call.task("qmstop", str(vm.vmid), call.cluster.delays.stop, lambda: call.cluster.power_off(vm))


def shutdown(call: Call) -> object:
    vm = _power(call)
    if vm.running and call.cluster.firmware is not None:
        call.cluster.firmware.request_shutdown(call.cluster.key(vm))

    def work() -> None:
        if vm.running:
            if not call.flag("forceStop"):
                raise failed("VM quit/powerdown failed - got timeout")
            call.cluster.power_off(vm)

    wait = float(call.text("timeout", "60"))
    return call.task("qmshutdown", str(vm.vmid), wait if vm.running else 0.0, work)


def reset(call: Call) -> object:
    vm = _power(call)
    if not vm.running:
        raise failed(f"VM {vm.vmid} not running")

    def work() -> None:
        if call.cluster.firmware is not None:
            call.cluster.firmware.reset(call.cluster.key(vm))

    return call.task("qmreset", str(vm.vmid), 0.0, work)


def resume(call: Call) -> object:
    vm = _power(call)
    if not vm.running:
        raise failed(f"VM {vm.vmid} not running")
    return call.task("qmresume", str(vm.vmid), 0.0, lambda: None)


def _power(call: Call) -> Vm:
    vm = call.cluster.unlocked(call.node, call.vmid)
    call.token.require(f"/vms/{vm.vmid}", "VM.PowerMgmt")
    return vm


def agent_ping(call: Call) -> object:
    _agent(call)
    return {"result": {}}


def agent_interfaces(call: Call) -> object:
    interfaces = _agent(call)
    rows = []
    for interface in interfaces:
        addresses = []
        for cidr in interface.addresses:
            address, _, prefix = cidr.partition("/")
            family = "ipv6" if ":" in address else "ipv4"
            addresses.append({"ip-address": address, "ip-address-type": family, "prefix": int(prefix or 0)})
        rows.append({"name": interface.name, "hardware-address": interface.mac.lower(), "ip-addresses": addresses})
    return {"result": rows}


def agent_osinfo(call: Call) -> object:
    _agent(call)
    return {"result": {"id": "talos", "name": "Talos", "pretty-name": "Talos"}}


def _agent(call: Call) -> tuple[GuestInterface, ...]:
    vm = call.vm
    call.token.require(f"/vms/{vm.vmid}", "VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted")
    if not vm.agent_enabled:
        raise failed("No QEMU guest agent configured")
    if not vm.running:
        raise failed(f"VM {vm.vmid} is not running")
    cluster: PveCluster = call.cluster
    interfaces = cluster.firmware.guest_interfaces(cluster.key(vm)) if cluster.firmware else None
    if interfaces is None:
        raise failed("QEMU guest agent is not running")
    return interfaces


_VM = "/nodes/{node}/qemu/{vmid}"
HANDLERS: dict[str, Handler] = {
    "GET /nodes/{node}/qemu": vms,
    "POST /nodes/{node}/qemu": create,
    f"DELETE {_VM}": destroy,
    f"GET {_VM}/config": config,
    f"POST {_VM}/config": config_post,
    f"PUT {_VM}/config": config_put,
    f"GET {_VM}/pending": pending,
    f"GET {_VM}/status/current": status,
    f"POST {_VM}/status/start": start,
    f"POST {_VM}/status/stop": stop,
    f"POST {_VM}/status/shutdown": shutdown,
    f"POST {_VM}/status/reset": reset,
    f"POST {_VM}/status/resume": resume,
    f"POST {_VM}/clone": clone,
    f"POST {_VM}/template": template,
    f"PUT {_VM}/resize": resize,
    f"POST {_VM}/agent/ping": agent_ping,
    f"GET {_VM}/agent/network-get-interfaces": agent_interfaces,
    f"GET {_VM}/agent/get-osinfo": agent_osinfo,
}
