"""ProxmoxMachine and ProxmoxMachineTemplate between v1alpha1 and v1alpha2."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.conversion import (
    Converter,
    Path,
    Spoke,
    downgrade,
    each,
    find,
    replaced,
    stay,
    take_facts,
    upgrade,
    with_facts,
)
from capstan.api.fieldnames import FieldNames
from capstan.api.infrastructure.conversion.network import network_down, network_field, network_up
from capstan.api.infrastructure.conversion.status import STATUS
from capstan.api.objects import Obj


def _addresses_up(nets: Any) -> Any:
    """One address of a family by net becomes a list of both, sorted by net."""
    if not isinstance(nets, dict):
        return nets
    return [
        {"net": net, **{f: [a] if isinstance(a, str) else a for f, a in families.items() if a}}
        for net, families in sorted(nets.items())
    ]


def _addresses_down(nets: Any) -> Any:
    """v1alpha1 holds one address of a family: the first."""
    if not isinstance(nets, list):
        return nets
    return {
        item["net"]: {f: a[0] if isinstance(a, list) else a for f, a in item.items() if f != "net" and a}
        for item in nets
    }


def _device_up(device: Obj) -> Obj:
    return {"connected": False, **device}


_MOVES: Final = (
    *STATUS,
    stay("status.ipAddresses", _addresses_up, _addresses_down),
    stay("status.network", each(_device_up)),
)


def _spec_up(spec: Obj, facts: Obj) -> Obj:
    after = {**spec, "network": network_up(spec.get("network"), facts)}
    target = after.pop("target", "")
    if target:
        facts["target"] = target
        if "allowedNodes" in spec:
            facts["allowedNodes"] = spec["allowedNodes"]
        after["allowedNodes"] = [target]
    settings = after.get("metadataSettings")
    if isinstance(settings, dict):
        after["metadataSettings"] = {"providerIDInjection": False, **settings}
    return after


def _spec_down(spec: Obj, facts: Obj) -> Obj:
    after = dict(spec)
    network = network_down(spec.get("network"), facts)
    if network is None:
        after.pop("network", None)
    else:
        after["network"] = network
    target = facts.get("target")
    if target and spec.get("allowedNodes") == [target]:
        after["target"] = target
        after.pop("allowedNodes")
        if "allowedNodes" in facts:
            after["allowedNodes"] = facts["allowedNodes"]
    return after


def _spoke(at: Path) -> Spoke:
    """The conversion of a kind whose machine spec is at `at`."""

    def up(obj: Obj) -> Obj:
        facts: Obj = {}
        spec = find(obj, at)
        if isinstance(spec, dict):
            obj = replaced(obj, at, _spec_up(spec, facts))
        return with_facts(upgrade(obj, _MOVES), facts)

    def down(obj: Obj) -> Obj:
        obj, facts = take_facts(obj)
        spec = find(obj, at)
        if isinstance(spec, dict):
            obj = replaced(obj, at, _spec_down(spec, facts))
        return downgrade(obj, _MOVES)

    return Spoke(up, down, fields=FieldNames(rename=network_field))


convert_proxmoxmachine = Converter("v1alpha2", {"v1alpha1": _spoke(("spec",))})
convert_proxmoxmachinetemplate = Converter("v1alpha2", {"v1alpha1": _spoke(("spec", "template", "spec"))})
