"""Whole numbers within their bounds, and divisions as the language has them."""

from __future__ import annotations

import math

from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.values import INT_MAX, INT_MIN, UINT_MAX, Uint


def checked_int(value: int) -> int:
    if not INT_MIN <= value <= INT_MAX:
        raise CelEvaluationError("integer overflow")
    return value


def checked_uint(value: int) -> Uint:
    if not 0 <= value <= UINT_MAX:
        raise CelEvaluationError("unsigned integer overflow")
    return Uint(value)


def quotient(first: int, second: int) -> int:
    if second == 0:
        raise CelEvaluationError("division by zero")
    found = abs(first) // abs(second)
    return -found if (first < 0) != (second < 0) else found


def remainder(first: int, second: int) -> int:
    if second == 0:
        raise CelEvaluationError("modulus by zero")
    if first == INT_MIN and second == -1:
        raise CelEvaluationError("integer overflow")
    found = abs(first) % abs(second)
    return -found if first < 0 else found


def ratio(first: float, second: float) -> float:
    if second == 0:
        if first == 0 or math.isnan(first):
            return math.nan
        return math.copysign(math.inf, first) * math.copysign(1, second)
    return first / second
