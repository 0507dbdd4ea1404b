"""Reads the objects of one cluster through any client, for the tree."""

from __future__ import annotations

import asyncio
from typing import Any

from capstan.api.errors import is_not_found
from capstan.api.objects import Obj, Resource
from capstan.api.scheme import SCHEME
from capstan.insight.tree import ClusterObjects
from capstan.runtime.client.protocol import Client

CORE = "cluster.x-k8s.io"
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False)


def core_resource(kind: str) -> Resource:
    """The resource of one of Cluster API's own kinds, in the stored version."""
    found = SCHEME.by_kind(CORE, kind)
    if found is None:
        raise KeyError(kind)
    return found.resource()


async def read_cluster(client: Client, namespace: str, name: str) -> ClusterObjects:
    """Raises ApiError 404 when there is no such Cluster."""
    cluster = await client.get(core_resource("Cluster"), namespace, name)
    selector = f"{CORE}/cluster-name={name}"

    async def listed(kind: str) -> list[Obj]:
        found = await client.list(core_resource(kind), namespace, label_selector=selector)
        return list(found.items)

    spec = cluster.get("spec") or {}
    references = _References(client, namespace)
    deployments, sets, machines, infrastructure, control_plane = await asyncio.gather(
        listed("MachineDeployment"),
        listed("MachineSet"),
        listed("Machine"),
        references.get(spec.get("infrastructureRef")),
        references.get(spec.get("controlPlaneRef")),
    )
    parts: dict[str, list[Obj]] = {}
    for machine in machines:
        machine_spec = machine.get("spec") or {}
        refs = [machine_spec.get("infrastructureRef"), (machine_spec.get("bootstrap") or {}).get("configRef")]
        found = [await references.get(ref) for ref in refs]
        parts[machine["metadata"]["uid"]] = [part for part in found if part is not None]
    return ClusterObjects(cluster, infrastructure, control_plane, deployments, sets, machines, parts)


class _References:
    """Follows references to provider objects; what cannot be found is left out of the tree."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._resources: dict[tuple[str, str], Resource | None] = {}

    async def get(self, ref: dict[str, Any] | None) -> Obj | None:
        if not ref or not ref.get("name"):
            return None
        resource = await self._resource(ref.get("apiGroup", ""), ref.get("kind", ""))
        if resource is None:
            return None
        try:
            return await self._client.get(resource, self._namespace, ref["name"])
        except Exception as error:
            if is_not_found(error):
                return None
            raise

    async def _resource(self, group: str, kind: str) -> Resource | None:
        key = (group, kind)
        if key not in self._resources:
            known = SCHEME.by_kind(group, kind)
            self._resources[key] = known.resource() if known else await self._foreign(group, kind)
        return self._resources[key]

    async def _foreign(self, group: str, kind: str) -> Resource | None:
        for crd in (await self._client.list(CRDS)).items:
            spec = crd["spec"]
            if (spec["group"], spec["names"]["kind"]) == (group, kind):
                version = next(v["name"] for v in spec["versions"] if v.get("storage"))
                return Resource(group, version, spec["names"]["plural"], kind, spec.get("scope") != "Cluster")
        return None
