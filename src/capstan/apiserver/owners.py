"""The index of the garbage collector: who owns whom, from the stored objects and kept by their changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from capstan.api.objects import Obj
from capstan.store.entry import Entry

_OWNERS = b'"ownerReferences"'


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is, and which one it is."""

    prefix: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Dependent:
    """An object with owners, as last seen."""

    place: Place
    owners: tuple[Obj, ...]

    def blocks(self, owner_uid: str) -> bool:
        return any(ref.get("uid") == owner_uid and ref.get("blockOwnerDeletion") for ref in self.owners)


def owners_of(metadata: dict[str, Any]) -> tuple[Obj, ...]:
    return tuple(metadata.get("ownerReferences") or ())


def place_of(entry: Entry) -> Place:
    return Place(entry.prefix, entry.namespace, entry.name, entry.object["metadata"].get("uid", ""))


@dataclass(slots=True)
class OwnerIndex:
    """Dependents by their uid, and the uids of the dependents of each owner. Insertion-ordered: equal histories
    give equal orders."""

    _dependents: dict[str, Dependent] = field(default_factory=dict)
    _by_owner: dict[str, dict[str, None]] = field(default_factory=dict)
    _at: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def observe(self, entry: Entry) -> Dependent | None:
        """Take in the present state of an object. Gives it back when its owners are new or other ones."""
        if _OWNERS not in entry.value:
            # Most objects own nothing and are owned by nobody: they are told by their bytes, not decoded.
            known_uid = self._at.get((entry.prefix, entry.namespace, entry.name))
            if known_uid is not None:
                self.remove(known_uid)
            return None
        seen = Dependent(place_of(entry), owners_of(entry.object["metadata"]))
        known = self._dependents.get(seen.place.uid)
        if known == seen:
            return None
        if known is not None:
            self.remove(seen.place.uid)
        if not seen.owners:
            return None
        self._dependents[seen.place.uid] = seen
        self._at[(entry.prefix, entry.namespace, entry.name)] = seen.place.uid
        for ref in seen.owners:
            self._by_owner.setdefault(str(ref.get("uid")), {})[seen.place.uid] = None
        return seen

    def remove(self, uid: str) -> Dependent | None:
        """An object is gone, or has no owners any more."""
        known = self._dependents.pop(uid, None)
        if known is None:
            return None
        self._at.pop((known.place.prefix, known.place.namespace, known.place.name), None)
        for ref in known.owners:
            siblings = self._by_owner.get(str(ref.get("uid")), {})
            siblings.pop(uid, None)
            if not siblings:
                self._by_owner.pop(str(ref.get("uid")), None)
        return known

    @property
    def is_empty(self) -> bool:
        return not self._dependents

    def dependent(self, uid: str) -> Dependent | None:
        return self._dependents.get(uid)

    def dependents(self, owner_uid: str) -> Iterable[Dependent]:
        return [self._dependents[uid] for uid in self._by_owner.get(owner_uid, ())]

    def has_dependents(self, owner_uid: str) -> bool:
        return owner_uid in self._by_owner
