"""The clusters that are made: their manifests, and when they are ready."""

from __future__ import annotations

import asyncio
import time

from capstan.api.objects import Obj, Resource
from capstan.generate import ControlPlane, Network, Parameters, Proxmox, Workers, cluster_manifests
from capstan.runtime.client.http import HttpClient

CLUSTERS = Resource("cluster.x-k8s.io", "v1beta2", "clusters", "Cluster")
MACHINES = Resource("cluster.x-k8s.io", "v1beta2", "machines", "Machine")


def manifests(number: int, workers: int) -> list[Obj]:
    """One cluster in a network of its own: 10.<number>.0.0/16."""
    network = f"10.{number}.0"
    parameters = Parameters(
        name=f"bench-{number:03d}",
        network=Network(
            vip=f"{network}.10", addresses=(f"{network}.20-{network}.250",), gateway=f"{network}.1", prefix=16
        ),
        proxmox=Proxmox(nodes=("pve1", "pve2", "pve3"), template_id=9000, storage="tank"),
        control_plane=ControlPlane(replicas=1),
        workers=(Workers(replicas=workers),),
    )
    return cluster_manifests(parameters, "v1beta2")


def resource_of(obj: Obj) -> Resource:
    group, _, version = obj["apiVersion"].rpartition("/")
    return Resource(group, version, obj["kind"].lower() + "s", obj["kind"])


async def apply(client: HttpClient, number: int, workers: int) -> int:
    made = manifests(number, workers)
    for obj in made:
        await client.create(resource_of(obj), obj)
    return len(made)


class Watching:
    """Follows Clusters and Machines, and knows when all are ready."""

    def __init__(self, client: HttpClient, clusters: int, machines: int) -> None:
        self._client = client
        self._wanted = {CLUSTERS: clusters, MACHINES: machines}
        self._ready: dict[Resource, set[str]] = {CLUSTERS: set(), MACHINES: set()}
        self.ready_at: dict[str, float] = {}
        self._done = asyncio.Event()
        self.changes = 0

    async def wait(self, seconds: float) -> None:
        tasks = [asyncio.create_task(self._follow(resource)) for resource in self._wanted]
        try:
            await asyncio.wait_for(self._done.wait(), seconds)
        except TimeoutError:
            counts = ", ".join(f"{len(found)}/{self._wanted[r]} {r.plural}" for r, found in self._ready.items())
            raise SystemExit(f"not ready within {seconds:.0f} s: {counts}") from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, resource: Resource) -> None:
        wanted = "Available" if resource is CLUSTERS else "Ready"
        async for event in self._client.watch(resource):
            self.changes += 1
            name = event.object["metadata"].get("name", "")
            conditions = (event.object.get("status") or {}).get("conditions") or ()
            if event.type != "BOOKMARK":
                is_ready = any(c["type"] == wanted and c["status"] == "True" for c in conditions)
                self._note(resource, name, is_ready and event.type != "DELETED")

    def _note(self, resource: Resource, name: str, is_ready: bool) -> None:
        found = self._ready[resource]
        if is_ready:
            found.add(name)
            self.ready_at[name] = time.monotonic()
        else:
            found.discard(name)
        if all(len(self._ready[r]) >= count for r, count in self._wanted.items()):
            self._done.set()
