"""Revisions: each template that becomes current has a higher number than all before it (4.4)."""

from __future__ import annotations

from collections.abc import Iterable

from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import REVISION_ANNOTATION, REVISION_HISTORY_ANNOTATION


def revision_of(machine_set: MachineSet) -> int:
    """The set's revision; 0 when it has none."""
    text = machine_set.metadata.annotations.get(REVISION_ANNOTATION, "")
    return int(text) if text.isdigit() else 0


def revision_annotations(current: MachineSet, old: Iterable[MachineSet]) -> dict[str, str]:
    """The current set's revision, above those of the old ones; the numbers that it had before are kept beside it."""
    own = revision_of(current)
    newest = max((revision_of(s) for s in old), default=0) + 1
    if own >= newest:
        return {}
    history = current.metadata.annotations.get(REVISION_HISTORY_ANNOTATION, "")
    annotations = {REVISION_ANNOTATION: str(newest)}
    if own:
        annotations[REVISION_HISTORY_ANNOTATION] = f"{history},{own}" if history else str(own)
    return annotations
