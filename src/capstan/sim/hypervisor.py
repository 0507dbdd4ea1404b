"""The port between the simulated Proxmox VE and what boots on it: a VM as its firmware sees it.

`capstan.sim.proxmox` calls `Firmware` when a VM starts and stops; the guest calls `VmHost` when it powers itself
off or looks at its drives again. Neither side knows the other's classes, and all calls are plain, immediate state
changes: what takes time in reality takes it on the loop's clock of the side that it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True, order=True)
class VmKey:
    """Which VM: the name of its simulated PVE cluster, and its VMID there."""

    pve: str
    vmid: int

    def __str__(self) -> str:
        return f"{self.pve}/{self.vmid}"


@dataclass(frozen=True, slots=True)
class DiskImage:
    """What a disk was made of, as far as a boot can tell. `os` "" is an empty disk: nothing boots from it.

    `version` is the operating system's (`v1.11.6`). `platform` is Talos' (`nocloud`, `metal`): only nocloud looks at
    cidata. `medium` says whether it is a disk that already holds Talos, or an ISO that has to install first.
    """

    os: Literal["", "talos", "linux"] = ""
    version: str = ""
    schematic: str = ""
    platform: str = "nocloud"
    extensions: tuple[str, ...] = ()
    medium: Literal["disk", "iso"] = "disk"

    @property
    def has_guest_agent(self) -> bool:
        return "siderolabs/qemu-guest-agent" in self.extensions


@dataclass(slots=True, eq=False)
class VirtualDisk:
    """One disk image file. `contents` is what a guest wrote: it survives power cycles and goes with the disk."""

    image: DiskImage
    size_bytes: int = 0
    contents: dict[str, Any] = field(default_factory=dict)

    def clone(self) -> VirtualDisk:
        """A full copy: what the guest wrote on the original is on the copy too, and changes apart from then on."""
        return VirtualDisk(self.image, self.size_bytes, dict(self.contents))


@dataclass(frozen=True, slots=True)
class NicView:
    """One network card: `name` is PVE's (`net0`), the guest calls it eth0, eth1, ... in that order."""

    name: str
    mac: str
    bridge: str = "vmbr0"
    model: str = "virtio"
    tag: int | None = None


@dataclass(frozen=True, slots=True)
class VmView:
    """A VM at the moment of its start. `uuid` is smbios1's, in lower case with dashes; the guest's kubelet
    reports it as systemUUID. `boot_disk` is the first disk of the boot order, None when there is none to boot."""

    key: VmKey
    name: str
    node: str
    uuid: str
    nics: tuple[NicView, ...] = ()
    boot_disk: VirtualDisk | None = None
    memory_mib: int = 2048
    cores: int = 1
    cdroms: tuple[bytes, ...] = ()
    #: A bootable ISO in the boot order when the disk is empty (Talos' own ISO).
    boot_iso: DiskImage | None = None
    agent_enabled: bool = False
    smbios: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuestInterface:
    """One interface as the guest agent shows it: `addresses` are CIDRs such as `192.168.0.30/24`."""

    name: str
    mac: str
    addresses: tuple[str, ...] = ()


class VmHost(Protocol):
    """What a guest can do to its own VM; implemented by the simulated Proxmox VE."""

    def guest_powered_off(self, key: VmKey) -> None:
        """The guest switched itself off (shutdown finished): the VM is `stopped` from now on."""
        ...

    def guest_rebooted(self, key: VmKey) -> None:
        """The guest rebooted by itself. The QEMU process and its configuration stay as they were started."""
        ...

    def current_cdroms(self, key: VmKey) -> tuple[bytes, ...]:
        """The contents of the CD drives now, ejected ones left out: what a guest reads when it boots again."""
        ...


class Firmware(Protocol):
    """What a hypervisor can do to its guests; implemented by the simulated machines. Unknown VMs are ignored."""

    def power_on(self, vm: VmView, host: VmHost) -> None:
        """Begin to boot. Returns at once; nothing boots from an empty disk, as in reality."""
        ...

    def power_off(self, key: VmKey) -> None:
        """Pull the plug: the guest does nothing more. What it wrote is on its disks."""
        ...

    def reset(self, key: VmKey) -> None:
        """The reset button: power off and on again with the same view."""
        ...

    def request_shutdown(self, key: VmKey) -> None:
        """The ACPI power button. A guest that listens answers later with `VmHost.guest_powered_off`; one that
        does not boot, or hangs, never does."""
        ...

    def guest_interfaces(self, key: VmKey) -> tuple[GuestInterface, ...] | None:
        """The answer of the guest agent; None when there is none (not installed, or not running yet)."""
        ...

    def forget(self, key: VmKey) -> None:
        """The VM was destroyed, its disks with it."""
        ...
