"""A ClusterResourceSet brings a CNI into a cluster that is being made, and what it applied can be seen there."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from capstan.api.objects import Key, Obj, Resource
from tests.sim.homelab import HomeLab, document, documents, small

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
ADDONS = "addons.cluster.x-k8s.io/v1beta2"
CNI = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: cni, namespace: kube-flannel}
data: {net: 10.244.0.0/16}
---
apiVersion: v1
kind: Namespace
metadata: {name: kube-flannel}
"""


def manifests() -> list[Obj]:
    """The home lab with one worker, a CNI in a ConfigMap, and a set that applies it."""
    found = small(documents())
    document(found, "Cluster")["metadata"].setdefault("labels", {})["cni"] = "flannel"
    meta = {"name": "cni", "namespace": "default"}
    spec: dict[str, Any] = {
        "clusterSelector": {"matchLabels": {"cni": "flannel"}},
        "resources": [{"kind": "ConfigMap", "name": "cni"}],
        "strategy": "Reconcile",
    }
    return [
        *found,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"cni.yaml": CNI}},
        {"apiVersion": ADDONS, "kind": "ClusterResourceSet", "metadata": meta, "spec": spec},
    ]


async def net(lab: HomeLab) -> str:
    """What the workload cluster has now."""
    secret = await lab.get("Secret", "homelab-kubeconfig")
    kubeconfig = base64.b64decode(secret["data"]["value"])
    client = await lab.world.datacenter.workload_clients.client(Key("default", "homelab"), kubeconfig)
    found = await client.get(CONFIG_MAPS, "kube-flannel", "cni")
    return str(found["data"]["net"])


def test_a_cni_arrives_changes_and_stays() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        await lab.told("ClusterResourceSet", "ResourcesApplied", "Applied: ")
        assert await net(lab) == "10.244.0.0/16"
        record = await lab.get("ClusterResourceSetBinding", "homelab")
        assert [r["applied"] for r in record["spec"]["bindings"][0]["resources"]] == [True]
        await lab.patch("ConfigMap", "cni", {"data": {"cni.yaml": CNI.replace("10.244", "10.245")}})

        async def changed() -> bool:
            return await net(lab) == "10.245.0.0/16"

        await lab.until(changed, 60)
        await asyncio.sleep(300)
        revision, lines = lab.world.store.revision, len(lab.world.trace.lines)
        await asyncio.sleep(1800)
        assert lab.world.store.revision == revision, "idle writes nothing"
        assert lab.world.trace.lines[lines:] == []
        await lab.delete("ClusterResourceSet", "cni")

        async def gone() -> bool:
            return not await lab.all("ClusterResourceSet") and not await lab.all("ClusterResourceSetBinding")

        await lab.until(gone, 60)
        assert await net(lab) == "10.245.0.0/16", "what was applied stays"
        lab.manifests = lab.manifests[:-2]  # its ConfigMap went with the set
        await lab.delete_all()
        await lab.deleted()

    HomeLab(manifests=manifests()).run(story)
