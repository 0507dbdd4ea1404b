"""Applies manifests to workload clusters, and records in the management cluster what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding, ResourceBinding, ResourceSetBinding
from capstan.api.addons.kinds import CLUSTER_RESOURCE_SET_BINDING
from capstan.api.builtins import CUSTOM_RESOURCE_DEFINITION
from capstan.api.errors import ApiError, TransientError, is_already_exists, is_conflict, is_not_found
from capstan.api.kubernetes.kinds import builtin_kind
from capstan.api.objects import GroupKind, Obj, Resource
from capstan.api.rules.owners import group_of
from capstan.api.struct import decode, encode
from capstan.controllers.clusterresourceset.manifests import ManifestError, objects_of
from capstan.controllers.clusterresourceset.plan import Applied, ApplyResources
from capstan.controllers.clusterresourceset.snapshot import Source, own_part
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Handler
from capstan.runtime.plan import Action
from capstan.runtime.workload import WorkloadClients

_BINDING: Final = CLUSTER_RESOURCE_SET_BINDING.resource()
_CRDS: Final = CUSTOM_RESOURCE_DEFINITION.resource()
#: How often a record that somebody else writes at the same time is read and written again.
_ATTEMPTS: Final = 5
_INVALID: Final = 422


class Applier:
    """Speaks to the API servers of workload clusters, and to our own for the records."""

    def __init__(self, workloads: WorkloadClients, client: Client) -> None:
        self._workloads = workloads
        self._client = client

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {ApplyResources: self.apply}

    async def apply(self, action: ApplyResources) -> Applied:
        """Every ConfigMap and Secret is tried, whatever became of the one before. Raises when the workload cluster
        or our own API server does not answer."""
        client = await self._workloads.client(action.cluster, action.kubeconfig)
        failures: dict[str, str] = {}
        for source in action.sources:
            why = await _apply_source(client, source, replaces=action.replaces)
            if why:
                failures[source.text] = why
        return Applied(resource=_BINDING, written=await self._record(action, failures), failures=failures)

    async def _record(self, action: ApplyResources, failures: Mapping[str, str]) -> Obj:
        attempt = 0
        while True:
            found = await self._client.get(_BINDING, action.cluster.namespace, action.cluster.name)
            before = decode(found, ClusterResourceSetBinding)
            try:
                return await self._client.commit(_BINDING, encode(before), encode(_recorded(before, action, failures)))
            except ApiError as error:
                attempt += 1
                if not is_conflict(error) or attempt == _ATTEMPTS:
                    raise


def _recorded(
    binding: ClusterResourceSetBinding, action: ApplyResources, failures: Mapping[str, str]
) -> ClusterResourceSetBinding:
    """The record with what became of each source. What failed as it did before is not written again."""
    own = own_part(binding, action.set_name) or ResourceSetBinding(cluster_resource_set_name=action.set_name)
    resources = {(r.kind, r.name): r for r in own.resources}
    for source in action.sources:
        place, applied = (source.ref.kind, source.ref.name), source.text not in failures
        old = resources.get(place)
        if old is None or applied or old.applied or old.hash != source.digest:
            resources[place] = ResourceBinding(
                kind=source.ref.kind,
                name=source.ref.name,
                hash=source.digest,
                applied=applied,
                last_applied_time=action.now,
            )
    after = msgspec.structs.replace(own, resources=tuple(resources.values()))
    parts = {part.cluster_resource_set_name: part for part in binding.spec.bindings} | {action.set_name: after}
    return msgspec.structs.replace(binding, spec=msgspec.structs.replace(binding.spec, bindings=tuple(parts.values())))


async def _apply_source(client: Client, source: Source, *, replaces: bool) -> str:
    """Why not all objects of one ConfigMap or Secret were applied; empty when they were."""
    try:
        objects = objects_of(source.data)
    except ManifestError as error:
        return str(error)
    texts = []
    for obj in objects:
        try:
            await _apply_object(client, obj, replaces=replaces)
        except (ApiError, UnknownKindError) as error:
            texts.append(f"{obj['kind']} {obj['metadata']['name']}: {_told(error, source)}")
    return "; ".join(texts)


def _told(error: Exception, source: Source) -> str:
    """The refusal in words. A server may quote what it refused, so a Secret's is told by its reason only."""
    if source.ref.kind == "Secret" and isinstance(error, ApiError):
        return f"the API server refused it ({error.code} {error.reason})"
    return str(error)


class UnknownKindError(Exception):
    """The workload cluster does not serve the kind, or not yet."""


async def _apply_object(client: Client, obj: Obj, *, replaces: bool) -> None:
    resource = await _resource(client, obj)
    namespace = (obj["metadata"].get("namespace") or "default") if resource.namespaced else ""
    name = obj["metadata"]["name"]
    placed = {**obj, "metadata": {**obj["metadata"], **({"namespace": namespace} if namespace else {})}}
    if not (replaces and await _exists(client, resource, namespace, name)):
        try:
            await client.create(resource, placed)
            return
        except ApiError as error:
            # What exists may be refused for more than that: a Service by the address that it has itself.
            taken = error.code == _INVALID and await _exists(client, resource, namespace, name)
            if not is_already_exists(error) and not taken:
                raise
    if replaces:
        await client.patch(resource, namespace, name, placed)


async def _exists(client: Client, resource: Resource, namespace: str, name: str) -> bool:
    try:
        await client.get(resource, namespace, name)
    except ApiError as error:
        if not is_not_found(error):
            raise
        return False
    return True


async def _resource(client: Client, obj: Obj) -> Resource:
    """Where objects of this kind live: Kubernetes' own kinds are known, of others the server says it, whether a
    definition or an APIService brought them. What is not served yet is looked for again at the next attempt."""
    group, version, kind = group_of(obj["apiVersion"]), obj["apiVersion"].rpartition("/")[2], obj["kind"]
    if GroupKind(group, kind) == _CRDS.group_kind:
        return _CRDS
    known = builtin_kind(group, kind)
    if known is not None:
        return Resource(group, version, known.plural, kind, known.namespaced)
    try:
        served = await client.served(group, version)
    except TransientError as error:
        # Who stands behind an APIService may be silent while the server itself is well.
        raise UnknownKindError(f"kind {kind} in version {obj['apiVersion']} cannot be looked up: {error}") from None
    for resource in served:
        if resource.kind == kind:
            return resource
    raise UnknownKindError(f"no matches for kind {kind} in version {obj['apiVersion']}")
