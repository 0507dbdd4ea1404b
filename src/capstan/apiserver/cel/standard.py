"""The standard functions: operators, conversions, sizes, texts, and the parts of times."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from capstan.apiserver.cel import times
from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.bounds import check_comparisons, check_list
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, Overload, function, member
from capstan.apiserver.cel.patterns import pattern_of
from capstan.apiserver.cel.types import Type
from capstan.apiserver.cel.values import (
    ABSENT,
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    Duration,
    KeyedList,
    SetList,
    Timestamp,
    Uint,
    compare,
    contains,
    equal,
    format_double,
    lookup,
    size_of,
    type_of,
)

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_UNSIGNED = re.compile(r"[0-9]{1,30}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_TRUE, _FALSE = (
    frozenset({"1", "t", "T", "TRUE", "true", "True"}),
    frozenset({"0", "f", "F", "FALSE", "false", "False"}),
)


def _int(value: int) -> int:
    if not INT_MIN <= value <= INT_MAX:
        raise CelEvaluationError("integer overflow")
    return value


def _uint(value: int) -> Uint:
    if not 0 <= value <= UINT_MAX:
        raise CelEvaluationError("unsigned integer overflow")
    return Uint(value)


def _quotient(first: int, second: int) -> int:
    if second == 0:
        raise CelEvaluationError("division by zero")
    found = abs(first) // abs(second)
    return -found if (first < 0) != (second < 0) else found


def _remainder(first: int, second: int) -> int:
    if second == 0:
        raise CelEvaluationError("modulus by zero")
    if first == INT_MIN and second == -1:
        raise CelEvaluationError("integer overflow")
    found = abs(first) % abs(second)
    return -found if first < 0 else found


def _ratio(first: float, second: float) -> float:
    if second == 0:
        if first == 0 or math.isnan(first):
            return math.nan
        return math.copysign(math.inf, first) * math.copysign(1, second)
    return first / second


def _product(first: float, second: float) -> float:
    return first * second


def add_lists(first: list[Any], second: list[Any]) -> list[Any]:
    """Lists one after the other; by Kubernetes' rules where items have keys or are a set."""
    check_list(len(first) + len(second))
    if isinstance(first, KeyedList):
        placed = {first.key_of(item): item for item in first}
        placed.update((first.key_of(item), item) for item in second)
        return KeyedList(list(placed.values()), first.keys)
    if isinstance(first, SetList):
        result = SetList(first)
        texts = {item for item in first if item.__class__ is str}
        if len(texts) < len(first):
            check_comparisons(len(first), len(second))
            result.extend(item for item in second if not contains(first, item))
        else:
            result.extend(item for item in second if item not in texts)
        return result
    return [*first, *second]


_COMPARED: tuple[tuple[str, Callable[[int], bool]], ...] = (
    ("_<_", lambda order: order < 0),
    ("_<=_", lambda order: order <= 0),
    ("_>_", lambda order: order > 0),
    ("_>=_", lambda order: order >= 0),
)
_WORDS = {"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"}
_ORDERED: tuple[Type, ...] = (t.BOOL, t.INT, t.UINT, t.DOUBLE, t.STRING, t.BYTES, t.TIMESTAMP, t.DURATION)
_NAMES = {"int": "int64", "uint": "uint64"}


def _name(of: Type) -> str:
    return _NAMES.get(of.kind, of.kind)


def _comparisons() -> Functions:
    found: dict[str, tuple[Overload, ...]] = {}
    for name, decide in _COMPARED:
        found[name] = tuple(_comparison(name, decide))
    return found


def _comparison(name: str, decide: Callable[[int], bool]) -> list[Overload]:
    def run(first: Any, second: Any) -> bool:
        return decide(compare(first, second))

    word = _WORDS[name]
    same = [function(f"{word}_{_name(of)}", (of, of), t.BOOL, run) for of in _ORDERED]
    numbers = (t.INT, t.UINT, t.DOUBLE)
    crossed = [
        function(f"{word}_{_name(a)}_{_name(b)}", (a, b), t.BOOL, run) for a in numbers for b in numbers if a is not b
    ]
    return same + crossed


def _time(nanoseconds: Any) -> int:
    return int(nanoseconds.nanoseconds)


_ARITHMETIC: Functions = {
    "_+_": (
        function("add_int64", (t.INT, t.INT), t.INT, lambda a, b: _int(a + b)),
        function("add_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: _uint(int(a) + int(b))),
        function("add_double", (t.DOUBLE, t.DOUBLE), t.DOUBLE, lambda a, b: a + b),
        function("add_string", (t.STRING, t.STRING), t.STRING, lambda a, b: a + b),
        function("add_bytes", (t.BYTES, t.BYTES), t.BYTES, lambda a, b: a + b),
        function("add_list", (t.list_of(t.A), t.list_of(t.A)), t.list_of(t.A), add_lists),
        function(
            "add_duration_duration", (t.DURATION,) * 2, t.DURATION, lambda a, b: times.duration(_time(a) + _time(b))
        ),
        function(
            "add_timestamp_duration",
            (t.TIMESTAMP, t.DURATION),
            t.TIMESTAMP,
            lambda a, b: times.timestamp(_time(a) + _time(b)),
        ),
        function(
            "add_duration_timestamp",
            (t.DURATION, t.TIMESTAMP),
            t.TIMESTAMP,
            lambda a, b: times.timestamp(_time(a) + _time(b)),
        ),
    ),
    "_-_": (
        function("subtract_int64", (t.INT, t.INT), t.INT, lambda a, b: _int(a - b)),
        function("subtract_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: _uint(int(a) - int(b))),
        function("subtract_double", (t.DOUBLE, t.DOUBLE), t.DOUBLE, lambda a, b: a - b),
        function(
            "subtract_duration_duration",
            (t.DURATION,) * 2,
            t.DURATION,
            lambda a, b: times.duration(_time(a) - _time(b)),
        ),
        function(
            "subtract_timestamp_duration",
            (t.TIMESTAMP, t.DURATION),
            t.TIMESTAMP,
            lambda a, b: times.timestamp(_time(a) - _time(b)),
        ),
        function(
            "subtract_timestamp_timestamp",
            (t.TIMESTAMP, t.TIMESTAMP),
            t.DURATION,
            lambda a, b: times.duration(_time(a) - _time(b)),
        ),
    ),
    "_*_": (
        function("multiply_int64", (t.INT, t.INT), t.INT, lambda a, b: _int(a * b)),
        function("multiply_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: _uint(int(a) * int(b))),
        function("multiply_double", (t.DOUBLE, t.DOUBLE), t.DOUBLE, _product),
    ),
    "_/_": (
        function("divide_int64", (t.INT, t.INT), t.INT, lambda a, b: _int(_quotient(a, b))),
        function("divide_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: _uint(_quotient(int(a), int(b)))),
        function("divide_double", (t.DOUBLE, t.DOUBLE), t.DOUBLE, _ratio),
    ),
    "_%_": (
        function("modulo_int64", (t.INT, t.INT), t.INT, _remainder),
        function("modulo_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: _uint(_remainder(int(a), int(b)))),
    ),
    "-_": (
        function("negate_int64", (t.INT,), t.INT, lambda a: _int(-a)),
        function("negate_double", (t.DOUBLE,), t.DOUBLE, lambda a: -a),
    ),
    "!_": (function("logical_not", (t.BOOL,), t.BOOL, lambda a: not a),),
    "_==_": (function("equals", (t.A, t.A), t.BOOL, equal),),
    "_!=_": (function("not_equals", (t.A, t.A), t.BOOL, lambda a, b: not equal(a, b)),),
    "@in": (
        function("in_list", (t.A, t.list_of(t.A)), t.BOOL, lambda a, b: contains(b, a)),
        function("in_map", (t.A, t.map_of(t.A, t.B)), t.BOOL, lambda a, b: _has_key(b, a)),
    ),
    "_[_]": (
        function("index_list", (t.list_of(t.A), t.INT), t.A, lambda a, b: index_list(a, b)),
        function("index_map", (t.map_of(t.A, t.B), t.A), t.B, lambda a, b: index_map(a, b)),
    ),
    "_&&_": (function("logical_and", (t.BOOL, t.BOOL), t.BOOL, lambda a, b: a and b),),
    "_||_": (function("logical_or", (t.BOOL, t.BOOL), t.BOOL, lambda a, b: a or b),),
    "_?_:_": (function("conditional", (t.BOOL, t.A, t.A), t.A, lambda a, b, c: b if a else c),),
    "@not_strictly_false": (function("not_strictly_false", (t.BOOL,), t.BOOL, lambda a: a),),
    "cel.@mapInsert": (
        function("@mapInsert_map_key_value", (t.map_of(t.A, t.B), t.A, t.B), t.map_of(t.A, t.B), lambda *_: {}),
        function("@mapInsert_map_map", (t.map_of(t.A, t.B), t.map_of(t.A, t.B)), t.map_of(t.A, t.B), lambda *_: {}),
    ),
}


def _has_key(value: Any, key: Any) -> bool:
    return lookup(value, key) is not ABSENT


def index_list(items: list[Any], place: Any) -> Any:
    """The item at a place. Errors: CelEvaluationError when there is none."""
    if place.__class__ is float and place.is_integer():
        place = int(place)
    if place.__class__ is bool or not isinstance(place, int):
        raise CelEvaluationError(f"unsupported index type '{type_of(place)}' in list")
    if not 0 <= place < len(items):
        raise CelEvaluationError(f"index out of bounds: {int(place)}")
    return items[place]


def index_map(value: Any, key: Any) -> Any:
    """The value under a key. Errors: CelEvaluationError when there is none."""
    found = lookup(value, key)
    if found is ABSENT:
        shown = format_value(key)
        raise CelEvaluationError(f"no such key: {shown}")
    return found


def format_value(value: Any) -> str:
    """A value as errors name it."""
    if value.__class__ is bool:
        return "true" if value else "false"
    return format_double(value) if value.__class__ is float else str(value)


def _no_conversion(value: Any, target: str) -> CelEvaluationError:
    return CelEvaluationError(f"type conversion error from '{type_of(value)}' to '{target}'")


def _int_of_double(value: float) -> int:
    if math.isnan(value) or not -(2.0**63) < value < 2.0**63:
        raise CelEvaluationError("integer overflow")
    return int(value)


def _int_of_string(value: str) -> int:
    if not _INTEGER.fullmatch(value) or not INT_MIN <= int(value) <= INT_MAX:
        raise _no_conversion(value, "int")
    return int(value)


def _uint_of_double(value: float) -> Uint:
    if math.isnan(value) or not 0 <= value < 2.0**64:
        raise CelEvaluationError("unsigned integer overflow")
    return Uint(int(value))


def _uint_of_string(value: str) -> Uint:
    if not _UNSIGNED.fullmatch(value) or int(value) > UINT_MAX:
        raise _no_conversion(value, "uint")
    return Uint(int(value))


def double_of_string(value: str) -> float:
    if not _FLOAT.fullmatch(value):
        raise _no_conversion(value, "double")
    found = float(value)
    if math.isinf(found) and "inf" not in value.lower():
        raise _no_conversion(value, "double")
    return found


def _bool_of_string(value: str) -> bool:
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise _no_conversion(value, "bool")


def string_of_bytes(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise CelEvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None


_CONVERSIONS: Functions = {
    "int": (
        function("int64_to_int64", (t.INT,), t.INT, lambda v: v),
        function("uint64_to_int64", (t.UINT,), t.INT, lambda v: _int(int(v))),
        function("double_to_int64", (t.DOUBLE,), t.INT, _int_of_double),
        function("string_to_int64", (t.STRING,), t.INT, _int_of_string),
        function("timestamp_to_int64", (t.TIMESTAMP,), t.INT, lambda v: v.nanoseconds // 1_000_000_000),
        function("duration_to_int64", (t.DURATION,), t.INT, lambda v: v.nanoseconds),
    ),
    "uint": (
        function("uint64_to_uint64", (t.UINT,), t.UINT, lambda v: v),
        function("int64_to_uint64", (t.INT,), t.UINT, _uint),
        function("double_to_uint64", (t.DOUBLE,), t.UINT, _uint_of_double),
        function("string_to_uint64", (t.STRING,), t.UINT, _uint_of_string),
    ),
    "double": (
        function("double_to_double", (t.DOUBLE,), t.DOUBLE, lambda v: v),
        function("int64_to_double", (t.INT,), t.DOUBLE, float),
        function("uint64_to_double", (t.UINT,), t.DOUBLE, float),
        function("string_to_double", (t.STRING,), t.DOUBLE, double_of_string),
    ),
    "bool": (
        function("bool_to_bool", (t.BOOL,), t.BOOL, lambda v: v),
        function("string_to_bool", (t.STRING,), t.BOOL, _bool_of_string),
    ),
    "string": (
        function("string_to_string", (t.STRING,), t.STRING, lambda v: v),
        function("bool_to_string", (t.BOOL,), t.STRING, lambda v: "true" if v else "false"),
        function("int64_to_string", (t.INT,), t.STRING, str),
        function("uint64_to_string", (t.UINT,), t.STRING, lambda v: str(int(v))),
        function("double_to_string", (t.DOUBLE,), t.STRING, format_double),
        function("bytes_to_string", (t.BYTES,), t.STRING, string_of_bytes),
        function("timestamp_to_string", (t.TIMESTAMP,), t.STRING, times.show_timestamp),
        function("duration_to_string", (t.DURATION,), t.STRING, times.show_duration),
    ),
    "bytes": (
        function("bytes_to_bytes", (t.BYTES,), t.BYTES, lambda v: v),
        function("string_to_bytes", (t.STRING,), t.BYTES, lambda v: v.encode("utf-8", "surrogatepass")),
    ),
    "timestamp": (
        function("timestamp_to_timestamp", (t.TIMESTAMP,), t.TIMESTAMP, lambda v: v),
        function("string_to_timestamp", (t.STRING,), t.TIMESTAMP, times.timestamp_of),
        function("int64_to_timestamp", (t.INT,), t.TIMESTAMP, lambda v: times.timestamp(v * 1_000_000_000)),
    ),
    "duration": (
        function("duration_to_duration", (t.DURATION,), t.DURATION, lambda v: v),
        function("string_to_duration", (t.STRING,), t.DURATION, times.duration_of),
    ),
    "dyn": (function("to_dyn", (t.A,), t.DYN, lambda v: v),),
    "type": (function("type", (t.A,), t.type_of_type(t.A), type_of),),
}


def _matches(text: str, pattern: str) -> bool:
    return pattern_of(pattern).search(text) is not None


_SIZED = ((t.STRING, "string"), (t.BYTES, "bytes"), (t.list_of(t.A), "list"), (t.map_of(t.A, t.B), "map"))
_TEXTS: Functions = {
    "size": (
        *(function(f"size_{name}", (of,), t.INT, size_of) for of, name in _SIZED),
        *(member(f"{name}_size", (of,), t.INT, size_of) for of, name in _SIZED),
    ),
    "contains": (member("contains_string", (t.STRING, t.STRING), t.BOOL, lambda a, b: b in a),),
    "startsWith": (member("starts_with_string", (t.STRING, t.STRING), t.BOOL, str.startswith),),
    "endsWith": (member("ends_with_string", (t.STRING, t.STRING), t.BOOL, str.endswith),),
    "matches": (
        function("matches", (t.STRING, t.STRING), t.BOOL, _matches),
        member("matches_string", (t.STRING, t.STRING), t.BOOL, _matches),
    ),
}


def _clock(name: str, read: Callable[[Any], int]) -> tuple[Overload, Overload]:
    return (
        member(f"timestamp_to_{name}", (t.TIMESTAMP,), t.INT, lambda v: read(times.calendar(v))),
        member(f"timestamp_to_{name}_with_tz", (t.TIMESTAMP, t.STRING), t.INT, lambda v, z: read(times.calendar(v, z))),
    )


def _span(name: str, unit: int) -> Overload:
    return member(f"duration_to_{name}", (t.DURATION,), t.INT, lambda v: times.part(v, unit))


def _span_milliseconds(value: Duration) -> int:
    return times.part(value, 1_000_000) - times.part(value, 1_000_000_000) * 1000


def _clock_milliseconds(value: Timestamp, zone: str = "UTC") -> int:
    times.calendar(value, zone)
    return times.milliseconds(value)


_TIMES: Functions = {
    "getFullYear": _clock("year", lambda d: d.year),
    "getMonth": _clock("month", lambda d: d.month - 1),
    "getDayOfYear": _clock("day_of_year", lambda d: d.timetuple().tm_yday - 1),
    "getDayOfMonth": _clock("day_of_month", lambda d: d.day - 1),
    "getDate": _clock("day_of_month_1_based", lambda d: d.day),
    "getDayOfWeek": _clock("day_of_week", lambda d: d.isoweekday() % 7),
    "getHours": (*_clock("hours", lambda d: d.hour), _span("hours", 3_600_000_000_000)),
    "getMinutes": (*_clock("minutes", lambda d: d.minute), _span("minutes", 60_000_000_000)),
    "getSeconds": (*_clock("seconds", lambda d: d.second), _span("seconds", 1_000_000_000)),
    "getMilliseconds": (
        member("timestamp_to_milliseconds", (t.TIMESTAMP,), t.INT, _clock_milliseconds),
        member("timestamp_to_milliseconds_with_tz", (t.TIMESTAMP, t.STRING), t.INT, _clock_milliseconds),
        member("duration_to_milliseconds", (t.DURATION,), t.INT, _span_milliseconds),
    ),
}

STANDARD: Functions = {**_ARITHMETIC, **_comparisons(), **_CONVERSIONS, **_TEXTS, **_TIMES}

#: Names that stand for types.
TYPE_NAMES: dict[str, Type] = {
    "bool": t.BOOL,
    "int": t.INT,
    "uint": t.UINT,
    "double": t.DOUBLE,
    "string": t.STRING,
    "bytes": t.BYTES,
    "list": t.list_of(t.DYN),
    "map": t.map_of(t.DYN, t.DYN),
    "null_type": t.NULL,
    "type": t.TYPE,
    "dyn": t.DYN,
    "google.protobuf.Timestamp": t.TIMESTAMP,
    "google.protobuf.Duration": t.DURATION,
    "optional_type": t.optional_of(t.DYN),
    "net.IP": t.opaque("net.IP"),
    "net.CIDR": t.opaque("net.CIDR"),
}
