"""Quantities like `1.5Gi` or `200m`, compared and added exactly."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil
from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, function, member
from capstan.apiserver.cel.values import INT_MAX, INT_MIN, Opaque

QUANTITY = t.Type("object", "kubernetes.Quantity")
_WRITTEN = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)([a-zA-Z]{0,2}|[eE][+-]?\d{1,4})", re.ASCII)
_SUFFIXES = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1),
    "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12),
    "P": Fraction(10**15), "E": Fraction(10**18),
    "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "Ti": Fraction(2**40),
    "Pi": Fraction(2**50), "Ei": Fraction(2**60),
}  # fmt: skip
_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_LARGEST = Fraction(INT_MAX)


class Quantity(Opaque):
    """An exact amount."""

    __slots__ = ("amount",)
    cel_type = QUANTITY

    def __init__(self, amount: Fraction) -> None:
        self.amount = amount

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __hash__(self) -> int:
        return hash(self.amount)


def quantity(text: str) -> Quantity:
    """Errors: CelEvaluationError."""
    found = _WRITTEN.fullmatch(text) if len(text) <= 200 else None
    if found is None:
        raise CelEvaluationError(_WRONG)
    sign, digits, suffix = found.groups()
    factor = _SUFFIXES.get(suffix)
    if factor is None:
        if suffix[:1] not in ("e", "E") or len(suffix) < 2:
            raise CelEvaluationError("unable to parse quantity's suffix")
        exponent = int(suffix[1:])
        if abs(exponent) > 400:
            raise CelEvaluationError(_WRONG)
        factor = Fraction(10) ** exponent
    amount = Fraction(digits if not digits.startswith(".") else f"0{digits}") * factor
    if (amount * 10**9).denominator != 1:
        # Nothing is finer than a nano; what is, is rounded away from zero.
        amount = Fraction(ceil(amount * 10**9), 10**9)
    return Quantity(-min(amount, _LARGEST) if sign == "-" else min(amount, _LARGEST))


def is_quantity(text: str) -> bool:
    try:
        quantity(text)
    except CelEvaluationError:
        return False
    return True


def _whole(value: Quantity) -> bool:
    return value.amount.denominator == 1 and INT_MIN <= value.amount <= INT_MAX


def _integer(value: Quantity) -> int:
    if not _whole(value):
        raise CelEvaluationError("cannot convert value to integer")
    return int(value.amount)


def _amount(value: Any) -> Fraction:
    return value.amount if isinstance(value, Quantity) else Fraction(int(value))


def _sign(amount: Fraction) -> int:
    return (amount > 0) - (amount < 0)


_Q = QUANTITY

QUANTITIES: Functions = {
    "quantity": (function("string_to_quantity", (t.STRING,), _Q, quantity),),
    "isQuantity": (function("is_quantity_string", (t.STRING,), t.BOOL, is_quantity),),
    "sign": (member("quantity_sign", (_Q,), t.INT, lambda q: _sign(q.amount)),),
    "isGreaterThan": (member("quantity_is_greater_than", (_Q, _Q), t.BOOL, lambda a, b: a.amount > b.amount),),
    "isLessThan": (member("quantity_is_less_than", (_Q, _Q), t.BOOL, lambda a, b: a.amount < b.amount),),
    "compareTo": (member("quantity_compare_to", (_Q, _Q), t.INT, lambda a, b: _sign(a.amount - b.amount)),),
    "asApproximateFloat": (member("quantity_get_float", (_Q,), t.DOUBLE, lambda q: float(q.amount)),),
    "asInteger": (member("quantity_get_int", (_Q,), t.INT, _integer),),
    "isInteger": (member("quantity_is_integer", (_Q,), t.BOOL, _whole),),
    "add": (
        member("quantity_add", (_Q, _Q), _Q, lambda a, b: Quantity(a.amount + _amount(b))),
        member("quantity_add_int", (_Q, t.INT), _Q, lambda a, b: Quantity(a.amount + _amount(b))),
    ),
    "sub": (
        member("quantity_sub", (_Q, _Q), _Q, lambda a, b: Quantity(a.amount - _amount(b))),
        member("quantity_sub_int", (_Q, t.INT), _Q, lambda a, b: Quantity(a.amount - _amount(b))),
    ),
}
