"""Events in their two groups: one object, seen as v1 or as events.k8s.io/v1. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from capstan.api.objects import Obj

#: What the version that is kept is called among those of events.k8s.io: the one of the core group.
CORE: Final = "core"

#: Field in v1 -> field in events.k8s.io/v1; all others have the same name in both.
_NAMES: Final[Mapping[str, str]] = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_BACK: Final = {new: old for old, new in _NAMES.items()}

#: Field selectors of events.k8s.io/v1.
FIELDS: Final = (
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "regarding.apiVersion",
    "regarding.resourceVersion",
    "regarding.fieldPath",
    "reason",
    "reportingController",
    "type",
)


def converted(obj: Obj, to_version: str) -> Obj:
    """The event as `core` keeps it, or as `v1` of events.k8s.io shows it."""
    names, api_version = (_BACK, "v1") if to_version == CORE else (_NAMES, "events.k8s.io/v1")
    if obj["apiVersion"] == api_version:
        return obj
    return {**{names.get(name, name): value for name, value in obj.items()}, "apiVersion": api_version}
