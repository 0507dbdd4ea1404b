"""What has to change in a clone's configuration so that it becomes the machine: processors, memory, NICs, tags, drives.

Only differences are sent, found by comparing parsed values; what the template says and the machine does not stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from capstan.api.infrastructure.network import NetworkDevice
from capstan.api.infrastructure.proxmoxmachine import DeviceAddresses, ProxmoxMachine
from capstan.providers.proxmox.config import (
    Drive,
    Nic,
    boot_order,
    drives,
    format_tags,
    parse_int,
    parse_tags,
    same_description,
    with_marker,
)
from capstan.providers.proxmox.proxmoxmachine.network import device_name, devices_of
from capstan.providers.proxmox.resources import SEED_TAG
from capstan.providers.proxmox.transport import Scalar

GIB = 1 << 30
#: Where the data ISO goes: the first of these that is free. ide0 is CAPMOX's; machines without IDE take SATA.
_SEED_DRIVES = ("ide0", "ide2", "ide3", "ide1", "sata5", "sata4")
#: The prefix of MAC addresses that Proxmox VE itself uses.
_OUI = "BC:24:11"


def differences(machine: ProxmoxMachine, config: Mapping[str, Any], nonce: str) -> dict[str, Scalar | None]:
    """The parameters of `POST config` that turn `config` into what the machine wants; empty when nothing is missing."""
    params: dict[str, Scalar | None] = {}
    spec = machine.spec
    for key, wanted in (("sockets", spec.num_sockets), ("cores", spec.num_cores), ("memory", spec.memory_mib)):
        if wanted and parse_int(config.get(key), 0) != wanted:
            params[key] = wanted
    memory, balloon = spec.memory_mib or 0, parse_int(config.get("balloon"), 0)
    if memory and balloon > memory:
        params["balloon"] = memory  # Proxmox VE refuses a balloon that is larger than the memory.
    if nonce and not same_description(config.get("description"), with_marker(spec.description, nonce)):
        params["description"] = with_marker(spec.description, nonce)
    if str(config.get("name", "")) != machine.metadata.name:
        params["name"] = machine.metadata.name
    params.update(_nic_differences(machine, config, nonce))
    removed = cloudinit_drives(config)
    if removed:
        # Two volumes labelled cidata: the guest would read the wrong one (CAPMOX #221).
        params["delete"] = ",".join(removed)
        order = boot_order(config)
        if set(order) & set(removed):
            params["boot"] = "order=" + ";".join(device for device in order if device not in removed)
    return params


def _nic_differences(machine: ProxmoxMachine, config: Mapping[str, Any], nonce: str) -> dict[str, Scalar | None]:
    changed: dict[str, Scalar | None] = {}
    for index, device in enumerate(devices_of(machine)):
        name = device_name(device, index)
        current = Nic.parse(str(config[name])) if name in config else None
        wanted = wanted_nic(device, current, nonce, name)
        if wanted != current:
            changed[name] = str(wanted)
    return changed


def wanted_nic(device: NetworkDevice, current: Nic | None, nonce: str, name: str) -> Nic:
    """The NIC with what the device says; its MAC, once it has one, never changes."""
    nic = current or Nic(mac=derived_mac(nonce, name))
    nic = replace(nic, model=device.model or nic.model, bridge=device.bridge or nic.bridge)
    given = {"tag": device.vlan, "mtu": device.mtu, "queues": device.queues}
    return nic.with_options(**{key: value for key, value in given.items() if value is not None})


def derived_mac(nonce: str, name: str) -> str:
    """A MAC for a NIC that the template does not have: the same each time it is asked for."""
    digest = hashlib.sha256(f"{nonce}/{name}".encode()).digest()
    return f"{_OUI}:{digest[0]:02X}:{digest[1]:02X}:{digest[2]:02X}"


def macs(machine: ProxmoxMachine, config: Mapping[str, Any], nonce: str) -> dict[str, str]:
    """The MAC of each device, by its name, as it is or will be."""
    result: dict[str, str] = {}
    for index, device in enumerate(devices_of(machine)):
        name = device_name(device, index)
        current = Nic.parse(str(config[name])) if name in config else None
        result[name] = wanted_nic(device, current, nonce, name).mac
    return result


def cloudinit_drives(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Drives of Proxmox VE's own cloud-init that came with the template."""
    return tuple(key for key, drive in drives(config).items() if drive.is_cloudinit)


def missing_gib(machine: ProxmoxMachine, config: Mapping[str, Any]) -> tuple[str, int] | None:
    """The boot disk and the size that it has to grow to; None when it is large enough or nothing is asked."""
    volume = machine.spec.disks.boot_volume
    if volume is None or not volume.disk or not volume.size_gb:
        return None
    drive = drives(config).get(volume.disk)
    if drive is None or drive.size_bytes >= volume.size_gb * GIB:
        return None
    return volume.disk, volume.size_gb


def missing_disk(machine: ProxmoxMachine, config: Mapping[str, Any]) -> str:
    """Why the boot disk cannot be resized; empty when it is there."""
    volume = machine.spec.disks.boot_volume
    if volume is None or not volume.disk or volume.disk in config:
        return ""
    there = ", ".join(key for key, drive in drives(config).items() if not drive.is_cdrom) or "none"
    return (
        f"the template has no disk {volume.disk} (its disks: {there}): correct spec.disks.bootVolume.disk in the "
        "ProxmoxMachineTemplate, or use another template"
    )


def seed_name(vmid: int) -> str:
    """The file name of a machine's data ISO, as CAPMOX names it."""
    return f"user-data-{vmid}.iso"


def find_seed(config: Mapping[str, Any], vmid: int) -> tuple[str, Drive] | None:
    """The drive that holds the machine's data ISO, if it is attached."""
    wanted = seed_name(vmid)
    return next(((key, d) for key, d in drives(config).items() if d.volume.rpartition("/")[2] == wanted), None)


def seed_drive(config: Mapping[str, Any], vmid: int) -> str:
    """Where to attach the data ISO: where it is already, else the first place that is free or an empty cdrom."""
    found = find_seed(config, vmid)
    if found is not None:
        return found[0]
    present = drives(config)
    removed = cloudinit_drives(config)
    for key in _SEED_DRIVES:
        drive = present.get(key)
        if drive is None or key in removed or (drive.is_cdrom and drive.volume in ("none", "")):
            return key
    return _SEED_DRIVES[0]


def wanted_tags(machine: ProxmoxMachine, config: Mapping[str, Any], nets: tuple[DeviceAddresses, ...]) -> set[str]:
    """The template's tags, the user's, and the address of net0; without the mark of an attached ISO."""
    kept = {tag for tag in parse_tags(config.get("tags")) if tag != SEED_TAG and not tag.startswith("ip_net0_")}
    first = next((entry for entry in nets if entry.net == "net0"), None)
    address = {f"ip_net0_{first.ipv4[0]}"} if first is not None and first.ipv4 else set()
    return kept | {tag.lower() for tag in machine.spec.tags} | address


def tags_text(tags: set[str], *, seeded: bool) -> str:
    return format_tags({*tags, SEED_TAG} if seeded else tags)
