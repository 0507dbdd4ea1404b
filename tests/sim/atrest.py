"""What a cluster consists of, what of it has to come back when somebody takes it away, and rest: half an hour without a
write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from capstan.api.objects import Obj, Resource
from capstan.api.scheme import SCHEME
from tests.sim.homelab import HomeLab

MINUTES = 30
CORE = "cluster.x-k8s.io"
CLUSTER_LABEL = f"{CORE}/cluster-name"
#: Of no cluster: what the plane itself is made of.
_OUTSIDE = ("Event", "Lease", "CustomResourceDefinition", "Node", "Namespace", "ServiceAccount", "ConfigMap")

Parts = dict[str, Obj]


async def parts(lab: HomeLab, *further: Resource) -> Parts:
    """Everything of the cluster, by kind and name; `further` kinds besides those of Capstan's own."""
    found: Parts = {}
    kinds = [kind.resource() for kind in SCHEME.kinds if _is_part(kind.group, kind.kind)]
    for resource in (*kinds, *further):
        for obj in (await lab.world.plane.client.list(resource)).items:
            found[f"{obj['kind']} {obj['metadata']['name']}"] = obj
    return found


def _is_part(group: str, kind: str) -> bool:
    return (group == CORE or group.endswith(f".{CORE}") or kind == "Secret") and kind not in _OUTSIDE


def differences(before: Mapping[str, Obj], after: Mapping[str, Obj]) -> dict[str, object]:
    """What did not come back. The label of an address is left out, which nothing selects by."""
    found: dict[str, object] = {}
    for name, obj in before.items():
        depth = 2 if obj["kind"] == "IPAddress" else 3
        was, now = marks(obj)[:depth], marks(after[name])[:depth]
        if was != now:
            found[name] = (was, now)
    return found


def marks(obj: Obj) -> tuple[list[tuple[str, str, bool]], list[str], str]:
    """Owners, finalizers and the cluster's label."""
    metadata = obj["metadata"]
    owners = [(r["kind"], r["name"], bool(r.get("controller"))) for r in metadata.get("ownerReferences") or ()]
    label = (metadata.get("labels") or {}).get(CLUSTER_LABEL, "")
    return sorted(owners), sorted(metadata.get("finalizers") or ()), label


def uids(found: Mapping[str, Obj]) -> dict[str, str]:
    return {name: str(obj["metadata"]["uid"]) for name, obj in found.items()}


def values(found: Mapping[str, Obj]) -> dict[str, Obj]:
    """What is in the Secrets."""
    return {name: obj["data"] for name, obj in found.items() if obj["kind"] == "Secret"}


async def strip(lab: HomeLab, found: Mapping[str, Obj], what: str, places: Iterable[Resource] = ()) -> list[str]:
    """Takes owner references, finalizers or the cluster's label from all; gives the names of those that had them."""
    stripped = {_place(kind): kind for kind in (*(k.resource() for k in SCHEME.kinds), *places)}
    done = []
    for name, obj in found.items():
        metadata = obj["metadata"]
        if not metadata.get(what) or (what == "labels" and CLUSTER_LABEL not in metadata[what]):
            continue
        resource = stripped[obj["apiVersion"].partition("/")[0] if "/" in obj["apiVersion"] else "", obj["kind"]]
        patch = {"metadata": {what: {CLUSTER_LABEL: None} if what == "labels" else None}}
        await lab.world.plane.client.patch(resource, metadata.get("namespace", ""), metadata["name"], patch)
        done.append(name)
    return done


def _place(resource: Resource) -> tuple[str, str]:
    return resource.group, resource.kind


async def rest(lab: HomeLab, *further: Resource) -> None:
    """Half an hour in which no object is written and nothing happens outside."""
    await asyncio.sleep(300)
    before = {name: obj["metadata"]["resourceVersion"] for name, obj in (await parts(lab, *further)).items()}
    revision, lines = lab.world.store.revision, len(lab.world.trace.lines)
    await asyncio.sleep(MINUTES * 60)
    after = {name: obj["metadata"]["resourceVersion"] for name, obj in (await parts(lab, *further)).items()}
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == set()
    assert lab.world.trace.lines[lines:] == []
    assert lab.world.store.revision == revision
