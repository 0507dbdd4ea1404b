"""A machine's network: one `default` and `additionalDevices` in v1alpha1, a list of `networkDevices` in v1alpha2.

The default device becomes `net0` with both default flags. v1alpha1 names a device's further pools by address
family and v1alpha2 only lists them: the first one down is the IPv4 pool, the second the IPv6 pool, unless a fact
says that a pool was written as the IPv6 one.
"""

from __future__ import annotations

import re
from typing import Any, Final

from capstan.api.objects import Obj

_MAX_INT32: Final = 2**31 - 1
_DEVICE: Final = re.compile(r"network\.networkDevices\[([0-9]+)\]")
_FLAGS: Final = ("defaultIPv4", "defaultIPv6")
#: What a default device of v1alpha1 cannot say.
_BEYOND_DEFAULT: Final = ("name", "queues", "linkMtu", "routes", "routingPolicy", "ipPoolRef", *_FLAGS)
_BEYOND_ADDITIONAL: Final = ("queues", "ipPoolRef", *_FLAGS)
_NET0: Final[Obj] = {
    "name": "net0",
    "bridge": "vmbr0",
    "model": "virtio",
    "defaultIPv4": True,
    "defaultIPv6": True,
}


def network_up(network: Any, facts: Obj) -> Obj:
    """`network` of v1alpha1 as v1alpha2 has it; what only v1alpha1 can say goes to `facts`."""
    if not isinstance(network, dict):
        network = {}
        facts["noNetwork"] = True
    default = network.get("default")
    devices = []
    if isinstance(default, dict):
        rest = _without_pools(default)
        devices.append({"name": "net0", **rest, "defaultIPv4": True, "defaultIPv6": True, **_pools(default, facts)})
    else:
        facts["noDefaultDevice"] = True
        devices.append(_NET0)
    for device in network.get("additionalDevices") or ():
        devices.append({**_without_pools(device), **_pools(device, facts)})
    rest = {name: value for name, value in network.items() if name not in ("default", "additionalDevices")}
    return {**rest, "networkDevices": devices}


def network_down(network: Any, facts: Obj) -> Any:
    """`network` of v1alpha2 as v1alpha1 has it, None if v1alpha1 had none."""
    if not isinstance(network, dict):
        return network
    down: dict[str, Any] = {k: v for k, v in network.items() if k not in ("networkDevices", "zone")}
    if isinstance(down.get("vrfs"), list):
        down["vrfs"] = [_routed_down(vrf) for vrf in down["vrfs"]]
    additional = []
    for device in network.get("networkDevices") or ():
        if device.get("name", "net0") != "net0":
            kept = {name: value for name, value in device.items() if name not in _BEYOND_ADDITIONAL}
            additional.append({**_routed_down(kept), **_pools_down(device, facts)})
        elif not (facts.get("noDefaultDevice") and device == _NET0):
            kept = {name: value for name, value in device.items() if name not in _BEYOND_DEFAULT}
            down["default"] = {**kept, **_pools_down(device, facts)}
    if additional:
        down["additionalDevices"] = additional
    return None if facts.get("noNetwork") and not down else down


def network_field(field: str) -> str:
    """The field of a device as v1alpha1 has it: the first one is `default`, the others follow."""

    def device(match: re.Match[str]) -> str:
        index = int(match[1])
        return f"network.additionalDevices[{index - 1}]" if index else "network.default"

    return _DEVICE.sub(device, field)


def _without_pools(device: Obj) -> Obj:
    return {name: value for name, value in device.items() if name not in ("ipv4PoolRef", "ipv6PoolRef")}


def _pools(device: Obj, facts: Obj) -> Obj:
    four, six = device.get("ipv4PoolRef"), device.get("ipv6PoolRef")
    if six and not four:
        facts.setdefault("ipv6Pools", []).append(_name_of(six))
    refs = [ref for ref in (four, six) if ref]
    return {"ipPoolRef": refs} if refs else {}


def _pools_down(device: Obj, facts: Obj) -> Obj:
    refs = device.get("ipPoolRef") or []
    if len(refs) == 1 and _name_of(refs[0]) in (facts.get("ipv6Pools") or ()):
        return {"ipv6PoolRef": refs[0]}
    return dict(zip(("ipv4PoolRef", "ipv6PoolRef"), refs, strict=False))


def _name_of(ref: Obj) -> str:
    return f"{ref.get('kind')}/{ref.get('name')}"


def _routed_down(part: Obj) -> Obj:
    """A device or VRF whose routes and rules have no `is6`, and priorities that v1alpha1 can hold."""
    after = dict(part)
    for name in ("routes", "routingPolicy"):
        if isinstance(part.get(name), list):
            after[name] = [_route_down(route) for route in part[name]]
    return after


def _route_down(route: Obj) -> Obj:
    after = {name: value for name, value in route.items() if name != "is6"}
    if isinstance(after.get("priority"), int):
        after["priority"] = min(after["priority"], _MAX_INT32)
    return after
