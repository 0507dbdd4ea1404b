"""The values of the language in Python, and what holds for all of them: type, equality, order, size.

bool, int, float, str, bytes, None, list and dict are themselves; `Uint` is an int that knows it is unsigned. Maps
keep boolean keys as `BoolKey`, because Python takes True and 1 for one key.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.bounds import check_comparisons
from capstan.apiserver.cel.errors import CelEvaluationError, no_such_overload
from capstan.apiserver.cel.types import Type

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
#: From this power of ten on a double is shown with an exponent.
_EXPONENT_FROM = 6
#: What a lookup answers when there is nothing.
ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()


class Uint(int):
    """An unsigned integer."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class BoolKey:
    """A boolean as a key of a map."""

    value: bool


_KEYS = {True: BoolKey(True), False: BoolKey(False)}


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span in nanoseconds."""

    nanoseconds: int


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """An instant in nanoseconds since 1970 UTC."""

    nanoseconds: int


class Optional:
    """A value that may be missing."""

    __slots__ = ("value",)

    def __init__(self, value: Any = ABSENT) -> None:
        self.value = value

    @property
    def present(self) -> bool:
        return self.value is not ABSENT


NONE = Optional()


class Opaque:
    """A value that only its own functions understand: a quantity, an address. Subclasses define `__eq__`."""

    __slots__ = ()
    cel_type: Type = t.DYN

    def __hash__(self) -> int:
        return id(self)


class View:
    """A map or object that is looked up lazily: an object of a schema, the variables of a policy.

    Abstract to the type checker alone: `isinstance` of an ABC takes four times as long, and is asked at each lookup.
    """

    __slots__ = ()
    cel_type: Type = t.map_of(t.STRING, t.DYN)

    @abstractmethod
    def find(self, name: str) -> Any:
        """The value of a field, or ABSENT."""

    @abstractmethod
    def names(self) -> Sequence[str]:
        """The fields that are there."""


class KeyedList(list[Any]):
    """A list whose items are identified by keys (`x-kubernetes-list-type: map`)."""

    __slots__ = ("keys",)

    def __init__(self, items: Sequence[Any], keys: tuple[str, ...]) -> None:
        super().__init__(items)
        self.keys = keys

    def key_of(self, item: Any) -> Any:
        return tuple(_hashable(field_of(item, name)) for name in self.keys)


class SetList(list[Any]):
    """A list in which every item is there once and the order does not matter."""

    __slots__ = ()


def field_of(value: Any, name: str) -> Any:
    """A field of a map or view, ABSENT if there is none."""
    if isinstance(value, View):
        return value.find(name)
    return value.get(name, ABSENT) if isinstance(value, dict) else ABSENT


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def map_key(value: Any) -> Any:
    """A value as a key of a map. Errors: CelEvaluationError for one that cannot be."""
    kind = value.__class__
    if kind is str or kind is int or kind is Uint:
        return value
    if kind is bool:
        return _KEYS[value]
    if kind is float:
        return int(value) if value.is_integer() else ABSENT
    raise CelEvaluationError(f"unsupported key type: {type_of(value)}")


def from_key(key: Any) -> Any:
    return key.value if key.__class__ is BoolKey else key


def keys_of(value: Any) -> list[Any]:
    """The keys of a map, in its order."""
    if isinstance(value, dict):
        return [key.value if key.__class__ is BoolKey else key for key in value]
    if isinstance(value, View):
        return list(value.names())
    raise no_such_overload()


def lookup(value: Any, key: Any) -> Any:
    """The value under a key, or ABSENT."""
    if isinstance(value, dict):
        return value.get(map_key(key), ABSENT)
    return value.find(key) if isinstance(key, str) else ABSENT


def iterate(value: Any) -> Iterator[Any] | Sequence[Any]:
    """What a macro with one variable goes over: items of a list, keys of a map."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict | View):
        return keys_of(value)
    raise no_such_overload()


_TYPES: dict[type, Type] = {
    bool: t.BOOL,
    int: t.INT,
    Uint: t.UINT,
    float: t.DOUBLE,
    str: t.STRING,
    bytes: t.BYTES,
    type(None): t.NULL,
    Timestamp: t.TIMESTAMP,
    Duration: t.DURATION,
    Optional: t.optional_of(t.DYN),
    Type: t.TYPE,
}
_LIST, _MAP = t.list_of(t.DYN), t.map_of(t.DYN, t.DYN)


def type_of(value: Any) -> Type:
    """The type of a value at run time."""
    found = _TYPES.get(value.__class__)
    if found is not None:
        return found
    if isinstance(value, list):
        return _LIST
    if isinstance(value, dict):
        return _MAP
    return value.cel_type if isinstance(value, Opaque | View) else t.DYN


def type_name(value: Type) -> str:
    """The name of a type as `string(type(x))` and errors show it."""
    names = {"timestamp": "google.protobuf.Timestamp", "duration": "google.protobuf.Duration"}
    return value.name or names.get(value.kind, value.kind) if value.kind != "null_type" else "null_type"


def same_type(first: Type, second: Type) -> bool:
    return first.kind == second.kind and (first.kind not in ("opaque", "object") or first.name == second.name)


_NUMBERS = frozenset({int, Uint, float})
_PLAIN = frozenset({str, int, Uint, bool, bytes, float, type(None), Timestamp, Duration})


def equal(first: Any, second: Any) -> bool:
    """Equality across all types: numbers by value, lists and maps by their parts, never an error."""
    kind, other = first.__class__, second.__class__
    if kind is other and kind in _PLAIN:
        return bool(first == second)
    if kind in _NUMBERS:
        return other in _NUMBERS and _same_number(first, second)
    if isinstance(first, list):
        return isinstance(second, list) and _equal_lists(first, second)
    if isinstance(first, dict | View):
        return isinstance(second, dict | View) and _equal_maps(first, second)
    if kind is Optional:
        return other is Optional and _equal_optionals(first, second)
    if kind is Type:
        return other is Type and same_type(first, second)
    return kind is other and bool(first == second)


def _same_number(first: float, second: float) -> bool:
    if first.__class__ is float or second.__class__ is float:
        # Beside a double an integer is as exact as a double.
        return float(first) == float(second)
    return first == second


def _equal_optionals(first: Optional, second: Optional) -> bool:
    if not first.present or not second.present:
        return first.present == second.present
    return equal(first.value, second.value)


def _equal_lists(first: list[Any], second: list[Any]) -> bool:
    if len(first) != len(second):
        return False
    if isinstance(second, KeyedList | SetList) and not isinstance(first, KeyedList | SetList):
        first, second = second, first
    if isinstance(first, KeyedList):
        known = {first.key_of(item): item for item in first}
        keys = {first.key_of(item) for item in second}
        return keys == set(known) and all(equal(known[first.key_of(item)], item) for item in second)
    if isinstance(first, SetList):
        return contains_all(first, second) and contains_all(second, first)
    return all(equal(a, b) for a, b in zip(first, second, strict=True))


def contains_all(items: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether every wanted value is among the items; quick for texts, which sets of names are."""
    if all(item.__class__ is str for item in items):
        names = set(items)
        return all(item.__class__ is str and item in names for item in wanted)
    check_comparisons(len(items), len(wanted))
    return all(contains(items, item) for item in wanted)


def contains(items: Sequence[Any], value: Any) -> bool:
    if value.__class__ is str:
        return value in items
    return any(equal(item, value) for item in items)


def _equal_maps(first: dict[Any, Any] | View, second: dict[Any, Any] | View) -> bool:
    keys = keys_of(first)
    if len(keys) != len(keys_of(second)):
        return False
    for key in keys:
        other = lookup(second, key)
        if other is ABSENT or not equal(lookup(first, key), other):
            return False
    return True


def compare(first: Any, second: Any) -> int:
    """-1, 0 or 1. Errors: CelEvaluationError for values without a common order."""
    kind, other = first.__class__, second.__class__
    if kind in _NUMBERS and other in _NUMBERS:
        if first != first or second != second:
            raise CelEvaluationError("NaN values cannot be ordered")
        if kind is not other and float in (kind, other):
            first, second = float(first), float(second)
    elif kind is not other or kind not in _PLAIN or first is None:
        raise no_such_overload()
    return int(first > second) - int(first < second)


def size_of(value: Any) -> int:
    """How many code points, bytes, items or entries; 1 for what has no size. The measure of costs."""
    if isinstance(value, str | bytes | list | dict):
        return len(value)
    if isinstance(value, View):
        return len(value.names())
    return size_of(value.value) if isinstance(value, Optional) and value.present else 1


def matches_type(value: Any, wanted: Type) -> bool:
    """Whether a value can be passed where a type is declared; only its outside is looked at."""
    kind = wanted.kind
    if kind in ("dyn", "param"):
        return True
    if kind in ("object", "opaque"):
        found = type_of(value)
        same = found.kind == kind and found.name == wanted.name
        return same or (kind == "object" and isinstance(value, dict | View))
    if kind == "map":
        return isinstance(value, dict | View)
    return type_of(value).kind == kind


def is_zero(value: Any) -> bool:
    """Whether a value is the empty one of its type, as `optional.ofNonZeroValue` asks."""
    if isinstance(value, View):
        return not value.names()
    if isinstance(value, Duration | Timestamp):
        return value.nanoseconds == 0 and isinstance(value, Duration)
    if isinstance(value, Optional):
        return not value.present
    return not value if isinstance(value, bool | int | float | str | bytes | list | dict | None) else False


def format_double(value: float) -> str:
    """A double in its shortest form, with an exponent when it is large or small, as `string()` shows it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    shown = "".join(map(str, digits)).lstrip("0")
    if not shown:
        return "-0" if sign else "0"
    power = len(shown) - 1 + int(exponent)
    shown = shown.rstrip("0")
    minus = "-" if sign else ""
    if power < -4 or power >= _EXPONENT_FROM:
        fraction = f".{shown[1:]}" if len(shown) > 1 else ""
        return f"{minus}{shown[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if power < 0:
        return f"{minus}0.{'0' * (-power - 1)}{shown}"
    whole, rest = shown[: power + 1].ljust(power + 1, "0"), shown[power + 1 :]
    return f"{minus}{whole}.{rest}" if rest else f"{minus}{whole}"


def copy_plain(value: Any, convert: Callable[[Any], Any] | None = None) -> Any:
    """A value as plain JSON data: views and keyed lists become dicts and lists."""
    if isinstance(value, View):
        return {name: copy_plain(value.find(name), convert) for name in value.names()}
    if isinstance(value, Mapping):
        return {from_key(key): copy_plain(inner, convert) for key, inner in value.items()}
    if isinstance(value, list):
        return [copy_plain(item, convert) for item in value]
    return convert(value) if convert is not None and isinstance(value, Opaque | Timestamp | Duration) else value
