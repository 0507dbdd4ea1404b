"""The operators, but for those that compare which is more."""

from __future__ import annotations

from typing import Any

from capstan.apiserver.cel import times
from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.bounds import check_comparisons, check_list
from capstan.apiserver.cel.functions import Functions, function
from capstan.apiserver.cel.standard.indexing import index_list, index_map
from capstan.apiserver.cel.standard.numbers import checked_int, checked_uint, quotient, ratio, remainder
from capstan.apiserver.cel.values import ABSENT, KeyedList, SetList, contains, equal, lookup


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


def _time(nanoseconds: Any) -> int:
    return int(nanoseconds.nanoseconds)


OPERATORS: Functions = {
    "_+_": (
        function("add_int64", (t.INT, t.INT), t.INT, lambda a, b: checked_int(a + b)),
        function("add_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: checked_uint(int(a) + int(b))),
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
        function("subtract_int64", (t.INT, t.INT), t.INT, lambda a, b: checked_int(a - b)),
        function("subtract_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: checked_uint(int(a) - int(b))),
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
        function("multiply_int64", (t.INT, t.INT), t.INT, lambda a, b: checked_int(a * b)),
        function("multiply_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: checked_uint(int(a) * int(b))),
        function("multiply_double", (t.DOUBLE, t.DOUBLE), t.DOUBLE, lambda a, b: a * b),
    ),
    "_/_": (
        function("divide_int64", (t.INT, t.INT), t.INT, lambda a, b: checked_int(quotient(a, b))),
        function("divide_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: checked_uint(quotient(int(a), int(b)))),
        function("divide_double", (t.DOUBLE, t.DOUBLE), t.DOUBLE, ratio),
    ),
    "_%_": (
        function("modulo_int64", (t.INT, t.INT), t.INT, remainder),
        function("modulo_uint64", (t.UINT, t.UINT), t.UINT, lambda a, b: checked_uint(remainder(int(a), int(b)))),
    ),
    "-_": (
        function("negate_int64", (t.INT,), t.INT, lambda a: checked_int(-a)),
        function("negate_double", (t.DOUBLE,), t.DOUBLE, lambda a: -a),
    ),
    "!_": (function("logical_not", (t.BOOL,), t.BOOL, lambda a: not a),),
    "_==_": (function("equals", (t.A, t.A), t.BOOL, equal),),
    "_!=_": (function("not_equals", (t.A, t.A), t.BOOL, lambda a, b: not equal(a, b)),),
    "@in": (
        function("in_list", (t.A, t.list_of(t.A)), t.BOOL, lambda a, b: contains(b, a)),
        function("in_map", (t.A, t.map_of(t.A, t.B)), t.BOOL, lambda a, b: lookup(b, a) is not ABSENT),
    ),
    "_[_]": (
        function("index_list", (t.list_of(t.A), t.INT), t.A, index_list),
        function("index_map", (t.map_of(t.A, t.B), t.A), t.B, index_map),
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
