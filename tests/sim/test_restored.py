"""What was stripped from a ready cluster comes back, and a restore under new UIDs adopts and never makes anew.

Cluster API #5957 (owner references that are gone do not come back) and #3770 (a restore makes machines anew).
"""

from __future__ import annotations

import asyncio
from copy import deepcopy

import pytest

from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME
from capstan.sim.proxmox.vm import Vm
from tests.sim.homelab import HomeLab, documents, small

MINUTES = 30
CORE = "cluster.x-k8s.io"
_LABEL = f"{CORE}/cluster-name"
#: Who never has a finalizer, and what is no part of any cluster.
_OUTSIDE = ("Event", "Lease", "CustomResourceDefinition", "Node", "Namespace", "ServiceAccount", "ConfigMap")
CHECK: Obj = {
    "apiVersion": f"{CORE}/v1beta2",
    "kind": "MachineHealthCheck",
    "metadata": {"name": "workers", "namespace": "default"},
    "spec": {
        "clusterName": "homelab",
        "selector": {"matchLabels": {f"{CORE}/deployment-name": "homelab-workers"}},
        "checks": {
            "unhealthyNodeConditions": [{"type": "Ready", "status": "Unknown", "timeoutSeconds": 300}],
        },
    },
}


def manifests() -> list[Obj]:
    return [*small(documents()), deepcopy(CHECK)]


async def parts(lab: HomeLab) -> dict[str, Obj]:
    """Everything of the cluster, by kind and name."""
    found: dict[str, Obj] = {}
    for kind in SCHEME.kinds:
        is_provided = kind.group == CORE or kind.group.endswith(f".{CORE}") or kind.kind == "Secret"
        if is_provided and kind.kind not in _OUTSIDE and "ClusterClass" not in kind.kind:
            for obj in await lab.all(kind.kind):
                found[f"{kind.kind} {obj['metadata']['name']}"] = obj
    return found


def differences(before: dict[str, Obj], after: dict[str, Obj]) -> dict[str, object]:
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
    label = (metadata.get("labels") or {}).get(_LABEL, "")
    return sorted(owners), sorted(metadata.get("finalizers") or ()), label


def uids(found: dict[str, Obj]) -> dict[str, str]:
    return {name: str(obj["metadata"]["uid"]) for name, obj in found.items()}


def values(found: dict[str, Obj]) -> dict[str, Obj]:
    """What is in the Secrets."""
    return {name: obj["data"] for name, obj in found.items() if obj["kind"] == "Secret"}


async def rest(lab: HomeLab) -> None:
    """Half an hour in which no object is written and nothing happens outside."""
    await asyncio.sleep(300)
    before = {name: obj["metadata"]["resourceVersion"] for name, obj in (await parts(lab)).items()}
    revision, lines = lab.world.store.revision, len(lab.world.trace.lines)
    await asyncio.sleep(MINUTES * 60)
    after = {name: obj["metadata"]["resourceVersion"] for name, obj in (await parts(lab)).items()}
    assert {name for name in before if before[name] != after.get(name)} == set()
    assert lab.world.trace.lines[lines:] == []
    assert lab.world.store.revision == revision


def vms_of(lab: HomeLab) -> list[Vm]:
    return [vm for vm in lab.world.datacenter.pve.vms.values() if not vm.template]


@pytest.mark.parametrize("what", ["ownerReferences", "finalizers", "labels"])
def test_what_is_stripped_comes_back_and_then_there_is_rest(what: str) -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        await asyncio.sleep(60)
        before, vms = await parts(lab), vms_of(lab)
        assert "MachineHealthCheck workers" in before
        for obj in before.values():
            if not obj["metadata"].get(what):
                continue
            stripped = None if what != "labels" else {_LABEL: None}
            await lab.patch(obj["kind"], obj["metadata"]["name"], {"metadata": {what: stripped}})
        await asyncio.sleep(120)
        await lab.ready(1, 1)
        after = await parts(lab)
        assert differences(before, after) == {}
        assert values(after) == values(before)
        assert uids(after) == uids(before)
        assert vms_of(lab) == vms
        await rest(lab)

    HomeLab(manifests=manifests()).run(story)


def restored(obj: Obj) -> Obj:
    """An object as a backup tool writes it back: nothing that names a UID of the old server, no status."""
    metadata = obj["metadata"]
    names = ("name", "namespace", "labels", "annotations", "finalizers")
    kept = {name: metadata[name] for name in names if name in metadata}
    return {**{name: part for name, part in obj.items() if name != "status"}, "metadata": kept}


async def restore(lab: HomeLab, backup: dict[str, Obj]) -> None:
    """A new management plane gets everything back while its Cluster is paused, as backup tools and `move` do."""
    await lab.world.lose_plane()
    kinds = {kind.kind: kind.resource() for kind in SCHEME.kinds}
    for name in sorted(backup, key=lambda name: not name.startswith("Cluster ")):
        obj = restored(backup[name])
        if obj["kind"] == "Cluster":
            obj = {**obj, "spec": {**obj["spec"], "paused": True}}
        await lab.world.plane.client.create(kinds[obj["kind"]], obj)
    await asyncio.sleep(60)
    await lab.patch("Cluster", "homelab", {"spec": {"paused": None}})


def test_cluster_api_5957_and_3770_a_restore_under_new_uids_adopts() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        await asyncio.sleep(60)
        backup, vms = await parts(lab), [(vm.vmid, vm.name, vm.started_at) for vm in vms_of(lab)]
        await restore(lab, backup)
        await lab.ready(1, 1)
        await asyncio.sleep(300)
        after = await parts(lab)
        assert set(after) == set(backup)
        assert [(vm.vmid, vm.name, vm.started_at) for vm in vms_of(lab)] == vms, "a machine was made anew"
        known = set(uids(after).values())
        assert not known & set(uids(backup).values())
        for name, obj in after.items():
            owners = obj["metadata"].get("ownerReferences") or ()
            assert {ref["uid"] for ref in owners} <= known, f"{name} names an owner that is not there"
        assert differences(backup, after) == {}
        assert values(after) == values(backup), "keys were made anew"
        await rest(lab)

    HomeLab(manifests=manifests()).run(story)
