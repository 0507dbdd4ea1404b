"""The types of the language: what a value can be, how a type is written, and how declared sizes bound it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One declared property of an object type: its name in expressions, on the wire, and its type."""

    name: str
    wire: str
    type: Type
    required: bool = False


@dataclass(frozen=True, slots=True)
class Type:
    """A type. `kind` decides; `name` distinguishes objects, opaque types and type parameters.

    `limit` is how many elements (code points, items, entries) a value can have by its declaration, None if it is
    not declared; `smallest` the fewest bytes of its JSON. Neither is part of a type's identity.
    """

    kind: str
    name: str = ""
    params: tuple[Type, ...] = ()
    limit: int | None = field(default=None, compare=False)
    smallest: int = field(default=0, compare=False)
    fields: Mapping[str, Field] = field(default_factory=dict, compare=False, repr=False, hash=False)
    #: How a JSON value of this type becomes a value; None when it is one as it is.
    adapt: Any = field(default=None, compare=False, repr=False, hash=False)

    def __str__(self) -> str:
        shown = self.name or self.kind
        if self.params:
            return f"{shown}({', '.join(str(param) for param in self.params)})"
        return shown


DYN = Type("dyn")
ERROR = Type("error", "!error!")
NULL = Type("null_type", "null")
BOOL = Type("bool")
INT = Type("int")
UINT = Type("uint")
DOUBLE = Type("double")
STRING = Type("string")
BYTES = Type("bytes")
TIMESTAMP = Type("timestamp")
DURATION = Type("duration")
TYPE = Type("type")
A = Type("param", "A")
B = Type("param", "B")


def list_of(element: Type, limit: int | None = None) -> Type:
    return Type("list", params=(element,), limit=limit)


def map_of(key: Type, value: Type, limit: int | None = None) -> Type:
    return Type("map", params=(key, value), limit=limit)


def optional_of(value: Type) -> Type:
    return Type("opaque", "optional_type", (value,))


def type_of_type(value: Type) -> Type:
    return Type("type", params=(value,))


def opaque(name: str) -> Type:
    return Type("opaque", name)


def is_dyn(t: Type) -> bool:
    return t.kind in ("dyn", "error")


def is_optional(t: Type) -> bool:
    return t.kind == "opaque" and t.name == "optional_type"


#: Kinds whose values may also be null as far as the type checker is concerned.
_NULLABLE = frozenset({"object", "opaque", "timestamp", "duration", "null_type"})
#: Kinds with a size that is known to be one.
SCALARS = frozenset({"bool", "int", "uint", "double", "timestamp", "duration"})


class Inference:
    """Types bound to type parameters while an expression is checked."""

    __slots__ = ("_fresh", "bound")

    def __init__(self) -> None:
        self.bound: dict[str, Type] = {}
        self._fresh = 0

    def fresh(self) -> Type:
        self._fresh += 1
        return Type("param", f"%{self._fresh}")

    def instantiate(self, t: Type, names: dict[str, Type]) -> Type:
        """`t` with each of its own parameters replaced by a fresh one."""
        if t.kind == "param":
            if t.name not in names:
                names[t.name] = self.fresh()
            return names[t.name]
        if not t.params:
            return t
        return Type(t.kind, t.name, tuple(self.instantiate(p, names) for p in t.params))

    def resolve(self, t: Type, *, free_to_dyn: bool = False) -> Type:
        """`t` with what is known about its parameters."""
        while t.kind == "param" and t.name in self.bound:
            t = self.bound[t.name]
        if t.kind == "param":
            return DYN if free_to_dyn else t
        if not t.params:
            return t
        params = tuple(self.resolve(p, free_to_dyn=free_to_dyn) for p in t.params)
        return t if params == t.params else Type(t.kind, t.name, params, t.limit, t.smallest, t.fields, t.adapt)

    def assign_all(self, actual: list[Type], formal: list[Type]) -> bool:
        """Whether all arguments fit; what it binds stays bound only if they do."""
        if len(actual) != len(formal):
            return False
        before = dict(self.bound)
        if all(self._assign(a, f) for a, f in zip(actual, formal, strict=True)):
            return True
        self.bound = before
        return False

    def assign(self, actual: Type, formal: Type) -> bool:
        return self.assign_all([actual], [formal])

    def _assign(self, actual: Type, formal: Type) -> bool:
        actual, formal = self.resolve(actual), self.resolve(formal)
        if formal.kind == "param":
            return self._bind(formal, actual)
        if actual.kind == "param":
            return self._bind(actual, formal)
        if is_dyn(actual) or is_dyn(formal):
            return True
        if actual.kind == "null_type":
            return formal.kind in _NULLABLE
        if formal.kind == "null_type":
            return actual.kind in _NULLABLE
        return self._assign_same(actual, formal)

    def _assign_same(self, actual: Type, formal: Type) -> bool:
        if actual.kind != formal.kind or actual.name != formal.name:
            return False
        if actual.kind == "type":
            return True
        if len(actual.params) != len(formal.params):
            return False
        return all(self._assign(a, f) for a, f in zip(actual.params, formal.params, strict=True))

    def _bind(self, param: Type, value: Type) -> bool:
        if value.kind == "param" and value.name == param.name:
            return True
        if _mentions(value, param):
            return False
        self.bound[param.name] = value
        return True

    def widest(self, first: Type, second: Type) -> Type:
        """The more general of two types that fit each other."""
        return self.resolve(first) if self._less_specific(self.resolve(first), self.resolve(second)) else second

    def _less_specific(self, first: Type, second: Type) -> bool:
        if is_dyn(first) or first.kind == "param":
            return True
        if is_dyn(second) or second.kind == "param":
            return False
        if first.kind == "null_type" and second.kind in _NULLABLE:
            return False
        if first.kind != second.kind or len(first.params) != len(second.params):
            return second.kind == "null_type"
        return all(self._less_specific(f, s) for f, s in zip(first.params, second.params, strict=True))


def _mentions(t: Type, param: Type) -> bool:
    return (t.kind == "param" and t.name == param.name) or any(_mentions(p, param) for p in t.params)


#: Names that stand for types.
TYPE_NAMES: dict[str, Type] = {
    "bool": BOOL,
    "int": INT,
    "uint": UINT,
    "double": DOUBLE,
    "string": STRING,
    "bytes": BYTES,
    "list": list_of(DYN),
    "map": map_of(DYN, DYN),
    "null_type": NULL,
    "type": TYPE,
    "dyn": DYN,
    "google.protobuf.Timestamp": TIMESTAMP,
    "google.protobuf.Duration": DURATION,
    "optional_type": optional_of(DYN),
    "net.IP": opaque("net.IP"),
    "net.CIDR": opaque("net.CIDR"),
}
