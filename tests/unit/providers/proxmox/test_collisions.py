"""Two clusters that name the same control plane endpoint are both told, as long as there are two."""

from __future__ import annotations

from capstan.api.bootstrap.kinds import TALOS_CONFIG
from capstan.api.objects import Obj
from capstan.providers.proxmox.resources import PROXMOX_CLUSTERS
from tests.unit.providers.proxmox.test_trouble import run
from tests.unit.providers.proxmox.world import World


def available(obj: Obj) -> str:
    conditions = obj.get("status", {}).get("conditions", ())
    return next((c["message"] for c in conditions if c["type"] == "ProxmoxAvailable" and c["status"] == "True"), "?")


def test_two_clusters_with_one_endpoint() -> None:
    async def story(w: World) -> None:
        await w.start()
        await w.until(PROXMOX_CLUSTERS, "homelab", lambda obj: available(obj) == "")
        first = await w.client.get(PROXMOX_CLUSTERS, "default", "homelab")
        spec = {
            **first["spec"],
            "ipv4Config": {**first["spec"]["ipv4Config"], "addresses": ["192.168.0.50-192.168.0.60"]},
        }
        metadata = {"name": "second", "namespace": "default", "ownerReferences": first["metadata"]["ownerReferences"]}
        kept = {name: first[name] for name in ("apiVersion", "kind")}
        await w.client.create(PROXMOX_CLUSTERS, {**kept, "metadata": metadata, "spec": spec})
        for name, other in (("homelab", "second"), ("second", "homelab")):
            text = (
                f"spec.controlPlaneEndpoint 192.168.0.10 is that of ProxmoxCluster default/{other} too: in one network "
                "only one control plane can answer there"
            )
            await w.until(PROXMOX_CLUSTERS, name, lambda obj, text=text: available(obj) == text)
            assert text in await w.events("EndpointInUse")
        patch = {"spec": {"controlPlaneEndpoint": {"host": "192.168.0.11"}}}
        await w.client.patch(PROXMOX_CLUSTERS, "default", "second", patch)
        for name in ("homelab", "second"):
            await w.until(PROXMOX_CLUSTERS, name, lambda obj: available(obj) == "")

    run(story)


def test_an_endpoint_that_a_machine_of_another_cluster_has() -> None:
    """Its own control planes hold it, as a virtual address."""

    async def story(w: World) -> None:
        await w.start()
        await w.until(PROXMOX_CLUSTERS, "homelab", lambda obj: available(obj) == "")
        for name, cluster in (("own", "homelab"), ("theirs", "other")):
            labels = {"cluster.x-k8s.io/cluster-name": cluster}
            data = "machine: {network: {interfaces: [{interface: eth0, addresses: [192.168.0.10/24]}]}}"
            config = {"metadata": {"name": name, "namespace": "default", "labels": labels}}
            spec = {"generateType": "none", "data": data}
            kind = {"apiVersion": "bootstrap.cluster.x-k8s.io/v1beta1", "kind": "TalosConfig"}
            await w.client.create(TALOS_CONFIG.resource(), {**kind, **config, "spec": spec})
        where = "is given to a machine of another cluster by TalosConfig default/theirs"
        text = f"spec.controlPlaneEndpoint 192.168.0.10 {where}"
        await w.until(PROXMOX_CLUSTERS, "homelab", lambda obj: available(obj) == text)
        assert await w.events("EndpointInUse") == [text]
        await w.client.delete(TALOS_CONFIG.resource(), "default", "theirs")
        await w.until(PROXMOX_CLUSTERS, "homelab", lambda obj: available(obj) == "")

    run(story)
