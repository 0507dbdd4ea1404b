"""ProxmoxCluster and ProxmoxClusterTemplate between v1alpha1 and v1alpha2.

`cloneSpec` of v1alpha1 has no place in v1alpha2 and no effect; it is kept as a fact so that the manifest that
holds it reads back as it was written.
"""

from __future__ import annotations

from typing import Any, Final

from capstan.api.conversion import (
    ABSENT,
    Converter,
    Path,
    Spoke,
    downgrade,
    dropped,
    each,
    find,
    move,
    replaced,
    stay,
    take_facts,
    upgrade,
    with_facts,
    without,
)
from capstan.api.infrastructure.conversion.status import STATUS
from capstan.api.objects import Obj

_V4_SUFFIX: Final = "-v4-icip"
_V6_SUFFIX: Final = "-v6-icip"


def _location_down(location: Obj) -> Obj:
    return {name: value for name, value in location.items() if name != "zone"}


_MOVES: Final = (
    *STATUS,
    move("status.inClusterIpPoolRef", "status.inClusterIPPoolRef"),
    stay("status.inClusterZoneRef", down=dropped),
    stay("status.nodeLocations.controlPlane", down=each(_location_down)),
    stay("status.nodeLocations.workers", down=each(_location_down)),
)


def _with_default_zone(obj: Obj) -> Obj:
    """v1alpha1 has one zone; its pools are known by the ends of their names."""
    pools = find(obj, ("status", "inClusterIPPoolRef"))
    if not isinstance(pools, list) or find(obj, ("status", "inClusterZoneRef")) is not ABSENT:
        return obj
    zone: dict[str, Any] = {"zone": "default"}
    for pool in pools:
        name = str(pool.get("name", ""))
        if name.endswith(_V4_SUFFIX):
            zone.setdefault("inClusterIPPoolRefV4", {"name": name})
        elif name.endswith(_V6_SUFFIX):
            zone.setdefault("inClusterIPPoolRefV6", {"name": name})
    return replaced(obj, ("status", "inClusterZoneRef"), [zone]) if len(zone) > 1 else obj


def _spoke(at: Path) -> Spoke:
    """The conversion of a kind whose cluster spec is at `at`."""

    def up(obj: Obj) -> Obj:
        facts: Obj = {}
        clone_spec = find(obj, (*at, "cloneSpec"))
        if clone_spec is not ABSENT:
            facts["cloneSpec"] = clone_spec
            obj = without(obj, (*at, "cloneSpec"))
        return with_facts(_with_default_zone(upgrade(obj, _MOVES)), facts)

    def down(obj: Obj) -> Obj:
        obj, facts = take_facts(obj)
        if find(obj, (*at, "zoneConfig")) is not ABSENT:
            obj = without(obj, (*at, "zoneConfig"))
        if "cloneSpec" in facts and find(obj, at) is not ABSENT:
            obj = replaced(obj, (*at, "cloneSpec"), facts["cloneSpec"])
        return downgrade(obj, _MOVES)

    return Spoke(up, down)


convert_proxmoxcluster = Converter("v1alpha2", {"v1alpha1": _spoke(("spec",))})
convert_proxmoxclustertemplate = Converter("v1alpha2", {"v1alpha1": _spoke(("spec", "template", "spec"))})
