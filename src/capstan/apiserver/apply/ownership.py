"""Who owns which field, kept on every write of one server: what a write does to metadata.managedFields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypeVar

import msgspec
import orjson
from msgspec import structs

from capstan.api.errors import bad_request
from capstan.api.objects import Obj
from capstan.api.verbs import WriteOptions
from capstan.apiserver.apply.compare import Comparison, compare
from capstan.apiserver.apply.configured import faults
from capstan.apiserver.apply.conflicts import ConflictError
from capstan.apiserver.apply.elements import FieldsError
from capstan.apiserver.apply.fieldset import EMPTY, Fields, union
from capstan.apiserver.apply.lastapplied import allowed_conflicts, with_annotation, without_allowed
from capstan.apiserver.apply.managers import (
    BEFORE_FIRST_APPLY,
    MAX_UPDATERS,
    Managed,
    Managers,
    capped,
    decode,
    encode,
    equal_but_for_time,
    is_reset,
    renewed,
)
from capstan.apiserver.apply.types import FieldType, type_of
from capstan.apiserver.apply.updater import NoSuchVersion, Updater, Versions
from capstan.apiserver.conversion import converted
from capstan.apiserver.patch.mergekeys import builtin_rules
from capstan.apiserver.resources import Served, Target

#: The manager of writes that come from this process and name none.
OWN_MANAGER = "capstan"
KUBECTL = "kubectl"
MAX_MANAGER = 128

_STATUS = "f:status"
_MAX_CONVERSIONS = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply makes of an object, in the version of the request, and who owns what then."""

    object: Obj
    managers: Managers


class Write(msgspec.Struct, frozen=True):
    """What a write is about: the kind in the version of the request, its options, and the subresource that it is
    recorded under (`*` for one that changes all at once)."""

    target: Target
    options: WriteOptions
    subresource: str


class _Outside(Exception):
    """An object has to be converted outside of the process before the rules can go on."""

    def __init__(self, key: bytes, obj: Obj, version: str) -> None:
        super().__init__(version)
        self.key = key
        self.obj = obj
        self.version = version


@dataclass(slots=True)
class _Conversions:
    """Objects of one kind in other versions. What a webhook converts is fetched between two runs of the rules."""

    served: Served
    found: dict[bytes, Obj] = field(default_factory=dict)
    compared: tuple[FieldType, Obj, Obj, Comparison] | None = None

    def compare(self, kind: FieldType, old: Obj, new: Obj) -> Comparison:
        """The difference of two objects; the last one is remembered, for writes that are recorded twice."""
        last = self.compared
        if last is None or last[0] is not kind or last[1] is not old or last[2] is not new:
            last = self.compared = (kind, old, new, compare(kind, old, new))
        return last[3]

    def convert(self, obj: Obj, api_version: str) -> Obj:
        version = _served_version(self.served, api_version)
        if obj.get("apiVersion", api_version) == api_version:
            return obj
        if self.served.converter is None:
            return self.served.convert(obj, version)
        key = api_version.encode() + orjson.dumps(obj)
        if key not in self.found:
            raise _Outside(key, obj, version)
        return self.found[key]

    async def run(self, rules: Callable[[], T]) -> T:
        """Runs pure rules, again after each conversion that they lack."""
        for _ in range(_MAX_CONVERSIONS):
            try:
                return rules()
            except _Outside as lacking:
                self.found[lacking.key] = await converted(self.served, lacking.obj, lacking.version)
        return rules()


class Ownership:
    """One per server; it keeps the types of the kinds, each made from its schema when first needed."""

    def __init__(self, timestamp: Callable[[], str]) -> None:
        self._timestamp = timestamp
        self._types: dict[tuple[str, str, str], tuple[Any, FieldType]] = {}

    async def written(self, write: Write, old: Obj | None, new: Obj, sent: Any) -> list[dict[str, Any]] | None:
        """The managedFields after a create or a plain change; None for none. `old` and `new` are in the version of
        the request; `sent` are the managedFields that the client sent, None for none."""
        kept = None if old is None else old["metadata"].get("managedFields")
        if old is not None and kept and (sent is None or sent is kept or sent == kept):
            renewed = self._renewed(write, old, new, kept)
            if renewed is not None:
                return renewed
        if old is not None and (sent is None or sent is kept or sent == kept or write.subresource not in ("", "*")):
            managers, touched = decode_stored(kept), False
        else:
            managers, touched = _edited(sent, kept)
        if old is not None and not managers:
            # Nobody has been recorded, or all are to be forgotten: only an apply begins again.
            return None
        conversions = _Conversions(write.target.served)
        after, base = managers, old or {}
        for part in _parts(write):
            updater = self._updater(part, conversions)
            writer = self._writer(part, "Update")
            after = await conversions.run(partial(updater.update, base, new, after, writer))
        if not touched and kept and after == managers:
            return kept  # type: ignore[no-any-return]
        return encode(capped(after)) or None

    def _renewed(self, write: Write, old: Obj, new: Obj, kept: Any) -> list[dict[str, Any]] | None:
        """The short way of most writes: somebody changes again what only they own, so that nothing but the time of
        their entry changes. None when it is not one of these; the rules give the same for those that are."""
        target = write.target
        version = target.api_version
        if len(kept) > MAX_UPDATERS or any(entry.get("apiVersion") != version for entry in kept):
            return None
        changes = compare(self.type(target.served, target.version.name), old, new)
        if changes.removed:
            return None
        changed = union(changes.modified, changes.added)
        manager, now = manager_of(write.options), self._timestamp()
        entries: list[dict[str, Any]] | None = kept
        for part in _parts(write):
            mine = _part_of(changed, part.subresource) if target.version.status else changed
            if mine and entries is not None:
                entries = renewed(entries, mine, manager, part.subresource, now)
        return entries

    async def applied(self, write: Write, live: Obj | None, config: Obj) -> Applied:
        """What an apply of `config` makes of `live` (None: of nothing). Raises ApiError 409 on conflicts, 400 when
        the configuration cannot be taken apart."""
        self._check(write.target, config)
        conversions = _Conversions(write.target.served)
        updater, applier = self._updater(write, conversions), self._writer(write, "Apply")

        def rules() -> tuple[Obj, Managers]:
            managers = {} if live is None else decode_stored(live["metadata"].get("managedFields"))
            if live is not None and not managers:
                first = replace(applier, manager=BEFORE_FIRST_APPLY, operation="Update")
                managers = updater.update({}, live, managers, first)
            return _merged(updater, live, config, managers, applier, write.options.force)

        try:
            merged, after = await conversions.run(rules)
        except ConflictError as error:
            raise error.refusal() from None
        if applier.manager == KUBECTL:
            merged = with_annotation(merged, config)
        return Applied(merged, after)

    def settled(self, applied: Applied, kept: Any, *, changed: bool) -> list[dict[str, Any]] | None:
        """The managedFields after an apply. The stored ones when the object and all sets are as they were."""
        if not changed and kept and equal_but_for_time(applied.managers, decode_stored(kept)):
            return kept  # type: ignore[no-any-return]
        return encode(applied.managers) or None

    def _check(self, target: Target, config: Obj) -> None:
        found = faults(self.type(target.served, target.version.name), config)
        if found:
            metadata = config.get("metadata") or {}
            name = f"{metadata.get('namespace') or target.namespace}/{metadata.get('name', '')}"
            what = f"{name}; {target.api_version}, Kind={target.served.kind}"
            raise bad_request(f"failed to create typed patch object ({what}): {'; '.join(found[:10])}")

    def _writer(self, write: Write, operation: Literal["Apply", "Update"]) -> Managed:
        name, version = manager_of(write.options), write.target.api_version
        return Managed(name, operation, version, EMPTY, write.subresource, self._timestamp())

    def _updater(self, write: Write, conversions: _Conversions) -> Updater:
        served = write.target.served

        def type_in(api_version: str) -> FieldType:
            return self.type(served, _served_version(served, api_version))

        def counted(api_version: str, fields: Fields) -> Fields:
            version = served.version(api_version.rpartition("/")[2])
            return fields if version is None or not version.status else _part_of(fields, write.subresource)

        return Updater(Versions(type_in, conversions.convert, counted, conversions.compare))

    def type(self, served: Served, version: str) -> FieldType:
        """The type of a kind in one of its versions."""
        shown = served.version(version)
        if shown is None:
            raise NoSuchVersion(version)
        schema = shown.schema()
        key = (served.group, served.plural, version)
        known = self._types.get(key)
        if known is None or known[0] is not schema:
            rules = builtin_rules(served.group, served.kind) if served.builtin else None
            known = self._types[key] = (schema, type_of(schema, rules) if rules else type_of(schema))
        return known[1]


def _merged(
    updater: Updater, live: Obj | None, config: Obj, managers: Managers, applier: Managed, force: bool
) -> tuple[Obj, Managers]:
    """The rules of an apply; kubectl may take what it owns already by its annotation."""
    base: Obj = live or {"apiVersion": config["apiVersion"], "kind": config["kind"], "metadata": {}}
    try:
        return updater.apply(base, config, managers, applier, force)
    except ConflictError as error:
        if applier.manager != KUBECTL or live is None:
            raise
        left = without_allowed(error, allowed_conflicts(updater.versions.type_of(applier.api_version), live))
        if left:
            raise ConflictError(left) from None
    return updater.apply(base, config, managers, applier, True)


def manager_of(options: WriteOptions) -> str:
    """The name that a write is recorded under: the one that it gives, or the program that its user agent names."""
    if options.field_manager:
        return options.field_manager
    program = "".join(char for char in options.user_agent.partition("/")[0] if char.isprintable())
    while len(program.encode()) > MAX_MANAGER:
        program = program[:-1]
    return program or OWN_MANAGER


def decode_stored(entries: Any) -> Managers:
    """The managers that an object has; none when they cannot be read."""
    try:
        return decode(entries, trusted=True) if entries else {}
    except FieldsError:
        return {}


def _edited(sent: Any, kept: Any) -> tuple[Managers, bool]:
    """The managers that a client wants, and whether these are others than the stored ones. What cannot be read,
    and an absent list, leave the stored ones."""
    if is_reset(sent):
        return {}, True
    try:
        managers = decode(sent) if sent else {}
    except FieldsError:
        managers = {}
    return (managers, True) if managers else (decode_stored(kept), False)


def _parts(write: Write) -> tuple[Write, ...]:
    """As which subresources a write is recorded; one that changes all at once counts as two."""
    if write.subresource != "*":
        return (write,)
    main = structs.replace(write, subresource="")
    return (main, structs.replace(write, subresource="status")) if write.target.version.status else (main,)


def _part_of(fields: Fields, subresource: str) -> Fields:
    """What of a set a subresource can change."""
    if subresource in ("status", "approval"):
        return {_STATUS: fields[_STATUS]} if _STATUS in fields else EMPTY
    if _STATUS not in fields:
        return fields
    return {element: node for element, node in fields.items() if element != _STATUS}


def _served_version(served: Served, api_version: str) -> str:
    group, _, version = api_version.rpartition("/")
    if group != served.group or served.version(version) is None:
        raise NoSuchVersion(api_version)
    return version


def checked_config(wanted: tuple[str, str], body: Any) -> Obj:
    """The body of an apply, when it is one of an object of the wanted apiVersion and kind. Raises 400."""
    if not isinstance(body, dict):
        raise bad_request("error decoding patch: an apply patch must be an object")
    api_version, kind = body.get("apiVersion"), body.get("kind")
    if not kind:
        raise bad_request("Object 'Kind' is missing in the apply patch")
    if api_version != wanted[0]:
        raise bad_request(
            "Incorrect version specified in apply patch. "
            f"Specified patch version: {api_version or ''}, expected: {wanted[0]}"
        )
    if kind != wanted[1]:
        raise bad_request(f"invalid object type: {api_version}, Kind={kind}")
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    if (metadata or {}).get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    return body
