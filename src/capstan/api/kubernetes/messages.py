"""The messages of Kubernetes' own kinds, read from their group's table when one of them is first asked for."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

#: Types that are no message: their form on the wire and in JSON is fixed.
SCALARS = frozenset(("string", "bytes", "bool", "int32", "int64", "uint32", "double"))
FORMS = frozenset(("time", "microtime", "duration", "quantity", "intstr", "json", "strings"))

_FIELD = re.compile(
    r"(?P<number>\d+)=(?P<name>[^:]+):(?P<type>[^*!^+@~?]+)(?P<flags>[*!^+]*)"
    r"(?:@(?P<list>[^~?]+))?(?:~(?P<patch>[mr]+)(?::(?P<key>[^?]+))?)?(?:\?(?P<default>.*))?"
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `type` is that of its value, or of the items or values where `shape` is `list` or `map`."""

    number: int
    name: str
    type: str
    shape: str = ""
    presence: bool = False
    always: bool = False
    inline: bool = False
    required: bool = False
    list_type: str = ""
    keys: tuple[str, ...] = ()
    merge: bool = False
    merge_key: str = ""
    retain_keys: bool = False
    default: Any = None
    enum: tuple[str, ...] = ()

    @property
    def is_message(self) -> bool:
        return self.type not in SCALARS and self.type not in FORMS


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message. `by_name` has the fields of inlined messages too: it is what the JSON object may hold."""

    name: str
    fields: tuple[Field, ...]
    atomic: bool = False

    @property
    def by_number(self) -> Mapping[int, Field]:
        return _by_number(self)

    @property
    def by_name(self) -> Mapping[str, Field]:
        return _by_name(self)


@cache
def message(name: str) -> Message:
    """The message `table.Name`. Errors: KeyError when there is none."""
    table, _, own = name.partition(".")
    return _table(table)[own]


@cache
def _table(name: str) -> Mapping[str, Message]:
    lines = _lines(str(importlib.import_module(f"capstan.api.kubernetes.tables.{name}").TABLE))
    enums = {words[1]: tuple(words[2].split("|")) for words in lines if words[0] == "enum"}
    found = {}
    for words in lines:
        if words[0] != "enum":
            own, _, atomic = words[0].partition("@")
            fields = tuple(_field(name, word, enums) for word in words[1:])
            found[own] = Message(f"{name}.{own}", fields, bool(atomic))
    return found


def _lines(table: str) -> list[list[str]]:
    lines: list[list[str]] = []
    for line in table.splitlines():
        if line.startswith(" "):
            lines[-1].extend(line.split())
        else:
            lines.append(line.split())
    return lines


def _field(table: str, word: str, enums: Mapping[str, tuple[str, ...]]) -> Field:
    match = _FIELD.fullmatch(word)
    if match is None:
        raise ValueError(f"no field: {word}")
    kind, flags, listed = match["type"], match["flags"], match["list"] or ""
    shape = {"[": "list", "{": "map"}.get(kind[0], "")
    inner = kind[1:-1] if shape else kind
    # A list of a form that is a list itself does not occur, a map of such does.
    enum = enums.get(inner) or _foreign_enum(inner)
    if enum:
        inner = "string"
    elif inner not in SCALARS and inner not in FORMS and "." not in inner:
        inner = f"{table}.{inner}"
    list_type = listed if listed in ("set", "atomic", "") else "map"
    return Field(
        number=int(match["number"]),
        name=match["name"],
        type=inner,
        shape=shape,
        presence="*" in flags,
        always="!" in flags,
        inline="^" in flags,
        required="+" in flags,
        list_type=list_type,
        keys=tuple(listed.split(",")) if list_type == "map" else (),
        merge="m" in (match["patch"] or ""),
        merge_key=match["key"] or "",
        retain_keys="r" in (match["patch"] or ""),
        default=None if match["default"] is None else orjson.loads(match["default"]),
        enum=enum,
    )


@cache
def _foreign_enum(name: str) -> tuple[str, ...]:
    """The values of an enum of another table: `core.Protocol`."""
    table, dot, own = name.partition(".")
    if not dot:
        return ()
    for words in _lines(str(importlib.import_module(f"capstan.api.kubernetes.tables.{table}").TABLE)):
        if words[:2] == ["enum", own]:
            return tuple(words[2].split("|"))
    return ()


@cache
def _by_number(of: Message) -> Mapping[int, Field]:
    return {field.number: field for field in of.fields}


@cache
def _by_name(of: Message) -> Mapping[str, Field]:
    found: dict[str, Field] = {}
    for field in of.fields:
        if field.inline:
            found.update(message(field.type).by_name)
        else:
            found[field.name] = field
    return found
