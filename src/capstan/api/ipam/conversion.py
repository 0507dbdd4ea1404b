"""IPAM kinds between their versions (cluster-api-core.md 14.2, kubeadm-clusterctl-ipam.md 5)."""

from __future__ import annotations

import ipaddress
from typing import Final

from capstan.api.conversion import (
    ABSENT,
    Converter,
    Spoke,
    downgrade,
    dropped,
    find,
    move,
    replaced,
    same,
    stay,
    take_facts,
    upgrade,
    with_facts,
    without,
)
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.objects import Obj

_CLUSTER_LABEL: Final = ("metadata", "labels", "cluster.x-k8s.io/cluster-name")
_LABEL_WAS_SET: Final = ("metadata", "annotations", "conversion.cluster.x-k8s.io/cluster-name-label-set")
_CLUSTER_NAME: Final = ("spec", "clusterName")

_OLD_CONDITIONS: Final = move("status.conditions", "status.deprecated.v1beta1.conditions")
_CLAIM_MOVES: Final = (_OLD_CONDITIONS, move("status.v1beta2.conditions", "status.conditions"))
#: v1alpha1 has no place for the newer conditions: they travel in the annotation with the hub's data.
_OLD_CLAIM_DOWN: Final = (_OLD_CONDITIONS, stay("status.conditions", down=dropped))


def _claim_up(obj: Obj) -> Obj:
    return upgrade(obj, _CLAIM_MOVES)


def _claim_down(obj: Obj) -> Obj:
    return downgrade(obj, _CLAIM_MOVES)


def _drop(obj: Obj, path: tuple[str, ...]) -> Obj:
    """`obj` without the value at `path`, and without the map of labels or annotations that it leaves empty."""
    if find(obj, path) is ABSENT:
        return obj
    obj = without(obj, path)
    return obj if find(obj, path[:-1]) else without(obj, path[:-1])


def _old_claim_up(obj: Obj) -> Obj:
    """v1alpha1 names the cluster by label only."""
    after = upgrade(obj, (_OLD_CONDITIONS,))
    name = find(after, _CLUSTER_LABEL)
    if name is not ABSENT:
        after = replaced(after, _CLUSTER_NAME, name)
    if find(after, _LABEL_WAS_SET) == "false":
        after = _drop(after, _CLUSTER_LABEL)
    return _drop(after, _LABEL_WAS_SET)


def _old_claim_down(obj: Obj) -> Obj:
    after = downgrade(obj, _OLD_CLAIM_DOWN)
    name = find(after, _CLUSTER_NAME)
    if name is ABSENT:
        return after
    after = without(after, _CLUSTER_NAME)
    if find(after, _CLUSTER_LABEL) is ABSENT:
        after = replaced(after, _LABEL_WAS_SET, "false")
    return replaced(after, _CLUSTER_LABEL, name)


_SUBNET_FIELDS: Final = ("subnet", "start", "end")
_POOL_MOVES: Final = (
    stay("spec.excludedAddresses", down=dropped),
    stay("spec.allocateReservedIPAddresses", down=dropped),
    stay("spec.addressReuseGracePeriodSeconds", down=dropped),
    *(stay(f"spec.{name}", up=dropped) for name in _SUBNET_FIELDS),
)


def _expanded(spec: Obj) -> tuple[list[str], int] | None:
    """The addresses and prefix that a v1alpha1 `subnet` stands for: all but the first and the last address,
    or from `start` to `end` where they are given."""
    try:
        network = ipaddress.ip_network(spec["subnet"], strict=False)
    except (KeyError, ValueError):
        return None
    room = network.num_addresses > 2
    first, last = network[1 if room else 0], network[-2 if room else -1]
    return [f"{spec.get('start') or first}-{spec.get('end') or last}"], network.prefixlen


def _pool_up(obj: Obj) -> Obj:
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return obj
    after = upgrade(obj, _POOL_MOVES)
    written = {name: spec[name] for name in _SUBNET_FIELDS if name in spec}
    expanded = None if spec.get("addresses") else _expanded(spec)
    if expanded is None:
        return with_facts(after, {"pool": written})
    written |= {name: spec[name] for name in ("addresses", "prefix") if name in spec}
    after = replaced(after, ("spec", "addresses"), expanded[0])
    after = replaced(after, ("spec", "prefix"), expanded[1])
    return with_facts(after, {"pool": written, "expanded": True})


def _pool_down(obj: Obj) -> Obj:
    obj, facts = take_facts(obj)
    after = downgrade(obj, _POOL_MOVES)
    written, spec = facts.get("pool"), after.get("spec")
    if not isinstance(written, dict) or not isinstance(spec, dict):
        return after
    if facts.get("expanded"):
        if _expanded(written) != (spec.get("addresses"), spec.get("prefix")):
            return after
        spec = {name: value for name, value in spec.items() if name not in ("addresses", "prefix")}
    return {**after, "spec": {**spec, **written}}


_UNCHANGED: Final = Spoke(same, same)

convert_ipaddress = Converter(
    "v1beta2", {"v1beta1": _UNCHANGED, "v1alpha1": _UNCHANGED}, remembers=False, struct=IPAddress
)
convert_ipaddressclaim = Converter(
    "v1beta2",
    {
        "v1beta1": Spoke(_claim_up, _claim_down),
        "v1alpha1": Spoke(_old_claim_up, _old_claim_down, remembers=True),
    },
    remembers=False,
    struct=IPAddressClaim,
)
convert_inclusterippool = Converter("v1alpha2", {"v1alpha1": Spoke(_pool_up, _pool_down)})
convert_globalinclusterippool = convert_inclusterippool
