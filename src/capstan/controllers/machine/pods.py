"""What a drain has to know of the pods of one node, and of the volumes that are attached to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: A pod, a claim or a DaemonSet by its namespace and name.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOnNode:
    """One pod. `controller` is the kind and name of the object that controls it; both empty when nothing does.
    `claims` are the PersistentVolumeClaims that it uses, in its namespace."""

    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    phase: str = ""
    deleted_at: datetime | None = None
    controller: Place = ("", "")
    is_static: bool = False
    has_empty_dir: bool = False
    claims: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        return self.namespace, self.name

    @property
    def finished(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsOfNode:
    """All pods of a node. `namespaces` has the labels of each namespace, `orphaned` the DaemonSets that pods name and
    that do not exist. `problem` says what could not be read."""

    pods: tuple[PodOnNode, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    orphaned: frozenset[Place] = frozenset()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One PersistentVolume: the name by which a node reports it when a CSI driver attaches it, and its claim."""

    name: str
    csi_name: str = ""
    claim: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumesOfNode:
    """`attachments` are the PersistentVolumes that VolumeAttachments have on the node, `volumes` all there are, empty
    when nothing is attached. `problem` says what could not be read."""

    attachments: frozenset[str] = frozenset()
    volumes: tuple[Volume, ...] = ()
    problem: str = ""
