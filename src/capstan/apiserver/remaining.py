"""What the conditions of a namespace that is being deleted say: what is left in it, who holds it, what failed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capstan.api.objects import Obj
from capstan.apiserver.resources import Served
from capstan.store.entry import Entry

#: type -> (reason, message) when there is nothing to say.
_FINE = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}


@dataclass(frozen=True, slots=True)
class Remaining:
    """Objects that are left, by their kind, and why some could not even be asked to go."""

    objects: Sequence[tuple[Served, Sequence[Entry]]]
    failures: Sequence[str] = ()

    def faults(self) -> Mapping[str, tuple[str, str]]:
        """type -> (reason, message) of the conditions that are true."""
        found: dict[str, tuple[str, str]] = {}
        if self.failures:
            shown = f"[{', '.join(self.failures)}]" if len(self.failures) > 1 else self.failures[0]
            text = f"Failed to delete all resource types, {len(self.failures)} remaining: {shown}"
            found["NamespaceDeletionContentFailure"] = ("ContentDeletionFailed", text)
        if self.objects:
            found["NamespaceContentRemaining"] = (
                "SomeResourcesRemain",
                f"Some resources are remaining: {', '.join(sorted(self._counts()))}",
            )
        held = self._held()
        if held:
            shown = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(held.items()))
            text = f"Some content in the namespace has finalizers remaining: {shown}"
            found["NamespaceFinalizersRemaining"] = ("SomeFinalizersRemain", text)
        return found

    def _counts(self) -> Iterator[str]:
        for served, left in self.objects:
            yield f"{served.plural}.{served.group} has {len(left)} resource instances"

    def _held(self) -> Mapping[str, int]:
        held: dict[str, int] = {}
        for _, left in self.objects:
            for entry in left:
                for finalizer in entry.object["metadata"].get("finalizers") or ():
                    held[finalizer] = held.get(finalizer, 0) + 1
        return held


def with_conditions(namespace: Obj, remaining: Remaining, now: str) -> Obj:
    """The namespace with all five conditions; one that stays as it was keeps its time."""
    status = namespace.get("status") or {}
    present: dict[str, dict[str, Any]] = {c["type"]: c for c in status.get("conditions") or () if c.get("type")}
    faults = remaining.faults()
    for kind, fine in _FINE.items():
        reason, message = faults.get(kind, fine)
        state = "True" if kind in faults else "False"
        before = present.get(kind, {})
        since = before.get("lastTransitionTime") if before.get("status") == state else now
        present[kind] = {
            "type": kind,
            "status": state,
            "lastTransitionTime": since,
            "reason": reason,
            "message": message,
        }
    return {**namespace, "status": {**status, "conditions": list(present.values())}}
