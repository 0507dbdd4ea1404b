"""Which changes of an object matter to a controller that watches it, and how soon it has to look."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from capstan.api.objects import Obj

_BOOKKEEPING = frozenset(("resourceVersion", "managedFields"))
_CONDITIONS = frozenset(("conditions", "deprecated", "v1beta2", "lastUpdated"))
_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]+)\]")

Path = tuple[str, ...]


class Weight(IntEnum):
    """NOTHING: the watcher reads none of it. LATER: it may wait for more to tell. SOON: at the watcher's pace.
    HURRIED: what it waited for is there."""

    NOTHING = 0
    LATER = 1
    SOON = 2
    HURRIED = 3


class Interest:
    """What a controller reads of the objects of a kind.

    A path is dotted; a key that has dots itself stands in brackets: `metadata.annotations[example.com/revision]`.
    `fields` are looked at soon, `later` and the wording of conditions later, `awaited` hurried; without `fields`
    everything but conditions is looked at soon. `conditions` are the types whose status counts soon (all, none of
    them at all, or these: of others only the wording counts, later, or that of `worded` if they are named).
    """

    def __init__(
        self,
        fields: Iterable[str] = (),
        *,
        later: Iterable[str] = (),
        awaited: Iterable[str] = (),
        conditions: bool | tuple[str, ...] = True,
        worded: tuple[str, ...] = (),
    ) -> None:
        self._fields, self._later, self._awaited = (
            tuple(_parsed(path) for path in paths) for paths in (fields, later, awaited)
        )
        self._conditions = conditions
        self._worded = worded

    def weigh(self, old: Obj, new: Obj) -> Weight:
        """How much a change matters."""
        if _differ(old, new, self._awaited) or (self._counts("Ready") and not is_ready(old) and is_ready(new)):
            return Weight.HURRIED
        if self._differ(old, new) or self._turned(old, new):
            return Weight.SOON
        if _differ(old, new, self._later) or self._reworded(old, new):
            return Weight.LATER
        return Weight.NOTHING

    def _reworded(self, old: Obj, new: Obj) -> bool:
        if self._conditions is False:
            return False
        if self._worded:
            return [_said_by(old, name) for name in self._worded] != [_said_by(new, name) for name in self._worded]
        return _wording(old) != _wording(new)

    def _differ(self, old: Obj, new: Obj) -> bool:
        return _differ(old, new, self._fields) if self._fields else not is_same_but_conditions(old, new)

    def _counts(self, condition: str) -> bool:
        return self._conditions if isinstance(self._conditions, bool) else condition in self._conditions

    def _turned(self, old: Obj, new: Obj) -> bool:
        """Whether a condition that counts became true, false or unknown."""
        if self._conditions is False:
            return False
        before, after = states(old), states(new)
        if self._conditions is True:
            return before != after
        return any(_said(before, name) != _said(after, name) for name in self._conditions)


EVERYTHING = Interest()


def is_same_but_conditions(old: Obj, new: Obj) -> bool:
    """Whether two states of an object differ in nothing but conditions, and what older versions repeat of them."""
    if old.keys() - {"status"} != new.keys() - {"status"}:
        return False
    if any(old[name] != new[name] for name in old if name not in ("metadata", "status")):
        return False
    return _without(old["metadata"], _BOOKKEEPING) == _without(new["metadata"], _BOOKKEEPING) and _without(
        old.get("status") or {}, _CONDITIONS
    ) == _without(new.get("status") or {}, _CONDITIONS)


def is_ready(obj: Obj) -> bool:
    return states(obj).get("Ready") == "True"


def states(obj: Obj) -> dict[str, str]:
    """The status of each condition."""
    status = obj.get("status") or {}
    listed = (status.get("v1beta2") or {}).get("conditions") or status.get("conditions") or ()
    return {c.get("type", ""): c.get("status", "") for c in listed if isinstance(c, dict)}


def _said(found: dict[str, str], name: str) -> str:
    """What says nothing of its readiness yet is not ready."""
    return found.get(name) or ("False" if name in ("Ready", "Available") else "")


def _parsed(path: str) -> Path:
    return tuple(name or key for name, key in _STEP.findall(path))


def _differ(old: Obj, new: Obj, paths: Iterable[Path]) -> bool:
    return any(_at(old, path) != _at(new, path) for path in paths)


def _at(obj: Any, path: Path) -> Any:
    """What is there; nothing, and what is empty, are the same."""
    for name in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(name)
    return obj or None


def _wording(obj: Obj) -> list[Any]:
    """Conditions of all versions."""
    status = obj.get("status") or {}
    return [status.get("conditions"), status.get("deprecated"), status.get("v1beta2")]


def _said_by(obj: Obj, condition: str) -> list[Any]:
    """The conditions of this type in all versions."""
    status = obj.get("status") or {}
    deprecated = ((status.get("deprecated") or {}).get("v1beta1") or {}).get("conditions")
    listed = (status.get("conditions"), deprecated, (status.get("v1beta2") or {}).get("conditions"))
    return [c for found in listed for c in found or () if isinstance(c, dict) and c.get("type") == condition]


def _without(part: Obj, names: frozenset[str]) -> Obj:
    return {name: value for name, value in part.items() if name not in names}
