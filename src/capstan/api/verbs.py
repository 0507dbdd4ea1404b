"""The verbs of a Kubernetes API, as the API server implements them and the in-process client calls them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from capstan.api.objects import Obj, ObjectList, Resource, WatchEvent

PatchType = Literal["json", "merge", "strategic", "apply"]
Propagation = Literal["", "Background", "Foreground", "Orphan"]


@dataclass(frozen=True, slots=True)
class User:
    """Who asks: name and groups of the client certificate or token; `extra` as in UserInfo."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Handover:
    """To whom an apply that makes an object leaves its labels and annotations: `manager` owns those in `metadata`,
    nobody the others."""

    manager: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options that all writes share (metav1.CreateOptions, UpdateOptions, PatchOptions). `user_agent` names the
    manager where `field_manager` does not. `handover` can only be asked for in-process."""

    dry_run: bool = False
    field_manager: str = ""
    user_agent: str = ""
    field_validation: Literal["", "Ignore", "Warn", "Strict"] = ""
    force: bool = False
    handover: Handover | None = None


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """metav1.DeleteOptions: preconditions and what happens to dependents."""

    uid: str = ""
    resource_version: str = ""
    propagation: Propagation = ""
    grace_period_seconds: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ListOptions:
    """metav1.ListOptions, as the wire has them."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    resource_version_match: str = ""
    timeout_seconds: int | None = None
    allow_bookmarks: bool = False
    send_initial_events: bool = False


@dataclass(slots=True)
class Answer:
    """What a write gives back: the object as stored (or the Status of a finished delete) and warnings."""

    object: Obj
    warnings: tuple[str, ...] = ()
    created: bool = False


class Verbs(Protocol):
    """Every verb on behalf of one user. Refusals are `ApiError`; nothing is half-written.

    Guarantees: a write that was answered is durable; a read without resource_version sees every write that was
    answered before; a watch delivers each change after its start once and in order, or ends with 410.
    Objects that come back are shared and must not be changed.
    """

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj: ...

    async def list(self, resource: Resource, namespace: str, options: ListOptions) -> ObjectList: ...

    def watch(self, resource: Resource, namespace: str, options: ListOptions) -> AsyncIterator[WatchEvent]: ...

    async def create(self, resource: Resource, namespace: str, obj: Obj, options: WriteOptions) -> Answer: ...

    async def act(
        self, resource: Resource, namespace: str, name: str, subresource: str, obj: Obj, options: WriteOptions
    ) -> Answer:
        """A create of a subresource that stores nothing: a token of a ServiceAccount, the eviction of a Pod."""
        ...

    async def probe(self) -> None:
        """Returns when the server answers. Refusals are those of a read of its root."""
        ...

    async def served(self, group: str, version: str) -> Sequence[Resource]:
        """What is served of one group in one version now; empty when it is not served."""
        ...

    async def update(
        self, resource: Resource, namespace: str, name: str, obj: Obj, options: WriteOptions, subresource: str = ""
    ) -> Answer: ...

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch_type: PatchType,
        patch: Any,
        options: WriteOptions,
        subresource: str = "",
    ) -> Answer: ...

    async def commit(
        self, resource: Resource, namespace: str, name: str, patch: Obj, status_patch: Obj, options: WriteOptions
    ) -> Answer:
        """A merge patch of the object and one of its status in one revision: `patch` is what a client would
        send to the object (its `status` is ignored), `status_patch` what it would send to `/status`. A
        `metadata.resourceVersion` or `metadata.uid` in `patch` is a precondition. Only in-process."""
        ...

    async def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> Answer: ...
