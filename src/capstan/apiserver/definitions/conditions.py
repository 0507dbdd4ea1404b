"""What the status of a definition says: the names that it got, whether it is served, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from capstan.api.objects import Obj
from capstan.apiserver.definitions.approval import approval_of, is_protected
from capstan.apiserver.definitions.structural import structural_faults
from capstan.apiserver.validation.fielderror import quoted

_APPROVAL = "KubernetesAPIApprovalPolicyConformant"
_APPROVAL_REASONS = {
    "Missing": ("False", "MissingAnnotation"),
    "Invalid": ("False", "InvalidAnnotation"),
    "Bypassed": ("False", "UnapprovedAnnotation"),
    "Approved": ("True", "ApprovedAnnotation"),
}


@dataclass(slots=True)
class TakenNames:
    """The names that the other kinds of a group have: as resources (plural, singular, short) and as kinds."""

    resources: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)

    def add(self, names: Mapping[str, Any]) -> None:
        """`names` has the shape of `spec.names`."""
        self.resources.update((names.get("plural", ""), names.get("singular", ""), *(names.get("shortNames") or ())))
        self.kinds.update((names.get("kind", ""), names.get("listKind", "")))


def defined_status(crd: Obj, taken: TakenNames, now: datetime) -> Obj:
    """The status of a definition that is not being deleted. What has not changed keeps its time."""
    old = crd.get("status") or {}
    names, clash = accepted_names(crd["spec"]["names"], old.get("acceptedNames") or {}, taken)
    made = [_names_condition(clash), _established(old, not clash), *_structure(crd), *_approval(crd)]
    status = {
        **old,
        "acceptedNames": names,
        "conditions": with_conditions(old.get("conditions") or (), made, now, ("NonStructuralSchema",)),
        "storedVersions": stored_versions(crd),
    }
    generation = (crd.get("metadata") or {}).get("generation")
    return {**status, "observedGeneration": generation} if generation else status


def accepted_names(wanted: Obj, had: Obj, taken: TakenNames) -> tuple[Obj, tuple[str, str] | None]:
    """The names that a definition gets, and reason and message of the last one that it does not. It keeps what it
    had before where it cannot have what it wants."""
    got: dict[str, Any] = {"plural": "", "kind": "", **had}
    clash: tuple[str, str] | None = None
    for name, reason in (("plural", "PluralConflict"), ("singular", "SingularConflict")):
        if wanted.get(name) != had.get(name) and wanted.get(name) in taken.resources:
            clash = (reason, f"{quoted(wanted[name])} is already in use")
        else:
            got[name] = wanted.get(name, "")
    mine = had.get("shortNames") or ()
    used = [s for s in wanted.get("shortNames") or () if s not in mine and s in taken.resources]
    if used:
        texts = [f"{quoted(s)} is already in use" for s in used]
        clash = ("ShortNamesConflict", texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    else:
        got["shortNames"] = wanted.get("shortNames")
    for name, reason in (("kind", "KindConflict"), ("listKind", "ListKindConflict")):
        if wanted.get(name) != had.get(name) and wanted.get(name) in taken.kinds:
            clash = (reason, f"{quoted(wanted[name])} is already in use")
        else:
            got[name] = wanted.get(name, "")
    got["categories"] = wanted.get("categories")
    order = ("plural", "singular", "shortNames", "kind", "listKind", "categories")
    return {n: got[n] for n in order if got.get(n) or n in ("plural", "kind")}, clash


def stored_versions(crd: Obj) -> list[str]:
    """The versions that objects may be kept in: those that were, and the one that is the storage version now."""
    stored = list((crd.get("status") or {}).get("storedVersions") or ())
    storage = next((v["name"] for v in crd["spec"].get("versions") or () if v.get("storage")), "")
    return [*stored, storage] if storage and storage not in stored else stored


def is_true(crd: Obj, type_: str) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == type_ and c.get("status") == "True" for c in conditions)


def terminating(crd: Obj, true: bool, reason: str, message: str, now: datetime) -> Obj:
    """The status of a definition that is being deleted."""
    old = crd.get("status") or {}
    condition = _condition("Terminating", "True" if true else "False", reason, message)
    return {**old, "conditions": with_conditions(old.get("conditions") or (), [condition], now)}


def with_conditions(old: Iterable[Obj], made: list[Obj], now: datetime, transient: Iterable[str] = ()) -> list[Obj]:
    """The conditions with new ones in their places. Those of `transient` types go when they were not made again."""
    before: dict[str, Obj] = {c.get("type", ""): c for c in old}
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for condition in made:
        known = before.get(condition["type"])
        kept = known is not None and known.get("status") == condition["status"]
        condition["lastTransitionTime"] = known.get("lastTransitionTime", stamp) if known and kept else stamp
    types = {condition["type"]: condition for condition in made}
    kept_types = [t for t in before if t in types or t not in transient]
    return [*(types.pop(t, before[t]) for t in kept_types), *types.values()]


def _condition(type_: str, status: str, reason: str, message: str) -> Obj:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def _names_condition(clash: tuple[str, str] | None) -> Obj:
    if clash is None:
        return _condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")
    return _condition("NamesAccepted", "False", *clash)


def _established(old: Obj, accepted: bool) -> Obj:
    # Once established a definition stays so, even when a later rename clashes.
    if accepted or is_true({"status": old}, "Established"):
        return _condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted")
    return _condition("Established", "False", "NotAccepted", "not all names are accepted")


def _structure(crd: Obj) -> Iterator[Obj]:
    """A definition that was stored by other means than this server may have schemas that are not structural."""
    if (crd.get("status") or {}).get("observedGeneration") == crd.get("metadata", {}).get("generation", 0):
        known = [c for c in crd["status"].get("conditions") or () if c.get("type") == "NonStructuralSchema"]
        yield from ({k: v for k, v in c.items() if k != "lastTransitionTime"} for c in known)
        return
    texts = []
    if crd["spec"].get("preserveUnknownFields"):
        texts.append("spec.preserveUnknownFields: Invalid value: true: must be false")
    for index, version in enumerate(crd["spec"].get("versions") or ()):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if isinstance(schema, dict):
            faults = structural_faults(schema, f"spec.versions[{index}].schema.openAPIV3Schema")
            texts += [f"{fault.field}: {fault.message}" for fault in faults]
    if texts:
        message = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        yield _condition("NonStructuralSchema", "True", "Violations", message)


def _approval(crd: Obj) -> Iterator[Obj]:
    if is_protected(crd["spec"].get("group") or ""):
        state, message = approval_of(crd)
        yield _condition(_APPROVAL, *_APPROVAL_REASONS[state], message)
