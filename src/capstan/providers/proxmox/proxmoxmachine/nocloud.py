"""Renders the NoCloud data of a machine: user-data, meta-data and network-config version 2 (proxmox.md 2.8, 4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import yaml

from capstan.api.infrastructure.network import NetworkDevice, Route, RoutingPolicy, VirtualRouting
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.providers.proxmox.proxmoxmachine.identity import provider_id
from capstan.providers.proxmox.proxmoxmachine.network import PoolClaim, claim_name, device_name, devices_of
from capstan.providers.proxmox.proxmoxmachine.snapshot import Address

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seed:
    """All that goes into the data of one machine. `macs` are by device name (`net0`)."""

    machine: ProxmoxMachine
    uuid: str
    user_data: bytes
    claims: Sequence[PoolClaim]
    addresses: Mapping[str, Address]
    macs: Mapping[str, str]
    dns_servers: Sequence[str]
    kubernetes_version: str = ""


def seed_files(seed: Seed) -> dict[str, bytes]:
    """The three files of the `cidata` volume."""
    return {
        "user-data": seed.user_data,
        "meta-data": _yaml(meta_data(seed)),
        "network-config": _yaml({"network": network_config(seed)}),
    }


def meta_data(seed: Seed) -> Document:
    name = seed.machine.metadata.name
    result: Document = {"instance-id": seed.uuid, "local-hostname": name, "hostname": name}
    if seed.machine.spec.metadata_settings.provider_id_injection:
        result["provider-id"] = provider_id(seed.uuid)
    if seed.kubernetes_version:
        result["kubernetes-version"] = seed.kubernetes_version
    return result


def network_config(seed: Seed) -> Document:
    """Netplan's version 2: `ethN` by the order of the devices, found by MAC, all static."""
    devices = devices_of(seed.machine)
    gateway_claims = _gateway_claims(seed)
    ethernets = {
        f"eth{index}": _ethernet(seed, device, device_name(device, index), gateway_claims)
        for index, device in enumerate(devices)
    }
    result: Document = {"version": 2, "renderer": "networkd", "ethernets": ethernets}
    vrfs = seed.machine.spec.network.vrfs
    if vrfs:
        names = {device_name(device, index): f"eth{index}" for index, device in enumerate(devices)}
        result["vrfs"] = {vrf.name: _vrf(vrf, names) for vrf in vrfs}
    return result


def has_default_route(seed: Seed) -> bool:
    """Whether the machine would reach anything beyond its own networks."""
    explicit = any(r.to in ("default", "0.0.0.0/0", "::/0") for d in devices_of(seed.machine) for r in d.routes)
    return explicit or any(_gateway(seed, claim) for claim in _gateway_claims(seed))


def _gateway_claims(seed: Seed) -> tuple[PoolClaim, ...]:
    """The claims whose gateway becomes a default route: those of the default pools, if they have one."""
    default = tuple(claim for claim in seed.claims if claim.default)
    return default if any(_gateway(seed, claim) for claim in default) else tuple(seed.claims)


def _found(seed: Seed, claim: PoolClaim) -> Address | None:
    return seed.addresses.get(claim_name(seed.machine, claim))


def _gateway(seed: Seed, claim: PoolClaim) -> str:
    found = _found(seed, claim)
    return found.address.spec.gateway if found is not None and found.address is not None else ""


def _ethernet(seed: Seed, device: NetworkDevice, name: str, gateway_claims: Sequence[PoolClaim]) -> Document:
    claims = [claim for claim in seed.claims if claim.device == name]
    addresses: list[str] = []
    routes: list[Document] = []
    for claim in claims:
        found = _found(seed, claim)
        if found is None or found.address is None:
            continue
        addresses.append(f"{found.address.spec.address}/{found.address.spec.prefix}")
        if claim in gateway_claims and found.address.spec.gateway:
            routes.append(_default_route(found.address.spec.gateway, found.metric))
    routes += [_route(route) for route in device.routes]
    result: Document = {
        "match": {"macaddress": seed.macs[name].lower()},
        "dhcp4": False,
        "dhcp6": False,
        "addresses": addresses,
    }
    if routes:
        result["routes"] = routes
    if device.routing_policy:
        result["routing-policy"] = [_policy(policy) for policy in device.routing_policy]
    if addresses:
        result["nameservers"] = {"addresses": list(device.dns_servers or seed.dns_servers)}
    if device.link_mtu:
        result["mtu"] = device.link_mtu
    return {key: value for key, value in result.items() if value != []}


def _default_route(gateway: str, metric: int | None) -> Document:
    to = "0.0.0.0/0" if ip_address(gateway).version == 4 else "::/0"
    return {"to": to, "via": gateway, **({"metric": metric} if metric is not None else {})}


def _route(route: Route) -> Document:
    to = route.to
    if to in ("default", "all"):
        to = "::/0" if route.is6 or ":" in route.via else "0.0.0.0/0"
    shown = {"to": to, "via": route.via, "metric": route.metric, "table": route.table}
    return {key: value for key, value in shown.items() if value not in (None, "")}


def _policy(policy: RoutingPolicy) -> Document:
    shown = {"to": policy.to, "from": policy.from_, "table": policy.table, "priority": policy.priority}
    return {key: value for key, value in shown.items() if value not in (None, "")}


def _vrf(vrf: VirtualRouting, names: Mapping[str, str]) -> Document:
    result: Document = {"table": vrf.table, "interfaces": [names.get(name, name) for name in vrf.interfaces]}
    if vrf.routes:
        result["routes"] = [_route(route) for route in vrf.routes]
    if vrf.routing_policy:
        result["routing-policy"] = [_policy(policy) for policy in vrf.routing_policy]
    return result


def _yaml(document: Document) -> bytes:
    text: str = yaml.safe_dump(document, sort_keys=False, default_flow_style=False)
    return text.encode()
