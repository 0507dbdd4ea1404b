"""Who owns which field in the small world, by the API server's own rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from capstan.api.crd import crd_of
from capstan.api.objects import GroupKind, Obj
from capstan.api.rules.owners import group_of
from capstan.api.rules.takeover import handed_over
from capstan.api.scheme import SCHEME
from capstan.api.verbs import Handover
from capstan.apiserver.apply.fieldset import EMPTY
from capstan.apiserver.apply.managers import BEFORE_FIRST_APPLY, Managed, Managers, decode, encode
from capstan.apiserver.apply.types import FieldType, type_of
from capstan.apiserver.apply.updater import Updater, Versions

#: Who writes by plain patches: Capstan, and a user.
CAPSTAN, USER = "capstan", "kubectl-edit"


@lru_cache
def _type(kind: GroupKind) -> FieldType:
    known = SCHEME.by_kind(kind.group, kind.kind)
    if known is None:
        return type_of(None)
    versions = crd_of(known)["spec"]["versions"]
    return type_of(next(v for v in versions if v["storage"])["schema"]["openAPIV3Schema"])


def _updater(obj: Obj) -> Updater:
    kind = _type(GroupKind(group_of(obj["apiVersion"]), obj["kind"]))
    return Updater(Versions(type_of=lambda _version: kind, convert=lambda found, _version: found))


def _managers(obj: Obj) -> Managers:
    return decode(list(obj["metadata"].get("managedFields") or ()))


def _with(obj: Obj, managers: Managers) -> Obj:
    metadata = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
    if managers:
        metadata["managedFields"] = encode(managers)
    return {**obj, "metadata": metadata}


def written(old: Obj | None, new: Obj, manager: str) -> Obj:
    """The new state of an object with its owners after a plain write. An object that has none gets none."""
    if old is not None and not old["metadata"].get("managedFields"):
        return new
    writer = Managed(manager, "Update", new["apiVersion"], EMPTY)
    return _with(new, _updater(new).update(old or {}, new, {} if old is None else _managers(old), writer))


def applied(live: Obj | None, intent: Obj, manager: str, handover: Handover | None = None) -> Obj:
    """What an apply by force makes of an object, or of nothing."""
    updater = _updater(intent)
    applier = Managed(manager, "Apply", intent["apiVersion"], EMPTY)
    if live is None:
        base: dict[str, Any] = {"apiVersion": intent["apiVersion"], "kind": intent["kind"], "metadata": {}}
        made = _with(*updater.apply(base, intent, {}, applier, force=True))
        if handover is not None:
            made["metadata"]["managedFields"] = handed_over(made["metadata"]["managedFields"], manager, handover)
        return made
    managers = _managers(live)
    if not managers:
        first = Managed(BEFORE_FIRST_APPLY, "Update", live["apiVersion"], EMPTY)
        managers = updater.update({}, live, managers, first)
    return _with(*updater.apply(live, intent, managers, applier, force=True))
