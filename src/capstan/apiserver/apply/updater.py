"""The rules of ownership: what a write of one manager does to the sets of all, and what an apply makes of an object.

They are those of Kubernetes' structured merge: a write takes the fields that it changes from whoever had them; an
apply owns what its configuration says, conflicts where another owns a field with a different value, and
removes what it stated before and nobody states any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from capstan.api.objects import Obj
from capstan.apiserver.apply import fieldset
from capstan.apiserver.apply.compare import Comparison, compare
from capstan.apiserver.apply.configured import field_set, reconciled, with_named
from capstan.apiserver.apply.conflicts import Conflict, ConflictError
from capstan.apiserver.apply.fieldset import EMPTY, Fields, difference, intersection, union
from capstan.apiserver.apply.managers import Identity, Managed, Managers
from capstan.apiserver.apply.merge import merge, remove
from capstan.apiserver.apply.types import FieldType


class NoSuchVersion(Exception):
    """An entry names a version that is no longer served; it is dropped."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of one kind: the type of each, and objects from one to another. Both raise NoSuchVersion.
    `counted` is what of a set counts where the write goes: the main endpoint cannot change the status. `compare`
    can remember what it found."""

    type_of: Callable[[str], FieldType]
    convert: Callable[[Obj, str], Obj]
    counted: Callable[[str, Fields], Fields] = field(default=lambda _version, fields: fields)
    compare: Callable[[FieldType, Obj, Obj], Comparison] = compare


@dataclass(frozen=True, slots=True)
class Updater:
    """The rules for writes to one kind."""

    versions: Versions

    def update(self, old: Obj, new: Obj, managers: Managers, writer: Managed) -> Managers:
        """The managers after a plain write. `writer` has no fields yet: it gets what differs between `old`
        (empty for a create) and `new`, both in its version."""
        others, changes = self._taken(old, new, managers, writer, force=True)
        owned = others.get(writer.identity)
        base = EMPTY if owned is None else owned.fields
        mine = union(changes.modified, changes.added)
        rest = difference(base, changes.removed)
        result = dict(others)
        result.pop(writer.identity, None)
        if mine:
            result[writer.identity] = replace(writer, fields=union(rest, mine))
        elif rest and owned is not None:
            result[writer.identity] = owned.with_fields(rest)
        return result

    def apply(self, live: Obj, config: Obj, managers: Managers, applier: Managed, force: bool) -> tuple[Obj, Managers]:
        """The object and the managers after an apply of `config`; all in the applier's version. Raises
        ConflictError."""
        kind = self.versions.type_of(applier.api_version)
        managers = self._reconciled(managers)
        last = managers.get(applier.identity)
        stated = self.versions.counted(applier.api_version, field_set(kind, config))
        now: dict[Identity, Managed] = {**managers, applier.identity: replace(applier, fields=stated)}
        merged = merge(kind, live, config)
        # What is stated as empty owns nothing that would keep it: it is put back.
        pruned = merged if last is None else merge(kind, self._pruned(merged, now, last, applier), config)
        after, _ = self._taken(live, pruned, now, applier, force=force)
        return pruned, after

    def _taken(
        self, old: Obj, new: Obj, managers: Managers, writer: Managed, *, force: bool
    ) -> tuple[dict[Identity, Managed], Comparison]:
        """The managers without what a write takes from them, and what it changes. Without force it takes nothing."""
        compared = {writer.api_version: self._compared(old, new, writer.api_version)}
        result: dict[Identity, Managed] = {}
        conflicts: list[Conflict] = []
        for identity, managed in managers.items():
            if identity == writer.identity:
                result[identity] = managed
                continue
            version = managed.api_version
            try:
                changes = compared.get(version) or self._compared_in(old, new, version, compared)
            except NoSuchVersion:
                continue
            taken = intersection(managed.fields, union(changes.modified, changes.added))
            if taken and not force:
                conflicts += [Conflict(managed, path) for path in fieldset.paths(taken)]
            result[identity] = managed.with_fields(difference(difference(managed.fields, taken), changes.removed))
        if conflicts:
            raise ConflictError(sorted(conflicts, key=lambda c: c.manager.identity))
        return {identity: managed for identity, managed in result.items() if managed.fields}, compared[
            writer.api_version
        ]

    def _compared(self, old: Obj, new: Obj, version: str) -> Comparison:
        changes = self.versions.compare(self.versions.type_of(version), old, new)
        removed, modified, added = changes.removed, changes.modified, changes.added
        counted = self.versions.counted
        return Comparison(counted(version, removed), counted(version, modified), counted(version, added))

    def _compared_in(self, old: Obj, new: Obj, version: str, compared: dict[str, Comparison]) -> Comparison:
        before = self.versions.convert(old, version) if old else old
        compared[version] = self._compared(before, self.versions.convert(new, version), version)
        return compared[version]

    def _reconciled(self, managers: Managers) -> Managers:
        """Entries as the present schema sees them; those of versions that are gone are dropped."""
        result: dict[Identity, Managed] = {}
        for identity, managed in managers.items():
            try:
                kind = self.versions.type_of(managed.api_version)
            except NoSuchVersion:
                continue
            result[identity] = managed.with_fields(reconciled(kind, managed.fields))
        return result

    def _pruned(self, merged: Obj, managers: Managers, last: Managed, applier: Managed) -> Obj:
        """`merged` without what the applier stated last time, does not state now, and nobody else owns."""
        if not last.fields:
            return merged
        version = last.api_version
        try:
            there = self.versions.convert(merged, version)
            kind = self.versions.type_of(version)
        except NoSuchVersion:
            return merged
        stated = with_named(kind, last.fields)
        pruned = remove(kind, there, stated)
        pruned = self._with_owned(there, pruned, version, managers)
        pruned = self._with_dangling(there, self._in(pruned, version, there), version, stated)
        return self.versions.convert(pruned, applier.api_version)

    def _in(self, obj: Obj, version: str, otherwise: Obj) -> Obj:
        try:
            return self.versions.convert(obj, version)
        except NoSuchVersion:
            return otherwise

    def _with_owned(self, merged: Obj, pruned: Obj, first: str, managers: Managers) -> Obj:
        """What was taken out comes back where any manager owns it. The version that it was taken out in goes
        first: what conversions need is back before they are asked."""
        owned: dict[str, Fields] = {}
        for managed in managers.values():
            owned[managed.api_version] = union(owned.get(managed.api_version, EMPTY), managed.fields)
        for version in sorted(owned, key=lambda v: (v != first, v)):
            try:
                kind = self.versions.type_of(version)
                merged, pruned = self.versions.convert(merged, version), self.versions.convert(pruned, version)
            except NoSuchVersion:
                continue
            has = with_named(kind, field_set(kind, pruned))
            kept = union(has, with_named(kind, owned[version]))
            lost = difference(with_named(kind, field_set(kind, merged)), kept)
            pruned = remove(kind, merged, lost)
        return pruned

    def _with_dangling(self, merged: Obj, pruned: Obj, version: str, stated: Fields) -> Obj:
        """Only what the applier stated itself may go: items that lie in others and are nobody's stay."""
        kind = self.versions.type_of(version)
        before = with_named(kind, field_set(kind, merged))
        after = with_named(kind, field_set(kind, pruned))
        return remove(kind, merged, intersection(difference(before, after), stated)) if before is not after else merged
