"""What makes a value of one type of a value of another."""

from __future__ import annotations

import math
import re
from typing import Any

from capstan.apiserver.cel import times
from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, function
from capstan.apiserver.cel.standard.numbers import checked_int, checked_uint
from capstan.apiserver.cel.values import INT_MAX, INT_MIN, UINT_MAX, Uint, format_double, type_of

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_UNSIGNED = re.compile(r"[0-9]{1,30}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_TRUE, _FALSE = (
    frozenset({"1", "t", "T", "TRUE", "true", "True"}),
    frozenset({"0", "f", "F", "FALSE", "false", "False"}),
)


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


CONVERSIONS: Functions = {
    "int": (
        function("int64_to_int64", (t.INT,), t.INT, lambda v: v),
        function("uint64_to_int64", (t.UINT,), t.INT, lambda v: checked_int(int(v))),
        function("double_to_int64", (t.DOUBLE,), t.INT, _int_of_double),
        function("string_to_int64", (t.STRING,), t.INT, _int_of_string),
        function("timestamp_to_int64", (t.TIMESTAMP,), t.INT, lambda v: v.nanoseconds // 1_000_000_000),
        function("duration_to_int64", (t.DURATION,), t.INT, lambda v: v.nanoseconds),
    ),
    "uint": (
        function("uint64_to_uint64", (t.UINT,), t.UINT, lambda v: v),
        function("int64_to_uint64", (t.INT,), t.UINT, checked_uint),
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
