"""Owner references, labels and finalizers: what an object's metadata should be, as new values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from capstan.api.meta import ObjectMeta, OwnerReference, TypedObject
from capstan.api.objects import Obj

T = TypeVar("T", bound=TypedObject)


def group_of(api_version: str) -> str:
    """The group of an apiVersion; empty for the core group."""
    return api_version.rpartition("/")[0]


def owner_reference(api_version: str, kind: str, meta: ObjectMeta, *, controller: bool = False) -> OwnerReference:
    """A reference to an owner; a controlling one also blocks the owner's foreground deletion."""
    return OwnerReference(
        api_version=api_version,
        kind=kind,
        name=meta.name,
        uid=meta.uid,
        controller=True if controller else None,
        block_owner_deletion=True if controller else None,
    )


def owner_object(ref: OwnerReference) -> Obj:
    """The wire form of a reference, for objects that are built as JSON."""
    result: Obj = msgspec.to_builtins(ref)
    return result


def same_owner(a: OwnerReference, b: OwnerReference) -> bool:
    """The same owner, whatever the version of the reference: group, kind and name."""
    return (group_of(a.api_version), a.kind, a.name) == (group_of(b.api_version), b.kind, b.name)


def with_owner(
    refs: Iterable[OwnerReference], wanted: OwnerReference, drop: Callable[[OwnerReference], bool] = lambda _ref: False
) -> tuple[OwnerReference, ...]:
    """The references with `wanted` in the place of an older one to the same owner, without those to drop."""
    kept = tuple(ref for ref in refs if same_owner(ref, wanted) or not drop(ref))
    if any(same_owner(ref, wanted) for ref in kept):
        return tuple(wanted if same_owner(ref, wanted) else ref for ref in kept)
    return (*kept, wanted)


def is_owned_by(meta: ObjectMeta, uid: str) -> bool:
    return any(ref.uid == uid for ref in meta.owner_references)


def owner_of_kind(meta: ObjectMeta, group: str, kind: str) -> OwnerReference | None:
    """The reference to an owner of that kind, if any."""
    return next((r for r in meta.owner_references if r.kind == kind and group_of(r.api_version) == group), None)


def with_metadata(view: T, **changes: Any) -> T:
    """The typed view with some fields of its metadata replaced."""
    return msgspec.structs.replace(view, metadata=msgspec.structs.replace(view.metadata, **changes))


def add_finalizer(view: T, finalizer: str) -> T:
    return with_metadata(view, finalizers=(*view.metadata.finalizers, finalizer))


def drop_finalizer(view: T, finalizer: str) -> T:
    return with_metadata(view, finalizers=tuple(f for f in view.metadata.finalizers if f != finalizer))


def add_labels(view: T, labels: Mapping[str, str]) -> T:
    """The view with these labels; itself when it has them all."""
    if labels.items() <= view.metadata.labels.items():
        return view
    return with_metadata(view, labels={**view.metadata.labels, **labels})


def adopted_object(
    obj: Obj,
    owner: OwnerReference,
    labels: Mapping[str, str],
    drop: Callable[[OwnerReference], bool] = lambda _ref: False,
) -> Obj:
    """A provider's object with `owner` among its references and `labels` set; the same object when it has both."""
    metadata = obj["metadata"]
    refs = tuple(msgspec.convert(ref, OwnerReference) for ref in metadata.get("ownerReferences") or ())
    wanted = with_owner(refs, owner, drop)
    labelled = {**(metadata.get("labels") or {}), **labels}
    if wanted == refs and labelled == (metadata.get("labels") or {}):
        return obj
    return {
        **obj,
        "metadata": {**metadata, "labels": labelled, "ownerReferences": [owner_object(ref) for ref in wanted]},
    }


def controller_uid(obj: Obj) -> str:
    """The uid of the controlling owner of a provider's object; empty without one."""
    refs = obj["metadata"].get("ownerReferences") or ()
    return next((str(ref["uid"]) for ref in refs if ref.get("controller")), "")
