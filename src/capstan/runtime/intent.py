"""What a manager states of an object that is there: whether it holds already, and else the apply that makes it hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from capstan.api.meta import TypedObject
from capstan.api.objects import Obj, Resource
from capstan.api.rules.applied import is_applied
from capstan.api.rules.owners import owner_object
from capstan.api.rules.takeover import Claim, put_right
from capstan.api.struct import encode
from capstan.runtime.plan import Apply, Emit

_ITS_OWN = Claim()


def plan_apply(
    resource: Resource,
    before: Obj,
    intent: Obj,
    manager: str,
    reason: str,
    *,
    claim: Claim = _ITS_OWN,
    part: str = "",
    on_failure: Emit | None = None,
) -> Iterator[Apply]:
    """At most one apply. `before` is what was observed (see `shown`), `intent` is all that the manager states."""
    owners = put_right(before, intent, manager, claim)
    if owners is None and is_applied(before, intent, manager):
        return
    metadata = before["metadata"]
    yield Apply(
        resource=resource,
        object=intent,
        manager=manager,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        owners=owners,
        reason=reason,
        part=part,
        on_failure=on_failure,
    )


def shown(view: TypedObject, spec: Any) -> Obj:
    """What of a typed view an intent is held against: its spec, and its metadata without names and times."""
    meta = view.metadata
    metadata: Obj = {
        "uid": meta.uid,
        "resourceVersion": meta.resource_version,
        "labels": meta.labels,
        "annotations": meta.annotations,
        "finalizers": list(meta.finalizers),
        "ownerReferences": [owner_object(ref) for ref in meta.owner_references],
        "managedFields": meta.managed_fields,
    }
    return {"metadata": metadata, "spec": encode(spec)}


def stated(value: Any) -> Any:
    """A value without what is empty: that is not stated at all."""
    if isinstance(value, dict):
        found = {name: stated(part) for name, part in value.items()}
        return {name: part for name, part in found.items() if part not in (None, {}, [])}
    return [stated(item) for item in value] if isinstance(value, list) else value
