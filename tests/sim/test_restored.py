"""A restore under new UIDs adopts and never makes anew.

Cluster API #5957 (owner references that are gone do not come back) and #3770 (a restore makes machines anew).
"""

from __future__ import annotations

import asyncio
from copy import deepcopy

from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME
from capstan.sim.proxmox.vm import Vm
from tests.sim.atrest import CORE, differences, parts, rest, uids, values
from tests.sim.homelab import HomeLab, documents, small

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


def vms_of(lab: HomeLab) -> list[Vm]:
    return [vm for vm in lab.world.datacenter.pve.vms.values() if not vm.template]


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
