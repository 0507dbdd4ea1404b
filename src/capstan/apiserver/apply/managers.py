"""metadata.managedFields: the sets of their managers, read from an object and written back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from capstan.apiserver.apply.elements import FieldsError
from capstan.apiserver.apply.fieldset import MEMBER, Fields, intersection, parse, union

MAX_UPDATERS = 10
ANCIENT = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"

#: Who wrote: manager, operation, apiVersion (empty for appliers, who keep one entry) and subresource.
Identity = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Managed:
    """What one manager owns, and when it last changed something (RFC 3339, seconds; empty when unknown)."""

    manager: str
    operation: Literal["Apply", "Update"]
    api_version: str
    fields: Fields
    subresource: str = ""
    time: str = ""

    @property
    def identity(self) -> Identity:
        version = "" if self.operation == "Apply" else self.api_version
        return (self.manager, self.operation, version, self.subresource)

    def with_fields(self, fields: Fields) -> Managed:
        return self if fields is self.fields else replace(self, fields=fields)


Managers = Mapping[Identity, Managed]


def decode(entries: Any, *, trusted: bool = False) -> Managers:
    """The managers in a list of entries. `trusted` are those that the server itself has written: their sets are
    canonical. Raises FieldsError when it is not such a list."""
    if not isinstance(entries, list):
        raise FieldsError("managedFields must be a list")
    managers: dict[Identity, Managed] = {}
    for entry in entries:
        managed = _decoded(entry, trusted)
        managers[managed.identity] = managed
    return managers


def _decoded(entry: Any, trusted: bool) -> Managed:
    if not isinstance(entry, dict):
        raise FieldsError("an entry of managedFields must be an object")
    operation, api_version = entry.get("operation"), entry.get("apiVersion")
    if operation not in ("Apply", "Update"):
        raise FieldsError("operation must be `Apply` or `Update`")
    if not isinstance(api_version, str) or not api_version:
        raise FieldsError("apiVersion must not be empty")
    if entry.get("fieldsType") != "FieldsV1":
        raise FieldsError("fieldsType must be FieldsV1")
    encoded = entry.get("fieldsV1") or MEMBER
    texts = [entry.get(name) or "" for name in ("manager", "subresource", "time")]
    if not all(isinstance(text, str) for text in texts):
        raise FieldsError("manager, subresource and time must be strings")
    manager, subresource, time = texts
    fields: Fields = encoded if trusted else parse(encoded)
    return Managed(manager, operation, api_version, fields, subresource, time)


def is_reset(entries: Any) -> bool:
    """Whether a client asks to forget who owns what: an empty list, or one empty entry."""
    return isinstance(entries, list) and (not entries or (len(entries) == 1 and entries[0] == {}))


def encode(managers: Managers) -> list[dict[str, Any]]:
    """The entries in Kubernetes' order: appliers first, then by time, manager, version and subresource."""
    return [_encoded(managed) for managed in sorted(managers.values(), key=_position)]


def _position(managed: Managed) -> tuple[str, ...]:
    return (managed.operation, managed.time, managed.manager, managed.api_version, managed.subresource)


def renewed(
    entries: list[dict[str, Any]], changed: Fields, manager: str, subresource: str, now: str
) -> list[dict[str, Any]] | None:
    """The entries after an updater changed again what it owns and nobody else does: its time is now. None when that
    is not so. The entries are the server's own, all of one version."""
    at = -1
    for index, entry in enumerate(entries):
        fields = entry.get("fieldsV1") or MEMBER
        if (
            entry["operation"] == "Update"
            and entry.get("manager", "") == manager
            and entry.get("subresource", "") == subresource
        ):
            if not entry.get("time") or union(fields, changed) is not fields:
                return None
            at = index
        elif intersection(fields, changed):
            return None
    if at < 0:
        return None
    if entries[at]["time"] == now:
        return entries
    result = [*entries[:at], {**entries[at], "time": now}, *entries[at + 1 :]]
    return sorted(result, key=_place) if len(result) > 1 else result


def _place(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The order of entries, as `encode` has it."""
    names = ("operation", "time", "manager", "apiVersion", "subresource")
    return tuple(entry.get(name, "") for name in names)


def _encoded(managed: Managed) -> dict[str, Any]:
    entry: dict[str, Any] = {"manager": managed.manager, "operation": managed.operation}
    entry["apiVersion"] = managed.api_version
    if managed.time:
        entry["time"] = managed.time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = managed.fields
    if managed.subresource:
        entry["subresource"] = managed.subresource
    return entry


def equal_but_for_time(a: Managers, b: Managers) -> bool:
    """Whether the same managers own the same fields."""
    if a.keys() != b.keys():
        return False
    return all(m.fields == b[i].fields and m.api_version == b[i].api_version for i, m in a.items())


def capped(managers: Managers, limit: int = MAX_UPDATERS) -> Managers:
    """The managers with the oldest updaters beyond the limit folded into one for each version."""
    updaters = [m for m in managers.values() if m.operation == "Update"]
    if len(updaters) <= limit:
        return managers
    updaters.sort(key=lambda m: (m.time, _name(m)))
    result = dict(managers)
    left = len(updaters)
    first: dict[str, Managed] = {}
    for managed in updaters:
        if left <= limit:
            break
        version = managed.api_version
        bucket = Managed(ANCIENT, "Update", version, MEMBER)
        if version not in first:
            first[version] = managed
            continue
        if bucket.identity not in result:
            oldest = result.pop(first[version].identity)
            result[bucket.identity] = replace(bucket, fields=oldest.fields, time=oldest.time)
        kept = result[bucket.identity]
        if managed.identity != bucket.identity:
            del result[managed.identity]
        result[bucket.identity] = replace(kept, fields=union(kept.fields, managed.fields), time=managed.time)
        left -= 1
    return result


def _name(managed: Managed) -> str:
    """What tells managers apart, as text to sort by."""
    shown: dict[str, str] = {"manager": managed.manager, "operation": managed.operation}
    if managed.identity[2]:
        shown["apiVersion"] = managed.api_version
    if managed.subresource:
        shown["subresource"] = managed.subresource
    return orjson.dumps(shown).decode()


def described(managed: Managed) -> str:
    """A manager as people read it in a conflict."""
    text = f'"{managed.manager}"'
    if managed.subresource:
        text += f' with subresource "{managed.subresource}"'
    return f"{text} using {managed.api_version}" if managed.operation == "Update" else text
