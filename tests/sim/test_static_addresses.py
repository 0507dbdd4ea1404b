"""Addresses that machines are given outside of any pool: whoever has one too is named at once, and all keep working."""

from __future__ import annotations

import asyncio
from typing import Any

from capstan.api.objects import Obj
from tests.sim.homelab import HomeLab, document, documents, small, state

STATIC = "192.168.0.77"
CORE, POOLS = "cluster.x-k8s.io/v1beta2", "ipam.cluster.x-k8s.io/v1alpha2"
PATCH = f"machine: {{network: {{interfaces: [{{interface: eth1, addresses: [{STATIC}/24]}}]}}}}"


def manifests() -> list[Obj]:
    """The home lab with a worker that has a second, fixed address."""
    found = small(documents())
    document(found, "TalosConfigTemplate")["spec"]["template"]["spec"]["strategicPatches"] = [PATCH]
    return found


def other_cluster(host: str) -> Obj:
    """A Cluster that somebody else brought up."""
    control_plane = {"apiGroup": "controlplane.cluster.x-k8s.io", "kind": "TalosControlPlane", "name": "other"}
    spec: dict[str, Any] = {"controlPlaneEndpoint": {"host": host, "port": 6443}, "controlPlaneRef": control_plane}
    return {"apiVersion": CORE, "kind": "Cluster", "metadata": {"name": "other", "namespace": "default"}, "spec": spec}


def other_machine() -> list[Obj]:
    """A machine of that Cluster, with the same address."""
    meta = {"name": "node", "namespace": "default"}
    ref = {"apiGroup": "bootstrap.cluster.x-k8s.io", "kind": "TalosConfig", "name": "node"}
    infra = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "ProxmoxMachine", "name": "node"}
    spec = {"clusterName": "other", "version": "v1.33.4", "bootstrap": {"configRef": ref}, "infrastructureRef": infra}
    network = {"interfaces": [{"interface": "eth1", "addresses": [f"{STATIC}/24"]}]}
    patch = {"op": "add", "path": "/machine/network", "value": network}
    config = {"generateType": "worker", "talosVersion": "v1.11", "configPatches": [patch]}
    return [
        {"apiVersion": "bootstrap.cluster.x-k8s.io/v1beta1", "kind": "TalosConfig", "metadata": meta, "spec": config},
        {"apiVersion": CORE, "kind": "Machine", "metadata": meta, "spec": spec},
    ]


def pool(*addresses: str) -> Obj:
    spec = {"addresses": list(addresses), "prefix": 24, "gateway": "192.168.0.1"}
    meta = {"name": "wide", "namespace": "default"}
    return {"apiVersion": POOLS, "kind": "InClusterIPPool", "metadata": meta, "spec": spec}


def test_who_comes_second_is_told_and_both_keep_working() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        (worker,) = [m["metadata"]["name"] for m in await lab.all("Machine") if "workers" in m["metadata"]["name"]]
        (config,) = [c["metadata"]["name"] for c in await lab.all("TalosConfig") if c["metadata"]["name"] == worker]

        async def said(*texts: str, name: str = config) -> None:
            await lab.told("TalosConfig", "DataSecretAvailable", f"Available: {'; '.join(texts)}", name)

        await lab.add(other_cluster(STATIC))
        endpoint = f"{STATIC} is the control plane endpoint of Cluster default/other"
        await said(endpoint)
        await lab.patch("Cluster", "other", {"spec": {"controlPlaneEndpoint": {"host": "192.168.0.90"}}})
        await lab.add(pool("192.168.0.70-192.168.0.79"))
        in_pool = f"{STATIC} may be given out by InClusterIPPool default/wide"
        await said(in_pool)
        await lab.patch("InClusterIPPool", "wide", {"spec": {"addresses": ["192.168.0.90-192.168.0.99"]}})
        for one in other_machine():
            await lab.add(one)
        twin = f"{STATIC} is given to a machine by TalosConfig default/{{}} too"
        await said(twin.format("node"))
        await said(twin.format(config), name="node")
        told = await lab.events("AddressInUse")
        assert sorted(told) == sorted([endpoint, in_pool, twin.format("node"), twin.format(config)])
        await lab.delete("Machine", "node")
        await asyncio.sleep(60)
        config_now = await lab.get("TalosConfig", config)
        shown = next(c for c in config_now["status"]["conditions"] if c["type"] == "DataSecretAvailable")
        assert (shown["status"], shown.get("message", "")) == ("True", "")
        assert state(await lab.get("Machine", worker), "Ready") == "True"
        await lab.calmly(1800, writes=0)

    HomeLab(manifests=manifests()).run(story)
