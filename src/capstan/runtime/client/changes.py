"""What differs between two states of one object, as the merge patches that carry it."""

from __future__ import annotations

from dataclasses import dataclass

from capstan.api.objects import Obj
from capstan.api.struct import merge_diff

#: Written by the server alone; a difference in them is none of ours.
SERVER_FIELDS = ("resourceVersion", "generation", "managedFields", "creationTimestamp", "uid", "selfLink")


@dataclass(frozen=True, slots=True)
class Changes:
    """`patch` is for the object (without its status), `status` for its status subresource."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    patch: Obj
    status: Obj

    @property
    def empty(self) -> bool:
        return not self.patch and not self.status

    def patch_with_preconditions(self, patch: Obj | None = None, resource_version: str = "") -> Obj:
        """A patch that only holds for the object that was looked at: uid, and resourceVersion where guarded."""
        body = self.patch if patch is None else patch
        metadata = dict(body.get("metadata", {}))
        if self.uid:
            metadata["uid"] = self.uid
        revision = resource_version or self.resource_version
        if revision:
            metadata["resourceVersion"] = revision
        return {**body, "metadata": metadata} if metadata else body


def changes(before: Obj, after: Obj, *, guarded: bool) -> Changes:
    """The changes from `before` to `after`. Neither is changed; absent and empty maps are the same."""
    metadata = before["metadata"]
    patch = merge_diff(_writable(before), _writable(after))
    status = merge_diff(before.get("status") or {}, after.get("status") or {})
    return Changes(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        resource_version=metadata.get("resourceVersion", "") if guarded else "",
        patch=patch,
        status={"status": status} if status else {},
    )


def _writable(obj: Obj) -> Obj:
    kept = {name: value for name, value in obj.items() if name not in ("status", "apiVersion", "kind")}
    kept["metadata"] = {name: value for name, value in obj["metadata"].items() if name not in SERVER_FIELDS}
    return kept
