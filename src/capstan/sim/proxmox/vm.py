"""A simulated VM: its configuration as text, its power state, its lock."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from capstan.sim.hypervisor import NicView
from capstan.sim.proxmox import properties

DISK_BUSES = ("scsi", "virtio", "sata", "ide")
_DISK_KEY = re.compile(r"^(?:scsi|virtio|sata|ide)\d+$")
_NIC_KEY = re.compile(r"^net\d+$")
NIC_MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "virtio-net-pci", "ne2k_pci", "pcnet", "i82551")
INTEGERS = ("cores", "sockets", "balloon", "vcpus", "onboot", "numa", "protection", "template", "cpuunits", "shares")
DEFAULT_MEMORY_MIB = 512
DEFAULT_DISK_BUS_ORDER = ("ide2", "scsi0", "virtio0", "sata0", "ide0", "net0")


@dataclass(slots=True)
class Vm:
    """`config` holds values as their text; `pending` what a running VM takes over at its next start."""

    vmid: int
    node: str
    config: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str | None] = field(default_factory=dict)
    running: bool = False
    lock: str = ""
    pool: str = ""
    started_at: float = 0.0

    @property
    def name(self) -> str:
        return self.config.get("name", f"VM {self.vmid}")

    @property
    def template(self) -> bool:
        return self.config.get("template") == "1"

    @property
    def memory_mib(self) -> int:
        text = self.config.get("memory", str(DEFAULT_MEMORY_MIB))
        return int(properties.parse(text, "current")["current"])

    @property
    def cores(self) -> int:
        return int(self.config.get("cores", "1")) * int(self.config.get("sockets", "1"))

    @property
    def uuid(self) -> str:
        return properties.parse(self.config.get("smbios1", "")).get("uuid", "")

    @property
    def agent_enabled(self) -> bool:
        return properties.truth(properties.parse(self.config.get("agent", "0"), "enabled").get("enabled", "0"))

    def disk_keys(self) -> list[str]:
        """Keys that hold a disk of the VM's own: no CD drives."""
        return [key for key, value in self.config.items() if is_disk_key(key) and "media=cdrom" not in value]

    def volids(self) -> list[str]:
        """Volumes that the configuration names: disks, EFI and TPM state, unused ones."""
        extra = [key for key in self.config if key in ("efidisk0", "tpmstate0") or key.startswith("unused")]
        return [properties.parse(self.config[key], "file")["file"] for key in (*self.disk_keys(), *extra)]

    def cdroms(self) -> list[str]:
        """Volume ids in the CD drives, empty drives left out."""
        drives = [value for key, value in self.config.items() if is_disk_key(key) and "media=cdrom" in value]
        files = [properties.parse(value, "file")["file"] for value in drives]
        return [file for file in files if file != "none"]

    def nics(self) -> tuple[NicView, ...]:
        return tuple(_nic(key, self.config[key]) for key in sorted(k for k in self.config if is_nic_key(k)))

    def boot_order(self) -> list[str]:
        boot = properties.parse(self.config.get("boot", ""), "legacy")
        if "order" in boot:
            return [device for device in boot["order"].split(";") if device]
        return [device for device in DEFAULT_DISK_BUS_ORDER if device in self.config]

    def digest(self) -> str:
        text = "\n".join(f"{key}: {value}" for key, value in sorted(self.config.items()))
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def wire(self, *, current: bool) -> dict[str, object]:
        """The configuration as GET gives it: pending values shown unless the current ones are asked for."""
        shown: dict[str, object] = dict(self.config)
        if not current:
            for key, value in self.pending.items():
                if value is None:
                    shown.pop(key, None)
                else:
                    shown[key] = value
        for key in INTEGERS:
            if key in shown:
                shown[key] = int(str(shown[key]))
        if self.lock:
            shown["lock"] = self.lock
        shown["digest"] = self.digest()
        return shown


def is_disk_key(key: str) -> bool:
    return bool(_DISK_KEY.match(key))


def is_nic_key(key: str) -> bool:
    return bool(_NIC_KEY.match(key))


def nic_model(parts: dict[str, str]) -> str:
    """The model of a NIC's properties: `virtio=MAC` or `model=virtio,macaddr=MAC`."""
    return next((name for name in NIC_MODELS if name in parts), parts.get("model", "virtio"))


def _nic(key: str, value: str) -> NicView:
    parts = properties.parse(value, "model")
    model = nic_model(parts)
    mac = parts.get(model) or parts.get("macaddr", "")
    tag = parts.get("tag")
    return NicView(key, mac, parts.get("bridge", "vmbr0"), model, int(tag) if tag else None)
