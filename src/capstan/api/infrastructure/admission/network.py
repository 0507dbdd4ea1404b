"""Rules of a machine's network that no schema can say: names, defaults, MTUs, routes and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from capstan.api.errors import FieldCause
from capstan.api.rules.causes import invalid_value
from capstan.api.rules.fields import value_at

_PLACEHOLDERS: Final = ("default", "all")
_SMALLEST_MTU: Final = 1280


def network_causes(obj: Mapping[str, Any], at: str) -> Iterator[FieldCause]:
    """What is wrong with the network at a path."""
    devices: Sequence[Mapping[str, Any]] = value_at(obj, f"{at}.networkDevices") or ()
    yield from _name_causes(devices, f"{at}.networkDevices")
    yield from _default_causes(devices, f"{at}.networkDevices")
    for index, device in enumerate(devices):
        yield from _device_causes(device, f"{at}.networkDevices[{index}]")
    for index, vrf in enumerate(value_at(obj, f"{at}.vrfs") or ()):
        yield from _vrf_causes(vrf, f"{at}.vrfs[{index}]")


def _number(device: Mapping[str, Any]) -> int:
    digits = str(device.get("name", "net0")).removeprefix("net")
    return int(digits) if digits.isdecimal() else -1


def _name_causes(devices: Sequence[Mapping[str, Any]], field: str) -> Iterator[FieldCause]:
    """In whatever order they are listed, the devices are net0, net1, ... without a gap."""
    in_order = sorted(range(len(devices)), key=lambda index: _number(devices[index]))
    for place, index in enumerate(in_order):
        if _number(devices[index]) != place:
            name = devices[index].get("name", "net0")
            why = f"Non-consecutive proxmox interface name: devices are counted from net0, and net{place} is missing"
            yield invalid_value(f"{field}[{index}].name", name, why)
            return


def _default_causes(devices: Sequence[Mapping[str, Any]], field: str) -> Iterator[FieldCause]:
    for flag in ("defaultIPv4", "defaultIPv6"):
        defaults = [index for index, device in enumerate(devices) if device.get(flag)]
        if len(defaults) > 1:
            name = devices[defaults[1]].get("name", "net0")
            other = devices[defaults[0]].get("name", "net0")
            why = f"More than one default IPv4/IPv6 interface in NetworkDevices: {flag} is for one only, {other} has it"
            yield invalid_value(f"{field}[{defaults[1]}]", name, why)
            return


def _device_causes(device: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    mtu, link_mtu = device.get("mtu"), device.get("linkMtu")
    if isinstance(mtu, int) and mtu != 1 and mtu < _SMALLEST_MTU:
        why = f"mtu must be at least {_SMALLEST_MTU} or 1, but was {mtu}"
        yield invalid_value(f"{field}.mtu", mtu, why)
    if isinstance(link_mtu, int) and link_mtu < _SMALLEST_MTU:
        why = f"mtu must be at least {_SMALLEST_MTU}, but was {link_mtu}"
        yield invalid_value(f"{field}.linkMtu", link_mtu, why)
    for index, policy in enumerate(device.get("routingPolicy") or ()):
        why = "" if policy.get("table") is not None else f"routing policy [{index}] requires a table"
        if not why and _lacks_family(policy, "to", "from"):
            why = f"routing policy [{index}]: {_POLICY_FAMILY}"
        if why:
            yield invalid_value(f"{field}.routingPolicy", policy, why)
    yield from _route_causes(device, field, "")


_POLICY_FAMILY: Final = "is6 must be set when 'to'/'from' is a placeholder and neither provides an address family"
_ROUTE_FAMILY: Final = "is6 must be set when 'to' is a placeholder and 'via' is unset"


def _vrf_causes(vrf: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    name, table = vrf.get("name", ""), vrf.get("table")
    for policy in vrf.get("routingPolicy") or ():
        other = policy.get("table")
        if other is not None and other != table:
            why = f"VRF {name}: device/rule routing table mismatch {table} != {other}: give both the same table"
            yield invalid_value(f"{field}.table", table, why)
        if _lacks_family(policy, "to", "from"):
            yield invalid_value(f"{field}.routingPolicy", policy, f"VRF {name}: {_POLICY_FAMILY}")
    yield from _route_causes(vrf, field, f"VRF {name}: ")


def _route_causes(part: Mapping[str, Any], field: str, about: str) -> Iterator[FieldCause]:
    for index, route in enumerate(part.get("routes") or ()):
        if route.get("to") in _PLACEHOLDERS and _lacks_family(route, "to", "via"):
            yield invalid_value(f"{field}.routes", route, f"{about}route [{index}]: {_ROUTE_FAMILY}")


def _lacks_family(entry: Mapping[str, Any], *fields: str) -> bool:
    """Whether a placeholder stands where an address would say the family, and nothing else says it."""
    given = [entry.get(field) for field in fields if entry.get(field)]
    return entry.get("is6") is None and bool(given) and all(value in _PLACEHOLDERS for value in given)
