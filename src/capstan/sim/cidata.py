"""What a nocloud image finds on its CD drives: user data, meta data, and the network configuration (v1 or v2).

Source: proxmox.md 4.3 and the NoCloud data source of cloud-init.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from capstan.sim.iso9660 import NotAnIso, read_iso

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """One Ethernet card of a network configuration. It is matched by `mac` when that is set, else by `name`."""

    name: str
    mac: str = ""
    addresses: tuple[str, ...] = ()
    dhcp4: bool = False
    gateways: tuple[str, ...] = ()
    nameservers: tuple[str, ...] = ()
    mtu: int = 0


@dataclass(frozen=True, slots=True)
class CloudInitData:
    """The content of a cidata volume. `user_data` is None when there is no such file."""

    user_data: bytes | None = field(default=None, repr=False)
    hostname: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    links: tuple[LinkConfig, ...] = ()
    network_error: str = ""


def find_cidata(cdroms: Iterable[bytes]) -> CloudInitData | None:
    """The first volume labelled cidata or CIDATA; None when no drive holds one."""
    for image in cdroms:
        try:
            iso = read_iso(image)
        except NotAnIso:
            continue
        if iso.label.lower() == "cidata":
            return _read(iso.files)
    return None


def _read(files: Mapping[str, bytes]) -> CloudInitData:
    user_data = files.get("user-data")
    if user_data is not None and user_data[:2] == b"\x1f\x8b":
        user_data = gzip.decompress(user_data)
    meta = _mapping(files.get("meta-data"))
    hostname = str(meta.get("local-hostname") or meta.get("hostname") or "")
    try:
        links = tuple(parse_network_config(files.get("network-config") or b""))
    except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        return CloudInitData(user_data, hostname, meta, (), f"network-config: {error}")
    return CloudInitData(user_data, hostname, meta, links)


def parse_network_config(text: bytes) -> Iterable[LinkConfig]:
    """Version 1 and 2, with or without the top-level `network`. Raises ValueError for other versions."""
    document = _mapping(text)
    document = document.get("network", document)
    if not document or document == {"config": "disabled"}:
        return []
    version = document.get("version")
    if version == 2:
        return [_link_v2(name, settings or {}) for name, settings in (document.get("ethernets") or {}).items()]
    if version == 1:
        return [_link_v1(entry) for entry in document.get("config") or () if entry.get("type") == "physical"]
    raise ValueError(f"network-config metadata version={version} is not supported")


def _link_v2(name: str, settings: Mapping[str, Any]) -> LinkConfig:
    match = settings.get("match") or {}
    gateways = [settings[key] for key in ("gateway4", "gateway6") if settings.get(key)]
    gateways += [r["via"] for r in settings.get("routes") or () if r.get("to") in ("default", "0.0.0.0/0", "::/0")]
    return LinkConfig(
        name=match.get("name") or settings.get("set-name") or name,
        mac=str(match.get("macaddress", "")).lower(),
        addresses=tuple(str(address) for address in settings.get("addresses") or ()),
        dhcp4=_truth(settings.get("dhcp4")),
        gateways=tuple(gateways),
        nameservers=tuple((settings.get("nameservers") or {}).get("addresses") or ()),
        mtu=int(settings.get("mtu") or 0),
    )


def _link_v1(entry: Mapping[str, Any]) -> LinkConfig:
    addresses, gateways, dhcp = [], [], False
    for subnet in entry.get("subnets") or ():
        dhcp = dhcp or str(subnet.get("type", "")).startswith("dhcp")
        if subnet.get("address"):
            address = str(subnet["address"])
            addresses.append(address if "/" in address else f"{address}/{_prefix(subnet.get('netmask', ''))}")
        if subnet.get("gateway"):
            gateways.append(subnet["gateway"])
    return LinkConfig(
        name=entry.get("name", ""),
        mac=str(entry.get("mac_address", "")).lower(),
        addresses=tuple(addresses),
        dhcp4=dhcp,
        gateways=tuple(gateways),
    )


def _prefix(netmask: str) -> int:
    """24 of 255.255.255.0; 32 when there is none."""
    if not netmask:
        return 32
    return sum(bin(int(part)).count("1") for part in netmask.split("."))


def _truth(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "yes", "on")


def _mapping(text: bytes | None) -> dict[str, Any]:
    loaded = yaml.load(text or b"", Loader=_Loader)
    return loaded if isinstance(loaded, dict) else {}
