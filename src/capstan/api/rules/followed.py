"""Labels and annotations that an object takes over from another, and loses again when they leave that one.

Server-side apply knows who stated which key. Capstan's own writes are merge patches, so the object itself carries the
keys that it took over; keys that it always has are not listed, and neither is anything while there are none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

#: On the object: `labels=a,b;annotations=c`.
FOLLOWED_ANNOTATION: Final = "capstan.dev/followed-metadata"


@dataclass(frozen=True, slots=True)
class Marks:
    """Labels and annotations of one object."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def followed_marks(have: Marks, wanted: Marks, always: Collection[str] = ()) -> Marks:
    """What an object that has some marks has to have: those that are wanted, those that are its own, and none that
    it only took over before. `always` are wanted keys that never leave. Equal to `have` when nothing changes."""
    old_labels, old_annotations = _read(have.annotations.get(FOLLOWED_ANNOTATION, ""))
    labels = {k: v for k, v in have.labels.items() if k not in old_labels} | dict(wanted.labels)
    annotations = {k: v for k, v in have.annotations.items() if k not in old_annotations and k != FOLLOWED_ANNOTATION}
    annotations |= wanted.annotations
    record = followed_record(wanted, always)
    return Marks(labels, annotations | record)


def followed_record(wanted: Marks, always: Collection[str] = ()) -> dict[str, str]:
    """The annotation of an object that takes these marks over; none when there is nothing to list."""
    listed = [("labels", wanted.labels), ("annotations", wanted.annotations)]
    parts = [
        f"{what}={','.join(keys)}" for what, marks in listed if (keys := sorted(k for k in marks if k not in always))
    ]
    return {FOLLOWED_ANNOTATION: ";".join(parts)} if parts else {}


def _read(record: str) -> tuple[frozenset[str], frozenset[str]]:
    parts = dict(part.split("=", 1) for part in record.split(";") if "=" in part)
    labels, annotations = (
        frozenset(k for k in parts.get(what, "").split(",") if k) for what in ("labels", "annotations")
    )
    return labels, annotations
