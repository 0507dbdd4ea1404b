"""Runs tables of writes: each case is a list of steps by managers, and what object and owners they leave.

The notation of types: `leaf`, `any` (deduced), `set`, `{fields: {...}, each: ..., defaults: {...}}` for objects,
`{items: ..., by: [keys]}` for lists with keys, `{whole: ...}` for what is owned as a whole, `{ref: name}` for another
type of the table, `{ref: name, as: atomic|separable}` for one that is owned differently here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from capstan.apiserver.apply import fieldset
from capstan.apiserver.apply.compare import ABSENT, is_list, is_map
from capstan.apiserver.apply.configured import faults
from capstan.apiserver.apply.conflicts import ConflictError
from capstan.apiserver.apply.elements import SELF
from capstan.apiserver.apply.fieldset import Fields, is_member, shown_path
from capstan.apiserver.apply.items import element_of
from capstan.apiserver.apply.managers import Managed, Managers
from capstan.apiserver.apply.merge import merge
from capstan.apiserver.apply.types import DEDUCED, LEAF, NOBODYS, FieldType
from capstan.apiserver.apply.updater import NoSuchVersion, Updater, Versions

CASES = Path(__file__).parent / "cases"
#: Where a table's object keeps its version, if the table converts.
AT = "(version)"
_VERSION = re.compile(r"v([0-9]+)")


def tables() -> list[tuple[str, dict[str, Any]]]:
    """Every case of every table, with the types and the conversion of its table."""
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        for table in yaml.safe_load_all(path.read_text()):
            shared = {name: value for name, value in table.items() if name != "cases"}
            found += [(f"{path.stem}: {case['name']}", {**shared, **case}) for case in table["cases"]]
    return found


class Types:
    """The named types of one table."""

    def __init__(self, notation: Mapping[str, Any]) -> None:
        self._notation = notation
        self._made: dict[str, FieldType] = {"any": DEDUCED}

    def __getitem__(self, name: str) -> FieldType:
        if name not in self._made:
            made = self._made[name] = FieldType("map")
            _copy(self._type(self._notation[name]), made)
        return self._made[name]

    def _type(self, noted: Any) -> FieldType:
        if noted in ("leaf", "any"):
            return LEAF if noted == "leaf" else DEDUCED
        if noted == "set":
            return FieldType("list", element=LEAF)
        if "whole" in noted:
            return LEAF
        if "ref" in noted:
            return self._referred(noted)
        if "items" in noted:
            items = noted["items"]
            defaults = (self._notation[items["ref"]] if "ref" in items else items).get("defaults", {})
            return FieldType("list", element=self._type(items), keys=tuple(noted["by"]), key_defaults=defaults)
        fields = {name: self._type(part) for name, part in noted.get("fields", {}).items()}
        return FieldType("map", fields, self._type(noted["each"]) if "each" in noted else None)

    def _referred(self, noted: Mapping[str, str]) -> FieldType:
        own = self._notation[noted["ref"]]
        if noted.get("as") == "atomic":
            return LEAF
        if noted.get("as") and isinstance(own, dict) and "whole" in own:
            return self._type(own["whole"])
        return self[noted["ref"]]


def _copy(made: FieldType, into: FieldType) -> None:
    for name in ("shape", "fields", "element", "keys", "key_defaults"):
        setattr(into, name, getattr(made, name))


def same_everywhere(obj: Any, _old: str, _new: str) -> Any:
    return obj


def repeated(obj: Any, _old: str, new: str) -> Any:
    """In version n every name below the top consists of n times its letter."""
    times = _number(new)

    def inner(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name[0] * times: inner(value[name]) for name in sorted(value)}

    return {name: inner(value) for name, value in (obj or {}).items()}


def renamed(obj: Any, old: str, new: str) -> Any:
    """Names that end in the version end in the other one."""
    _number(new)
    if isinstance(obj, dict):
        moved = {n.removesuffix(old) + new if n.endswith(old) else n: v for n, v in obj.items()}
        return {name: renamed(value, old, new) for name, value in moved.items()}
    return [renamed(item, old, new) for item in obj] if isinstance(obj, list) else obj


def dependent(obj: Any, _old: str, new: str) -> Any:
    """One name in v1, another in v2; what lacks the latter cannot be converted back."""
    names = ("needs_it", "must_be")
    was, becomes = (names[1], names[0]) if new == "v1" else names
    if new == "v1" and was not in obj and becomes not in obj:
        raise AssertionError("an object was converted before what the conversion needs was put back")
    return {becomes if name == was else name: value for name, value in obj.items()}


def _number(version: str) -> int:
    found = _VERSION.fullmatch(version)
    if not found:
        raise NoSuchVersion(version)
    return int(found[1])


CONVERSIONS: Mapping[str, Callable[[Any, str, str], Any]] = {
    "same": same_everywhere,
    "repeated": repeated,
    "renamed": renamed,
    "dependent": dependent,
}


class State:
    """One object and its managers."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.types = Types(table.get("types", {}))
        self.roots: Mapping[str, str] = table.get("roots", {})
        self.live: Any = None
        self.managers: Managers = {}
        self._conversion = CONVERSIONS[table.get("conversion", "same")]
        self._only: Mapping[str, Any] = table.get("only", {})
        self._but: Mapping[str, Any] = table.get("but", {})
        self.updater = Updater(Versions(self.type_in, self._convert, self._counted))

    def type_in(self, version: str) -> FieldType:
        if version not in self.roots and "all" not in self.roots:
            raise NoSuchVersion(version)
        root = self.types[self.roots.get(version, self.roots.get("all", ""))]
        return root if root is DEDUCED else FieldType(root.shape, {**root.fields, AT: NOBODYS}, root.element)

    def tagged(self, obj: Any, version: str) -> Any:
        """The object with its version in it: objects of the tables do not say it themselves."""
        return obj if self._conversion is same_everywhere else {**(obj or {}), AT: version}

    def seen(self, version: str) -> Any:
        """The live object in a version, as the tables write it."""
        live = self._convert(self.live, version)
        return {name: value for name, value in live.items() if name != AT} if isinstance(live, dict) else live

    def _convert(self, obj: Any, version: str) -> Any:
        old = (obj or {}).get(AT, version)
        if old == version:
            return obj
        return self.tagged(self._conversion({n: v for n, v in obj.items() if n != AT}, old, version), version)

    def _counted(self, version: str, fields: Fields) -> Fields:
        if version in self._but:
            fields = _without(fields, [_elements(text) for text in self._but[version]])
        if version in self._only:
            fields = _matching(fields, [path.split(".")[1:] for path in self._only[version]])
        return fields

    def step(self, step: Mapping[str, Any]) -> None:
        if "types" in step:
            self.types = Types(step["types"])
            return
        verb = next(verb for verb in ("apply", "force", "update", "extract") if verb in step)
        version, said = step["at"], step["with"]
        live = self.tagged({}, version) if self.live is None else self._convert(self.live, version)
        writer = Managed(step[verb], "Apply", version, fieldset.EMPTY)
        if verb == "update":
            self.live = self.tagged(said, version)
            self.managers = self.updater.update(live, self.live, self.managers, writer)
            return
        if verb == "extract":
            said = self._extracted(live, said, writer)
        wrong = faults(self.type_in(version), said)
        if wrong:
            raise ValueError("; ".join(wrong))
        said = self.tagged(said, version)
        self.live, self.managers = self.updater.apply(live, said, self.managers, writer, verb != "apply")

    def _extracted(self, live: Any, said: Any, writer: Managed) -> Any:
        """What the manager has stated before, with what it states now on top."""
        kind, own = self.type_in(writer.api_version), self.managers.get(writer.identity)
        kept = extract(kind, live, _leaves(own.fields)) if own else ABSENT
        return merge(kind, kept, said)

    def owners(self) -> dict[str, Any]:
        """Who owns what, as the tables write it."""
        return {
            managed.manager: {
                "at": managed.api_version,
                "fields": sorted(map(shown_path, fieldset.paths(managed.fields))),
            }
            for managed in self.managers.values()
        }


def conflicts_of(state: State, step: Mapping[str, Any]) -> list[list[str]]:
    """Carries out a step; the conflicts that it meets."""
    try:
        state.step(step)
    except ConflictError as error:
        return sorted([c.manager.manager, shown_path(c.path)] for c in error.conflicts)
    return []


def set_of(texts: list[str]) -> Fields:
    """A set of plain field paths."""
    return _set_of_paths(_elements(text) for text in texts)


def _elements(text: str) -> tuple[str, ...]:
    return tuple(f"f:{name}" for name in text.split(".")[1:])


def _set_of_paths(paths: Iterable[tuple[str, ...]]) -> Fields:
    result = fieldset.EMPTY
    for path in paths:
        node = fieldset.MEMBER
        for element in reversed(path):
            node = {element: node}
        result = fieldset.union(result, node)
    return result


def _without(fields: Fields, gone: list[tuple[str, ...]]) -> Fields:
    """What does not lie at or below paths."""
    return _set_of_paths(
        path for path in fieldset.paths(fields) if not any(path[: len(above)] == above for above in gone)
    )


def _matching(fields: Fields, patterns: list[list[str]]) -> Fields:
    """What lies at or below paths; `*` stands for any element."""
    result: Fields = {}
    for element, node in fields.items():
        rest = [p[1:] for p in patterns if p and p[0] in ("*", element.removeprefix("f:"))]
        if [] in rest:
            result[element] = node
        elif rest and (inner := _matching(node, rest)):
            result[element] = inner
    return result


def _leaves(fields: Fields) -> Fields:
    return {element: _leaves(node) for element, node in fields.items() if element != SELF}


def extract(kind: FieldType, value: Any, fields: Fields) -> Any:
    """Only what a set names of a value."""
    if value and is_map(kind, value):
        named = {n: fields[f"f:{n}"] for n in value if f"f:{n}" in fields}
        # A list or map that is named itself brings none of its items along.
        below = {n: fields if is_member(node) else node for n, node in named.items()}
        return {n: extract(kind.child(n) or LEAF, value[n], node) for n, node in below.items()}
    if value and is_list(kind, value):
        assert kind.element is not None
        found = [(item, fields.get(element_of(kind, item))) for item in value]
        kept = [(item, node) for item, node in found if node is not None]
        return [extract(kind.element, item, node) if node else item for item, node in kept]
    return value
