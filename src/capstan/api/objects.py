"""The nouns that every room shares: objects on the wire, resources, keys, watch events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

#: An object as Kubernetes sends it: decoded JSON. Readers share one decoded copy of each revision, so an
#: `Obj` that came from a read is never changed in place; build a new one instead.
Obj = dict[str, Any]

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]


@dataclass(frozen=True, slots=True)
class GroupKind:
    """A kind without its version, written `Kind.group` as Kubernetes does."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True, slots=True)
class Resource:
    """One served resource: where its objects live in the API, and what they are called."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`group/version`, or just `version` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    @property
    def group_resource(self) -> str:
        """`plural.group`: the name of the resource's CustomResourceDefinition."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


class Key(msgspec.Struct, frozen=True, order=True):
    """Namespace and name; the namespace is empty for cluster-scoped objects."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class ObjectList:
    """One page of a list. `resource_version` is the store's revision at the snapshot."""

    items: Sequence[Obj]
    resource_version: str
    continue_token: str = ""
    remaining: int | None = None


class WatchEvent(msgspec.Struct, frozen=True):
    """One change. BOOKMARK carries only metadata.resourceVersion, ERROR a Status."""

    type: EventType
    object: Obj


def key_of(obj: Mapping[str, Any]) -> Key:
    """The key of a decoded object; an absent namespace is the empty one."""
    metadata = obj["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])
