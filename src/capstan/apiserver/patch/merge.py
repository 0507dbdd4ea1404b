"""JSON merge patch (RFC 7386): what a partial document makes of a whole one."""

from __future__ import annotations

from typing import Any

from capstan.api.objects import Obj

#: Metadata that only the server writes. Clients that encode zero values send them as null in patches
#: (kubectl up to 1.33: `creationTimestamp: null`); such a null says nothing and is dropped.
SERVER_OWNED = frozenset(
    {
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """`target` after `patch`; unchanged subtrees are shared, and an empty patch gives `target` itself."""
    if not isinstance(patch, dict):
        return patch
    if not isinstance(target, dict):
        return _without_nulls(patch)
    merged = target
    for name, change in patch.items():
        old = target.get(name, _ABSENT)
        if change is None:
            if old is not _ABSENT:
                merged = _own(merged, target)
                del merged[name]
            continue
        new = apply_merge_patch(None if old is _ABSENT else old, change)
        if new is not old:
            merged = _own(merged, target)
            merged[name] = new
    return merged


def without_server_owned_nulls(patch: Obj) -> Obj:
    """The patch without nulls for metadata that only the server writes."""
    metadata = patch.get("metadata")
    if not isinstance(metadata, dict):
        return patch
    kept = {name: value for name, value in metadata.items() if value is not None or name not in SERVER_OWNED}
    return patch if len(kept) == len(metadata) else {**patch, "metadata": kept}


class _Absent:
    """The value of a key that is not there; null is one that is."""


_ABSENT = _Absent()


def _own(merged: Obj, target: Obj) -> Obj:
    return dict(target) if merged is target else merged


def _without_nulls(patch: Obj) -> Obj:
    return {n: _without_nulls(v) if isinstance(v, dict) else v for n, v in patch.items() if v is not None}
