"""Looks at a node of a workload cluster before it is emptied: its pods, their DaemonSets, the volumes attached to it.

Nothing of it is kept by a watch: a look is taken only while a Machine goes away, and not more often than every
20 seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from capstan.api.errors import ApiError, TransientError, is_not_found
from capstan.api.objects import Key, Obj, Resource
from capstan.api.rules.contract import at
from capstan.controllers.machine.pods import Place, PodOnNode, PodsOfNode, Volume, VolumesOfNode
from capstan.runtime.client.protocol import Client
from capstan.runtime.workload import WorkloadClients

PODS = Resource("", "v1", "pods", "Pod")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet")
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
ATTACHMENTS = Resource("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", namespaced=False)

PAGE = 100
_MIRROR = "kubernetes.io/config.mirror"


class NodeReads:
    """Live reads through the clients that are kept of each cluster."""

    def __init__(self, clients: WorkloadClients) -> None:
        self._clients = clients

    async def pods(self, cluster: Key, kubeconfig: bytes, node: str, *, with_namespaces: bool) -> PodsOfNode:
        """All pods of the node. Namespaces only where rules may ask for their labels."""
        try:
            client = await self._clients.client(cluster, kubeconfig)
            found = [pod_of(obj) async for obj in _pages(client, PODS, f"spec.nodeName={node}")]
            namespaces = {}
            if with_namespaces and found:
                async for obj in _pages(client, NAMESPACES):
                    namespaces[obj["metadata"]["name"]] = obj["metadata"].get("labels") or {}
            orphaned = await _orphaned(client, found)
        except (TransientError, ApiError) as error:
            return PodsOfNode(problem=f"failed to get Pods for eviction: {error}")
        return PodsOfNode(pods=tuple(found), namespaces=namespaces, orphaned=orphaned)

    async def volumes(self, cluster: Key, kubeconfig: bytes, node: str, *, reported: bool) -> VolumesOfNode:
        """What is attached to the node; `reported` says that the Node itself names volumes."""
        try:
            client = await self._clients.client(cluster, kubeconfig)
            attachments = [a async for a in _pages(client, ATTACHMENTS) if _is_attached(a, node)]
            names = frozenset(str(at(a, "spec", "source", "persistentVolumeName") or "") for a in attachments)
            if "" in names:
                nameless = next(a for a in attachments if not at(a, "spec", "source", "persistentVolumeName"))
                problem = (
                    f"spec.source.persistentVolumeName of VolumeAttachment {nameless['metadata']['name']} is empty"
                )
                return VolumesOfNode(problem=problem)
            if not names and not reported:
                return VolumesOfNode()
            volumes = tuple([volume_of(obj) async for obj in _pages(client, VOLUMES)])
        except (TransientError, ApiError) as error:
            return VolumesOfNode(problem=str(error))
        return VolumesOfNode(attachments=names, volumes=volumes)


async def _pages(client: Client, resource: Resource, field_selector: str = "") -> AsyncIterator[Obj]:
    token = ""
    while True:
        page = await client.list(resource, field_selector=field_selector, limit=PAGE, continue_token=token)
        for item in page.items:
            yield item
        token = page.continue_token
        if not token:
            return


async def _orphaned(client: Client, pods: list[PodOnNode]) -> frozenset[Place]:
    """DaemonSets that do not exist although a pod that runs names them."""
    named = {(p.namespace, p.controller[1]) for p in pods if p.controller[0] == "DaemonSet" and not p.finished}
    missing = []
    for namespace, name in sorted(named):
        try:
            await client.get(DAEMON_SETS, namespace, name)
        except ApiError as error:
            if not is_not_found(error):
                raise
            missing.append((namespace, name))
    return frozenset(missing)


def pod_of(obj: Obj) -> PodOnNode:
    """A pod as a drain sees it."""
    metadata = obj["metadata"]
    name: str = metadata["name"]
    deleted = metadata.get("deletionTimestamp")
    owner: Obj = next((r for r in metadata.get("ownerReferences") or () if r.get("controller")), {})
    volumes: list[Obj] = at(obj, "spec", "volumes") or []
    return PodOnNode(
        namespace=metadata.get("namespace", ""),
        name=name,
        labels=metadata.get("labels") or {},
        phase=str(at(obj, "status", "phase") or ""),
        deleted_at=datetime.fromisoformat(deleted) if deleted else None,
        controller=(owner.get("kind", ""), owner.get("name", "")),
        is_static=_MIRROR in (metadata.get("annotations") or {}),
        has_empty_dir=any("emptyDir" in volume for volume in volumes),
        claims=tuple(claim for volume in volumes if (claim := _claim(name, volume))),
    )


def _claim(pod: str, volume: Obj) -> str:
    if "ephemeral" in volume:
        return f"{pod}-{volume.get('name', '')}"
    return str(at(volume, "persistentVolumeClaim", "claimName") or "")


def volume_of(obj: Obj) -> Volume:
    """A PersistentVolume as the wait for volumes sees it."""
    csi: Any = at(obj, "spec", "csi")
    claim: Any = at(obj, "spec", "claimRef")
    bound = isinstance(claim, dict) and claim.get("kind") in ("PersistentVolumeClaim", "", None)
    return Volume(
        name=obj["metadata"]["name"],
        csi_name=f"kubernetes.io/csi/{csi['driver']}^{csi['volumeHandle']}" if isinstance(csi, dict) else "",
        claim=(claim.get("namespace", ""), claim["name"]) if bound else None,
    )


def _is_attached(attachment: Obj, node: str) -> bool:
    return at(attachment, "spec", "nodeName") == node and at(attachment, "status", "attached") is True
