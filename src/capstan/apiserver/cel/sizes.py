"""Ranges of sizes and costs: arithmetic that stops at the largest unsigned integer."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

MOST = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Range:
    """From `least` to `most`, of units of cost or of elements."""

    least: int
    most: int

    def __add__(self, other: Range) -> Range:
        return Range(min(self.least + other.least, MOST), min(self.most + other.most, MOST))

    def __mul__(self, other: Range) -> Range:
        return Range(min(self.least * other.least, MOST), min(self.most * other.most, MOST))

    def __or__(self, other: Range) -> Range:
        return Range(min(self.least, other.least), max(self.most, other.most))

    def scaled(self, factor: float) -> Range:
        return Range(_scaled(self.least, factor), _scaled(self.most, factor))


def _scaled(value: int, factor: float) -> int:
    return MOST if value * factor >= MOST else ceil(value * factor)


def fixed(value: int) -> Range:
    return Range(value, value)


UNKNOWN = Range(0, MOST)
ZERO = fixed(0)
ONE = fixed(1)
EMPTY = Range(MOST, 0)
