"""What `observe()` reads from: informer caches for kinds that are watched, live reads for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from capstan.api.core.node import Node
from capstan.api.meta import TypedObject
from capstan.api.objects import GroupKind, Key, Obj, Resource

T = TypeVar("T", bound=TypedObject)


class Reader(Protocol):
    """Reads for one reconcile. Cached reads do no I/O, and see at least every write that this process got an
    answer for. Structs are those of the kinds' stored versions."""

    def now(self) -> datetime:
        """The time of this reconcile: the only clock that a decision may see, by way of its snapshot."""
        ...

    def get(self, kind: type[T], namespace: str, name: str) -> T | None: ...

    def list(
        self,
        kind: type[T],
        namespace: str = "",
        *,
        labels: Mapping[str, str] | None = None,
        owner_uid: str = "",
    ) -> tuple[T, ...]:
        """Sorted by namespace and name. `labels` must all be equal; `owner_uid` is any owner reference's. Both
        are indexed."""
        ...

    def list_indexed(self, kind: type[T], index: str, value: str) -> tuple[T, ...]:
        """By an index that the controller declared (`Watch.indexes`)."""
        ...

    async def resolve(self, group_kind: GroupKind) -> tuple[Resource, str]:
        """The resource to use for a provider kind, and its contract version (`v1beta1` or `v1beta2`), from the
        labels of its CRD (cluster-api-core.md 0.8). Raises TransientError when there is no such CRD."""
        ...

    async def get_object(self, group_kind: GroupKind, namespace: str, name: str) -> Obj | None:
        """A provider's object as it is, in its contract version, from a cache that is started on first use."""
        ...

    def list_objects(self, group_kind: GroupKind, namespace: str, *, owner_uid: str = "") -> tuple[Obj, ...]:
        """Objects of a provider kind whose cache was started before."""
        ...

    async def get_live(self, kind: type[T], namespace: str, name: str) -> T | None:
        """Straight from the server, for kinds that are not cached (Secrets of users) or must be fresh."""
        ...

    async def nodes(self, cluster: Key, kubeconfig: bytes) -> tuple[Node, ...]:
        """The Nodes of a workload cluster, from a cache that is started on first use and kept by a watch; changes
        wake the controllers that declare `workload_wakes`. Raises TransientError when the cluster's API does not
        answer (it is tried again in the background, and the controllers are woken when it does)."""
        ...
