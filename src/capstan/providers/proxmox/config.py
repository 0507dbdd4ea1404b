"""The strings that Proxmox VE keeps settings in: property strings, NICs, drives, tags, boot order, descriptions.

Comparison is always between parsed values: PVE answers with another order than it was sent.
"""

from __future__ import annotations

import re
import urllib.parse
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

#: Options of a NIC that decide about `netN` come first in this order, as PVE itself writes them.
_NIC_MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "ne2k_pci", "ne2k_isa", "i82551", "i82557b", "pcnet")
_DRIVE = re.compile(r"^(ide|sata|scsi|virtio)\d+$")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_MARKER = re.compile(r"capstan\.dev/vm-identity=(\S+)")


def parse_properties(text: str, implied: str = "") -> dict[str, str]:
    """`a=1,b=2` as a mapping; a part without `=` is the value of the `implied` key."""
    result: dict[str, str] = {}
    for part in text.split(","):
        name, separator, value = part.strip().partition("=")
        if separator:
            result[name] = value
        elif name and implied:
            result[implied] = name
    return result


def format_properties(values: Mapping[str, str], implied: str = "") -> str:
    """The property string; the value of the `implied` key goes first and without its name."""
    parts = [values[implied]] if implied and implied in values else []
    parts += [f"{name}={value}" for name, value in values.items() if name != implied]
    return ",".join(parts)


@dataclass(frozen=True, slots=True)
class Nic:
    """One `netN`. `options` are all others than model, MAC and bridge: tag, mtu, queues, firewall, rate, ..."""

    model: str = "virtio"
    mac: str = ""
    bridge: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Nic:
        values = parse_properties(text)
        model = next((name for name in values if name in _NIC_MODELS), "")
        mac = values.pop(model, "") if model else values.pop("macaddr", "")
        model = model or values.pop("model", "virtio")
        bridge = values.pop("bridge", "")
        return cls(model, mac.upper(), bridge, tuple(sorted(values.items())))

    def __str__(self) -> str:
        parts = [f"{self.model}={self.mac}" if self.mac else f"model={self.model}"]
        if self.bridge:
            parts.append(f"bridge={self.bridge}")
        return ",".join([*parts, *(f"{name}={value}" for name, value in self.options)])

    def with_options(self, **wanted: int | str | None) -> Nic:
        """These options set, and those that are None removed; all others stay."""
        options = {name: value for name, value in self.options if name not in wanted}
        options.update({name: str(value) for name, value in wanted.items() if value is not None})
        return replace(self, options=tuple(sorted(options.items())))


@dataclass(frozen=True, slots=True)
class Drive:
    """One disk or cdrom: `volume` is `storage:name`, `none` or a path."""

    volume: str
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Drive:
        values = parse_properties(text, implied="file")
        return cls(values.pop("file", ""), tuple(values.items()))

    @property
    def is_cdrom(self) -> bool:
        return ("media", "cdrom") in self.options

    @property
    def is_cloudinit(self) -> bool:
        return self.volume.rpartition("-")[2].split(".")[0] == "cloudinit" or self.volume.endswith(":cloudinit")

    @property
    def storage(self) -> str:
        name, separator, _ = self.volume.partition(":")
        return name if separator else ""

    @property
    def size_bytes(self) -> int:
        return parse_size(dict(self.options).get("size", "0"))


def drives(config: Mapping[str, object]) -> dict[str, Drive]:
    """The disks and cdroms of a VM's config by key."""
    return {key: Drive.parse(str(value)) for key, value in sorted(config.items()) if _DRIVE.match(key)}


def parse_size(text: str) -> int:
    """`32G` in bytes; 0 for what is not a size."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text.strip())
    return int(float(match[1]) * _UNITS[match[2]]) if match else 0


def parse_int(value: object, default: int = 0) -> int:
    """PVE gives integers as numbers or strings, and `memory` as `current=N` too."""
    text = parse_properties(str(value), implied="current").get("current", "") if value is not None else ""
    return int(text) if re.fullmatch(r"-?\d+", text) else default


def parse_bool(value: object) -> bool:
    """PVE's booleans: 1, on, yes, true in any case."""
    return str(value).lower() in ("1", "on", "yes", "true")


def smbios_uuid(config: Mapping[str, object]) -> str:
    """The lower-case SMBIOS UUID of a VM's config; empty when it has none."""
    return parse_properties(str(config.get("smbios1", ""))).get("uuid", "").lower()


def smbios_serial(config: Mapping[str, object]) -> str:
    """The SMBIOS serial, decoded when the property string says that it is base64."""
    values = parse_properties(str(config.get("smbios1", "")))
    serial = values.get("serial", "")
    return b64decode(serial + "=" * (-len(serial) % 4)).decode() if parse_bool(values.get("base64", "0")) else serial


def parse_tags(value: object) -> tuple[str, ...]:
    """Tags as PVE normalises them: lower case, sorted, each once."""
    return tuple(sorted({tag.lower() for tag in re.split(r"[;, ]+", str(value or "")) if tag}))


def format_tags(tags: Iterable[str]) -> str:
    return ";".join(sorted({tag.lower() for tag in tags}))


def boot_order(config: Mapping[str, object]) -> tuple[str, ...]:
    """The devices of `boot: order=...`; empty for the legacy form (`c`, `cdn`) and for none."""
    order = parse_properties(str(config.get("boot", "")), implied="legacy").get("order", "")
    return tuple(device for device in order.split(";") if device)


def marker_of(description: object) -> str:
    """The identity that a VM's description carries; empty when it is not ours."""
    match = _MARKER.search(urllib.parse.unquote(str(description or "")))
    return match[1] if match else ""


def with_marker(description: str, marker: str) -> str:
    """The description with the identity on a line of its own."""
    line = f"capstan.dev/vm-identity={marker}"
    return f"{description.rstrip()}\n\n{line}" if description.strip() else line


def same_description(left: object, right: object) -> bool:
    """PVE adds a newline at the end and may URL-encode: equal after normalising."""
    return urllib.parse.unquote(str(left or "")).strip() == urllib.parse.unquote(str(right or "")).strip()
