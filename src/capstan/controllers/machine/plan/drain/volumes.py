"""Which volumes still hold a node: they are to be detached before its host goes (2.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from capstan.api.core.node import Node
from capstan.api.rules.bullets import NAMES_OF_A_LINE, names
from capstan.controllers.machine.pods import Place, VolumesOfNode


@dataclass(frozen=True, slots=True)
class Attached:
    """What is attached, by the name that says most: claims, volumes without one, what the node reports, what
    VolumeAttachments name; all sorted."""

    claims: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    of_node: tuple[str, ...] = ()
    of_attachments: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.claims or self.volumes or self.of_node or self.of_attachments)

    def message(self, started: datetime | None) -> str:
        """The message of `Deleting` while something is attached."""
        since = f" (started at {started:%Y-%m-%dT%H:%M:%SZ})" if started is not None else ""
        return "\n".join([f"Waiting for Node volumes to be detached{since}", *self._lines()])

    def _lines(self) -> Iterator[str]:
        for title, items in (
            ("PersistentVolumeClaims", self.claims),
            ("PersistentVolumes without a .spec.claimRef to a PersistentVolumeClaim", self.volumes),
            ("Node with .status.volumesAttached entries not matching a PersistentVolume", self.of_node),
            (
                "VolumeAttachment with .spec.source.persistentVolumeName not matching a PersistentVolume",
                self.of_attachments,
            ),
        ):
            if items:
                yield f"* {title}: {names(items, NAMES_OF_A_LINE)}"


def attached_volumes(node: Node, found: VolumesOfNode, ignored: frozenset[Place]) -> Attached:
    """Without the claims of pods that stay on the node."""
    of_node = {volume.name for volume in node.status.volumes_attached}
    of_attachments = set(found.attachments)
    claims: set[str] = set()
    volumes: set[str] = set()
    for volume in found.volumes:
        if volume.name not in found.attachments and volume.csi_name not in of_node:
            continue
        of_attachments.discard(volume.name)
        of_node.discard(volume.csi_name)
        if volume.claim is None:
            volumes.add(volume.name)
        elif volume.claim not in ignored:
            claims.add("/".join(volume.claim))
    return Attached(*(tuple(sorted(part)) for part in (claims, volumes, of_node, of_attachments)))
