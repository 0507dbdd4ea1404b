"""The policies and bindings that are configured, compiled once for each change and kept by watches of the store."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from capstan.api.objects import Obj
from capstan.apiserver.policies.compiled import Compiled, compiled
from capstan.store.entry import Entry
from capstan.store.protocol import CompactedError, Store

log = logging.getLogger(__name__)

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
    """What is configured at the moment, in the order of names."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after: dict[str, int] = {}
        self._objects: dict[str, dict[str, Obj]] = {prefix: {} for prefix in PREFIXES}
        self._compiled: dict[tuple[str, str], Compiled] = {}
        self._hooks: dict[str, tuple[Hook, ...]] = {VALIDATING: (), MUTATING: ()}

    def hooks(self, plural: str) -> Sequence[Hook]:
        """The policies of a kind that have bindings."""
        return self._hooks[plural]

    async def load(self) -> None:
        for prefix in PREFIXES:
            await self._read(prefix)

    async def follow(self, prefix: str) -> None:
        """Until cancelled: the changes of one of PREFIXES since `load`."""
        while True:
            subscription = await self._store.watch(prefix, self._after[prefix])
            try:
                while True:
                    for change in await subscription.next():
                        self._take(prefix, change.entry, deleted=change.deleted)
                    self._arrange()
            except CompactedError:
                log.warning("%s are read again: their history was compacted", prefix)
                await self._read(prefix)
            finally:
                subscription.close()

    async def _read(self, prefix: str) -> None:
        self._after[prefix] = self._store.revision
        self._objects[prefix] = {}
        for entry in (await self._store.list(prefix)).entries:
            self._take(prefix, entry, deleted=False)
        self._arrange()

    def _take(self, prefix: str, entry: Entry, *, deleted: bool) -> None:
        if deleted:
            self._objects[prefix].pop(entry.name, None)
        else:
            self._objects[prefix][entry.name] = entry.object
        self._compiled.pop((prefix, entry.name), None)

    def _arrange(self) -> None:
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
