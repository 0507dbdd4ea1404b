"""What clients send in merge patches without meaning it."""

from __future__ import annotations

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


def without_server_owned_nulls(patch: Obj) -> Obj:
    """The patch without nulls for metadata that only the server writes."""
    metadata = patch.get("metadata")
    if not isinstance(metadata, dict):
        return patch
    kept = {name: value for name, value in metadata.items() if value is not None or name not in SERVER_OWNED}
    return patch if len(kept) == len(metadata) else {**patch, "metadata": kept}
