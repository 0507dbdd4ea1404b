"""The policies and bindings that are configured, compiled once for each change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capstan.api.objects import Obj
from capstan.apiserver.policies.compiled import Compiled, compiled
from capstan.store.entry import Entry

_GROUP = "admissionregistration.k8s.io"
VALIDATING, MUTATING = "validatingadmissionpolicies", "mutatingadmissionpolicies"
_BINDINGS = {VALIDATING: "validatingadmissionpolicybindings", MUTATING: "mutatingadmissionpolicybindings"}
#: Where the store keeps them all.
PREFIXES = tuple(f"{_GROUP}/{plural}" for pair in _BINDINGS.items() for plural in pair)


@dataclass(frozen=True, slots=True)
class Hook:
    """A policy with the bindings that put it to work."""

    policy: Compiled
    bindings: tuple[Obj, ...]


class Policies:
    """What is configured at the moment, in the order of names. Implements `Keeper`."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, Obj]] = {prefix: {} for prefix in PREFIXES}
        self._compiled: dict[tuple[str, str], Compiled] = {}
        self._hooks: dict[str, tuple[Hook, ...]] = {VALIDATING: (), MUTATING: ()}

    def hooks(self, plural: str) -> Sequence[Hook]:
        """The policies of a kind that have bindings."""
        return self._hooks[plural]

    def put(self, entry: Entry) -> None:
        self._objects[entry.prefix][entry.name] = entry.object
        self._compiled.pop((entry.prefix, entry.name), None)

    def remove(self, entry: Entry) -> None:
        self._objects[entry.prefix].pop(entry.name, None)
        self._compiled.pop((entry.prefix, entry.name), None)

    def arrange(self, _: str) -> None:
        """Bindings name policies: a change of either concerns both."""
        for plural, bound in _BINDINGS.items():
            self._hooks[plural] = tuple(self._arranged(f"{_GROUP}/{plural}", f"{_GROUP}/{bound}"))

    def _arranged(self, prefix: str, bound: str) -> list[Hook]:
        bindings: dict[str, list[Obj]] = {}
        for _, binding in sorted(self._objects[bound].items()):
            bindings.setdefault(str((binding.get("spec") or {}).get("policyName")), []).append(binding)
        return [
            Hook(self._policy(prefix, name, policy), tuple(bindings[name]))
            for name, policy in sorted(self._objects[prefix].items())
            if name in bindings
        ]

    def _policy(self, prefix: str, name: str, policy: Obj) -> Compiled:
        key = (prefix, name)
        if key not in self._compiled:
            self._compiled[key] = compiled(policy)
        return self._compiled[key]
