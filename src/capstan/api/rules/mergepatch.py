"""JSON merge patch (RFC 7386): what a partial document makes of a whole one."""

from __future__ import annotations

from typing import Any, Final

#: The value of a key that is not there; null is one that is.
_ABSENT: Final = object()


def merge_patch(document: Any, patch: Any) -> Any:
    """The document after a patch: null removes, lists are replaced. Neither argument is changed; unchanged subtrees
    are shared, and a patch that says nothing gives `document` itself."""
    if not isinstance(patch, dict):
        return patch
    if not isinstance(document, dict):
        return _without_nulls(patch)
    merged = document
    for name, change in patch.items():
        old = document.get(name, _ABSENT)
        if change is None:
            if old is not _ABSENT:
                merged = _own(merged, document)
                del merged[name]
            continue
        new = merge_patch(None if old is _ABSENT else old, change)
        if new is not old:
            merged = _own(merged, document)
            merged[name] = new
    return merged


def _own(merged: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    return dict(document) if merged is document else merged


def _without_nulls(patch: dict[str, Any]) -> dict[str, Any]:
    return {n: _without_nulls(v) if isinstance(v, dict) else v for n, v in patch.items() if v is not None}
