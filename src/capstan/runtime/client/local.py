"""The in-process client: the API server's verbs, called without HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from capstan.api.objects import Obj, ObjectList, Resource, WatchEvent
from capstan.api.verbs import DeleteOptions, Handover, ListOptions, PatchType, Propagation, Verbs, WriteOptions
from capstan.runtime.client.changes import changes

FIELD_MANAGER = "capstan"


class LocalClient:
    """Implements `Client` on `Verbs`."""

    def __init__(self, verbs: Verbs, field_manager: str = FIELD_MANAGER) -> None:
        self._verbs = verbs
        self._options = WriteOptions(field_manager=field_manager)

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        return await self._verbs.get(resource, namespace, name)

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList:
        options = ListOptions(
            label_selector=label_selector, field_selector=field_selector, limit=limit, continue_token=continue_token
        )
        return await self._verbs.list(resource, namespace, options)

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[WatchEvent]:
        options = ListOptions(
            label_selector=label_selector,
            field_selector=field_selector,
            resource_version=resource_version,
            allow_bookmarks=True,
        )
        return self._verbs.watch(resource, namespace, options)

    async def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj:
        options = WriteOptions(dry_run=dry_run, field_manager=self._options.field_manager)
        answer = await self._verbs.create(resource, obj["metadata"].get("namespace", ""), obj, options)
        return answer.object

    async def act(self, resource: Resource, namespace: str, name: str, subresource: str, obj: Obj) -> Obj:
        answer = await self._verbs.act(resource, namespace, name, subresource, obj, self._options)
        return answer.object

    async def probe(self) -> None:
        await self._verbs.probe()

    async def served(self, group: str, version: str) -> Sequence[Resource]:
        return await self._verbs.served(group, version)

    async def update(self, resource: Resource, obj: Obj, *, subresource: str = "") -> Obj:
        metadata = obj["metadata"]
        answer = await self._verbs.update(
            resource, metadata.get("namespace", ""), metadata["name"], obj, self._options, subresource
        )
        return answer.object

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Any,
        *,
        patch_type: PatchType = "merge",
        subresource: str = "",
    ) -> Obj:
        answer = await self._verbs.patch(resource, namespace, name, patch_type, patch, self._options, subresource)
        return answer.object

    async def apply(
        self,
        resource: Resource,
        obj: Obj,
        *,
        manager: str = "",
        force: bool = True,
        subresource: str = "",
        dry_run: bool = False,
        handover: Handover | None = None,
    ) -> Obj:
        metadata = obj["metadata"]
        options = WriteOptions(
            field_manager=manager or self._options.field_manager, force=force, dry_run=dry_run, handover=handover
        )
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        answer = await self._verbs.patch(resource, namespace, name, "apply", obj, options, subresource)
        return answer.object

    async def commit(self, resource: Resource, before: Obj, after: Obj, *, guarded: bool = True) -> Obj:
        change = changes(before, after, guarded=guarded)
        if change.empty:
            return before
        answer = await self._verbs.commit(
            resource, change.namespace, change.name, change.patch_with_preconditions(), change.status, self._options
        )
        return answer.object

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Propagation = "Background",
    ) -> None:
        options = DeleteOptions(uid=uid, resource_version=resource_version, propagation=propagation)
        await self._verbs.delete(resource, namespace, name, options)

    async def aclose(self) -> None:
        return None
