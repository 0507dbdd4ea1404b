"""What controllers need of any Kubernetes: a small client. In-process and HTTP implementations pass one suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from capstan.api.objects import Obj, ObjectList, Resource, WatchEvent
from capstan.api.verbs import Handover, PatchType, Propagation


class Client(Protocol):
    """Verbs of one Kubernetes for one user. Errors are `ApiError` as the server gave them, or `TransientError`
    when the server could not be reached. Objects that come back are not to be changed."""

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj: ...

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList: ...

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[WatchEvent]:
        """Changes after `resource_version`, bookmarks included. Raises ApiError 410 when it is too old."""
        ...

    async def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj: ...

    async def act(self, resource: Resource, namespace: str, name: str, subresource: str, obj: Obj) -> Obj:
        """Create `obj` in a subresource that stores nothing: the eviction of a Pod. A refusal that names its causes
        (429 by a PodDisruptionBudget) is an ApiError with them in its details."""
        ...

    async def probe(self) -> None:
        """Ask whether the server answers at all, and soon: the root of its API. Errors as of any read."""
        ...

    async def served(self, group: str, version: str) -> Sequence[Resource]:
        """What the server serves of one group in one version now, by itself, for a CustomResourceDefinition or for
        an APIService; empty when it serves none. Errors as of any read."""
        ...

    async def update(self, resource: Resource, obj: Obj, *, subresource: str = "") -> Obj: ...

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Any,
        *,
        patch_type: PatchType = "merge",
        subresource: str = "",
    ) -> Obj: ...

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
        """Server-side apply of what `obj` states, with its apiVersion, kind and name; makes what is missing. With
        `force` fields of others are taken, without it they are a conflict (ApiError 409). `manager` is who owns the
        fields from then on (empty: this client); what it stated before and does not state now is removed. An
        object that this makes is handed over at once in-process; elsewhere all of it stays with `manager` until
        `put_right` finds that."""
        ...

    async def commit(self, resource: Resource, before: Obj, after: Obj, *, guarded: bool = True) -> Obj:
        """Send what differs between two states of one object: one revision in-process, elsewhere a patch of the
        object and then one of its status with the returned resourceVersion. No difference sends nothing.
        The uid of `before` is always a precondition, its resourceVersion when `guarded`."""
        ...

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Propagation = "Background",
    ) -> None: ...

    async def aclose(self) -> None: ...
