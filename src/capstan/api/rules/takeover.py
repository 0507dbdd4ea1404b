"""Who owns which field of an object that others made: what has to be put right before a manager applies to it.

Three things come before the first apply. A server that finds no owners takes everything for somebody else's, under
the name `before-first-apply`, and then nothing ever leaves; so that name goes, and the manager gets an entry
(cluster-api-core.md 0.4). Labels and annotations of provider objects belong to a manager of their own, which older
releases did not have. And earlier releases of Capstan wrote with plain patches and listed in an annotation which keys
they had taken over: these become the manager's, and leave with its next apply when they are no longer wanted. Who moves
objects to another cluster (`clusterctl move`) owns all of them there; what flows becomes the manager's, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

from capstan.api.objects import Obj
from capstan.api.rules.applied import SELF, Fields, entry_of
from capstan.api.verbs import Handover

#: Of earlier releases: `labels=a,b;annotations=c`.
RECORD_ANNOTATION: Final = "capstan.dev/followed-metadata"

BEFORE_FIRST_APPLY: Final = "before-first-apply"
_CLUSTER_NAME: Final = "f:cluster.x-k8s.io/cluster-name"
#: Who wrote everything of an object that nobody has applied to: Capstan once, and whoever moves objects.
_PREDECESSORS: Final = frozenset(("capstan", "clusterctl"))
#: Who wrote plainly what is applied now: besides these, upstream's releases before 1.12.
_PLAIN_WRITERS: Final = frozenset((*_PREDECESSORS, "manager"))

#: An entry must own something: what nobody can own is forgotten by the next apply.
_SEED: Fields = {"f:metadata": {"f:name": {}}}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a manager takes over from those who wrote it before: nothing, or the labels and annotations that it states
    or that an older record lists, and more. `in_place` are fields that only this manager changes; `maker` is who made
    the object by an apply, and leaves labels and annotations to the manager."""

    in_place: tuple[Path, ...] = ()
    maker: str = ""


def put_right(have: Obj, intent: Obj, manager: str, claim: Claim) -> tuple[Obj, ...] | None:
    """The managedFields that the object needs before the intent is applied to it; None when they are as they should
    be."""
    metadata = have["metadata"]
    entries: list[Obj] = list(metadata.get("managedFields") or ())
    kept = [entry for entry in entries if entry.get("manager") != BEFORE_FIRST_APPLY]
    mine = entry_of(metadata, manager)
    claimed = _recorded(metadata) if claim.in_place or claim.maker else {}
    if claimed:
        kept = [_released(entry, claimed) if entry.get("operation") == "Update" else entry for entry in kept]
    if claim.maker and (marks := _left_by(metadata, claim.maker, intent["metadata"])):
        kept = [_left(entry, marks, claim.maker) for entry in kept]
        claimed = _union(claimed, marks)
    if mine is None and (claim.in_place or claim.maker):
        flowing = _union(_marks(intent["metadata"]), _tree(claim.in_place))
        left = [_common(entry["fieldsV1"], flowing) if _is_predecessor(entry) else {} for entry in kept]
        kept = [_released(entry, fields) for entry, fields in zip(kept, left, strict=True)]
        claimed = reduce(_union, left, claimed)
    if entries and len(kept) == len(entries) and not claimed:
        return None
    kept = [entry for entry in kept if entry.get("fieldsV1") and entry is not mine]
    if mine is None:
        mine = _entry(manager, intent["apiVersion"], claimed or _SEED)
    elif claimed:
        mine = {**mine, "fieldsV1": _union(mine["fieldsV1"], claimed)}
    return (mine, *kept)


def handed_over(entries: Iterable[Obj], maker: str, handover: Handover) -> list[Obj]:
    """The managedFields of an object that was just made by an apply, when its labels and annotations are not its
    maker's: those that the other manager states are its own, the rest is nobody's."""
    marks = _marks(handover.metadata)
    kept = [_without_marks(entry) if _is_apply_of(entry, maker) else entry for entry in entries]
    made = next((entry for entry in kept if _is_apply_of(entry, maker)), None)
    if made is None or not marks:
        return kept
    return [{**made, "manager": handover.manager, "fieldsV1": marks}, *kept]


def _is_apply_of(entry: Obj, manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")


def _entry(manager: str, api_version: str, fields: Fields) -> Obj:
    return {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def _marks(metadata: Mapping[str, Any]) -> Fields:
    """The labels and annotations that are stated, as a set of fields."""
    nodes: Fields = {
        f"f:{what}": {f"f:{name}": {} for name in sorted(metadata[what])}
        for what in ("annotations", "labels")
        if metadata.get(what)
    }
    return {"f:metadata": nodes} if nodes else {}


def _recorded(metadata: Mapping[str, Any]) -> Fields:
    """What the annotation of earlier releases lists, and itself."""
    annotations = metadata.get("annotations") or {}
    record = annotations.get(RECORD_ANNOTATION)
    if record is None:
        return {}
    parts = dict(part.split("=", 1) for part in record.split(";") if "=" in part)
    have = {
        what: [
            name for name in (*parts.get(what, "").split(","), RECORD_ANNOTATION) if name in (metadata.get(what) or {})
        ]
        for what in ("labels", "annotations")
    }
    return _marks(have)


def _left_by(metadata: Mapping[str, Any], maker: str, stated: Mapping[str, Any]) -> Fields:
    """The labels and annotations that the manager gets from the object's maker, when that still owns them (the
    cluster's name is always among them): those that are stated. A maker who owns nothing but labels and annotations
    has applied them for this very purpose, and leaves them all."""
    entry = entry_of(metadata, maker)
    fields: Fields = (entry or {}).get("fieldsV1") or {}
    owned = fields.get("f:metadata") or {}
    if _CLUSTER_NAME not in (owned.get("f:labels") or {}):
        return {}
    marks = _marks(stated)
    if fields.keys() != {"f:metadata"}:
        return marks
    return _union({"f:metadata": {what: owned[what] for what in ("f:annotations", "f:labels") if what in owned}}, marks)


def _left(entry: Obj, marks: Fields, maker: str) -> Obj:
    """An entry without the labels and annotations that go to their own manager."""
    if _is_apply_of(entry, maker):
        return _without_marks(entry)
    is_plain = entry.get("operation") == "Update" and entry.get("manager") in _PLAIN_WRITERS
    return _released(entry, marks) if is_plain else entry


def _without_marks(entry: Obj) -> Obj:
    fields: Fields = entry.get("fieldsV1") or {}
    inner = {k: v for k, v in (fields.get("f:metadata") or {}).items() if k not in ("f:labels", "f:annotations")}
    rest = {k: v for k, v in fields.items() if k != "f:metadata"}
    return {**entry, "fieldsV1": {"f:metadata": inner, **rest} if inner else rest}


def _is_predecessor(entry: Obj) -> bool:
    return entry.get("operation") == "Update" and entry.get("manager") in _PREDECESSORS and not entry.get("subresource")


def _tree(paths: Iterable[Path]) -> Fields:
    found: Fields = {}
    for path in paths:
        node: Fields = {}
        for name in reversed(path):
            node = {f"f:{name}": node}
        found = _union(found, node)
    return found


def _common(owned: Fields, wanted: Fields) -> Fields:
    """What is owned of all that lies in and below the leaves of `wanted`."""
    found: Fields = {}
    for name, node in wanted.items():
        part = None if name not in owned else _common(owned[name], node) if node else owned[name]
        if part or (part is not None and not node):
            found[name] = part
    return found


def _released(entry: Obj, fields: Fields) -> Obj:
    if entry.get("subresource") or not fields:
        return entry
    return {**entry, "fieldsV1": _difference(entry.get("fieldsV1") or {}, fields)}


def _difference(a: Fields, b: Fields) -> Fields:
    """`a` without the leaves of `b`, and without what then holds nothing."""
    result: Fields = {}
    for name, node in a.items():
        if name not in b:
            result[name] = node
        elif name != SELF and b[name] and (rest := _difference(node, b[name])):
            result[name] = rest
    return {} if result.keys() == {SELF} else result


def _union(a: Fields, b: Fields) -> Fields:
    return {**a, **{name: _union(a.get(name) or {}, node) for name, node in b.items()}}
