"""Writing a VM's configuration: what PVE makes of the values before it keeps them.

New disks are allocated (`tank:32`), imported (`tank:0,import-from=...`) or created as cloud-init drives; NICs without
a MAC address get a new one; tags are normalised; devices that do not exist are refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from capstan.sim.hypervisor import DiskImage, VirtualDisk
from capstan.sim.proxmox import properties
from capstan.sim.proxmox.access import Token
from capstan.sim.proxmox.cluster import PveCluster
from capstan.sim.proxmox.errors import bad_parameter, failed
from capstan.sim.proxmox.vm import Vm, is_disk_key, is_nic_key, nic_model

GIB = 2**30
#: Parameters of the calls that are not configuration keys.
NOT_CONFIG = ("node", "vmid", "digest", "delete", "revert", "force", "background_delay", "skiplock", "pool", "start")
ALSO_NOT_CONFIG = ("storage", "archive", "unique", "bwlimit", "live-restore", "import-working-storage", "ha-managed")

#: What a running VM takes over at once; the rest becomes pending (hotplug's default: network, disk, usb).
LIVE = ("name", "description", "tags", "onboot", "protection", "boot", "startup")

#: Key prefix -> privilege (proxmox.md 3.6).
PRIVILEGES = {
    "cores": "VM.Config.CPU",
    "sockets": "VM.Config.CPU",
    "cpu": "VM.Config.CPU",
    "numa": "VM.Config.CPU",
    "memory": "VM.Config.Memory",
    "balloon": "VM.Config.Memory",
    "net": "VM.Config.Network",
    "boot": "VM.Config.Disk",
    "scsihw": "VM.Config.HWType",
    "machine": "VM.Config.HWType",
    "smbios1": "VM.Config.HWType",
    "serial": "VM.Config.HWType",
    "vga": "VM.Config.HWType",
    "rng0": "VM.Config.HWType",
}


def require_privileges(cluster: PveCluster, token: Token, vm: Vm, changes: Mapping[str, str | None]) -> None:
    """Raises 403 for the first key that the token must not write."""
    path = f"/vms/{vm.vmid}"
    for key, value in changes.items():
        token.require(path, _privilege(key, value, vm))
        if value and is_disk_key(key) and "media=cdrom" not in value and ":" in value:
            token.require(f"/storage/{value.partition(':')[0]}", "Datastore.AllocateSpace")
        if value and is_nic_key(key):
            bridge = properties.parse(value, "model").get("bridge", "vmbr0")
            token.require(f"/sdn/zones/localnetwork/{bridge}", "SDN.Use")


def _privilege(key: str, value: str | None, vm: Vm) -> str:
    if is_disk_key(key) or key.startswith(("efidisk", "tpmstate", "unused")):
        is_drive = "media=cdrom" in (value or vm.config.get(key, ""))
        return "VM.Config.CDROM" if is_drive else "VM.Config.Disk"
    stem = key.rstrip("0123456789")
    if stem.startswith(("ci", "ipconfig", "nameserver", "searchdomain", "sshkeys")):
        return "VM.Config.Cloudinit"
    return PRIVILEGES.get(key) or PRIVILEGES.get(stem, "VM.Config.Options")


def requested(params: Mapping[str, str], vm: Vm | None) -> dict[str, str | None]:
    """The configuration changes that a call asks for; None deletes a key."""
    skip = (*NOT_CONFIG, *(ALSO_NOT_CONFIG if vm is None else ()))
    changes: dict[str, str | None] = {k: v for k, v in params.items() if k not in skip}
    for key in params.get("delete", "").replace(";", ",").split(","):
        if key.strip():
            changes[key.strip()] = None
    return changes


def apply(cluster: PveCluster, vm: Vm, changes: Mapping[str, str | None]) -> None:
    """Take the changes over: at once, or as pending where a running VM cannot. Nothing is kept if one is refused."""
    prepared = {key: _prepare(cluster, vm, key, value) for key, value in changes.items()}
    after = {**vm.config, **{k: v for k, v in prepared.items() if v is not None}}
    for key in [k for k, v in prepared.items() if v is None]:
        after.pop(key, None)
    _check_boot(prepared.get("boot"), after)
    for key, value in prepared.items():
        live = not vm.running or key in LIVE or is_nic_key(key) or is_disk_key(key)
        if not live:
            vm.pending[key] = value
        elif value is None:
            _detach(vm, key)
        else:
            vm.config[key] = value


def _detach(vm: Vm, key: str) -> None:
    """A removed disk stays as `unusedN`; a removed drive or NIC is simply gone."""
    value = vm.config.pop(key, "")
    if value and is_disk_key(key) and "media=cdrom" not in value:
        number = 0
        while f"unused{number}" in vm.config:
            number += 1
        vm.config[f"unused{number}"] = properties.parse(value, "file")["file"]


def _check_boot(boot: str | None, config: Mapping[str, str]) -> None:
    for device in properties.parse(boot or "", "legacy").get("order", "").split(";"):
        if device and device not in config:
            raise bad_parameter("boot", f"invalid bootorder: device '{device}' does not exist'")


def _prepare(cluster: PveCluster, vm: Vm, key: str, value: str | None) -> str | None:
    if value is None:
        return None
    if key == "tags":
        return properties.tags(value)
    if is_nic_key(key):
        return _nic(cluster, vm, value)
    if is_disk_key(key) or key in ("efidisk0", "tpmstate0"):
        return _drive(cluster, vm, key, value)
    if key == "description":
        return value if value.endswith("\n") or not value else value + "\n"
    return value


def _nic(cluster: PveCluster, vm: Vm, value: str) -> str:
    """A NIC that comes without its MAC address gets a new one, whatever it had before."""
    parts = properties.parse(value, "model")
    model = nic_model(parts)
    bridge = parts.get("bridge")
    if bridge and bridge not in cluster.hosts[vm.node].bridges:
        raise failed(f"bridge '{bridge}' does not exist")
    mac = parts.pop("macaddr", "") or parts.pop(model, "") or cluster.new_mac()
    rest = {name: text for name, text in parts.items() if name not in ("model", model)}
    return properties.render({model: mac, **rest})


def _drive(cluster: PveCluster, vm: Vm, key: str, value: str) -> str:
    parts = properties.parse(value, "file")
    file = parts["file"]
    if file in ("none", "cdrom"):
        return value
    if ":" not in file:
        raise bad_parameter(key, f"invalid format - unable to parse volume ID '{file}'")
    storage = cluster.storages.get(file.partition(":")[0], vm.node)
    volume = file.partition(":")[2]
    if parts.get("media") == "cdrom" or volume.startswith("iso/"):
        return _cdrom(cluster, vm, file, parts)
    if "import-from" in parts:
        return _import(cluster, vm, storage.name, parts)
    size = properties.size_bytes(volume + "G") if volume.replace(".", "", 1).isdigit() else None
    if size is not None:
        disk = VirtualDisk(DiskImage(), size)
        made = storage.allocate(vm.node, vm.vmid, disk, format_=parts.pop("format", ""))
        return _disk_text(made.volid, size, parts)
    existing = storage.volume(vm.node, file)
    if existing is None:
        raise failed(f"volume '{file}' does not exist")
    return _disk_text(file, existing.disk.size_bytes, parts)


def _cdrom(cluster: PveCluster, vm: Vm, file: str, parts: dict[str, str]) -> str:
    found = cluster.storages.of_volume(file).file(vm.node, file)
    if found is None:
        raise failed(f"volume '{file}' does not exist")
    rest = {name: text for name, text in parts.items() if name not in ("file", "size")}
    size = properties.size_text(found.size_bytes)
    return properties.render({"file": file, **rest, "media": "cdrom", "size": size}, "file")


def _import(cluster: PveCluster, vm: Vm, storage_name: str, parts: dict[str, str]) -> str:
    source = parts.pop("import-from")
    origin = cluster.storages.get(source.partition(":")[0], vm.node)
    if not source.partition(":")[2].startswith("import/"):
        raise failed(f"cannot import from '{source}': not an import or images volume")
    file = origin.file(vm.node, source)
    if file is None or file.image is None:
        raise failed(f"volume '{source}' does not exist")
    disk = VirtualDisk(file.image, file.size_bytes)
    storage = cluster.storages.get(storage_name, vm.node)
    made = storage.allocate(vm.node, vm.vmid, disk, format_=parts.pop("format", ""))
    return _disk_text(made.volid, disk.size_bytes, parts)


def _disk_text(volid: str, size: int, parts: dict[str, str]) -> str:
    rest = {name: text for name, text in parts.items() if name not in ("file", "size")}
    return properties.render({"file": volid, **rest, "size": properties.size_text(size)}, "file")
