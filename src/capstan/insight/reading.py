"""Reads the objects of one cluster through any client, for the tree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from capstan.api.errors import is_not_found
from capstan.api.objects import Obj, Resource
from capstan.api.scheme import SCHEME
from capstan.insight.tree import ClusterObjects
from capstan.runtime.client.protocol import Client

Reference = dict[str, Any] | None

CORE = "cluster.x-k8s.io"
ADDONS = "addons.cluster.x-k8s.io"
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
    kinds = ("MachineDeployment", "MachineSet", "MachinePool", "Machine")
    deployments, sets, pools, machines = await asyncio.gather(*map(listed, kinds))
    infrastructure, control_plane, resource_sets = await asyncio.gather(
        references.get(spec.get("infrastructureRef")),
        references.get(spec.get("controlPlaneRef")),
        _resource_sets(client, references, namespace, name),
    )
    parts = await references.of_each(machines, _machine_references)
    parts |= await references.of_each(pools, lambda pool: _machine_references(_template(pool)))
    templates = await references.of_each(deployments, lambda deployment: _machine_references(_template(deployment)))
    if control_plane is not None:
        templates |= await references.of_each([control_plane], _control_plane_templates)
    return ClusterObjects(
        cluster,
        infrastructure,
        control_plane,
        deployments,
        sets,
        machines,
        parts,
        pools=pools,
        templates=templates,
        resource_sets=resource_sets,
    )


def _template(obj: Obj) -> Obj:
    template: Obj = (obj.get("spec") or {}).get("template") or {}
    return template


def _machine_references(machine: Obj) -> list[Reference]:
    """Of a Machine, or of a template of Machines: infrastructure and bootstrap."""
    spec = machine.get("spec") or {}
    return [spec.get("infrastructureRef"), (spec.get("bootstrap") or {}).get("configRef")]


def _control_plane_templates(control_plane: Obj) -> list[Reference]:
    """Where control planes of the contracts have the template of their machines, and where the Talos one does."""
    spec = control_plane.get("spec") or {}
    machine = spec.get("machineTemplate") or {}
    nested = (machine.get("spec") or {}).get("infrastructureRef")
    return [nested or machine.get("infrastructureRef") or spec.get("infrastructureTemplate")]


async def _resource_sets(client: Client, references: _References, namespace: str, name: str) -> list[Obj]:
    """Those that the cluster's binding names; one that is gone by its name."""
    kind = "ClusterResourceSet"
    try:
        binding = await client.get(_addon(f"{kind}Binding"), namespace, name)
    except Exception as error:
        if is_not_found(error):
            return []
        raise
    names = [entry.get("clusterResourceSetName", "") for entry in (binding.get("spec") or {}).get("bindings") or ()]
    refs: list[Reference] = [{"apiGroup": ADDONS, "kind": kind, "name": n} for n in names]
    found = await asyncio.gather(*map(references.get, refs))
    gone = [{"kind": kind, "metadata": {"namespace": namespace, "name": n}} for n in names]
    return [one or other for one, other in zip(found, gone, strict=True)]


def _addon(kind: str) -> Resource:
    found = SCHEME.by_kind(ADDONS, kind)
    if found is None:
        raise KeyError(kind)
    return found.resource()


class _References:
    """Follows references to provider objects; what cannot be found is left out of the tree."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._resources: dict[tuple[str, str], Resource | None] = {}

    async def of_each(
        self, objects: Sequence[Obj], references: Callable[[Obj], list[Reference]]
    ) -> dict[str, Sequence[Obj]]:
        """For each object by its uid, what it refers to."""
        found = await asyncio.gather(*(self._all(references(obj)) for obj in objects))
        return {obj["metadata"]["uid"]: parts for obj, parts in zip(objects, found, strict=True)}

    async def _all(self, refs: list[Reference]) -> list[Obj]:
        return [part for ref in refs if (part := await self.get(ref)) is not None]

    async def get(self, ref: Reference) -> Obj | None:
        if not ref or not ref.get("name"):
            return None
        # References of older contracts name a version with the group.
        group = ref.get("apiGroup") or str(ref.get("apiVersion", "")).rpartition("/")[0]
        resource = await self._resource(group, ref.get("kind", ""))
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
