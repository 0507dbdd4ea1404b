"""Semantic versions and their order, with and without what follows the plus."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

_WRITTEN: Final = re.compile(
    r"(?P<major>\d+)\.(?P<minor>\d+)\.(?P<patch>\d+)"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)

#: Less, equal, greater, or different without an order.
Comparison = Literal[-1, 0, 1, 2]


@dataclass(frozen=True, slots=True)
class SemVer:
    """A version. `pre` and `build` are what stands after `-` and `+`, empty where nothing does."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    build: str = ""

    def __str__(self) -> str:
        tail = (f"-{self.pre}" if self.pre else "") + (f"+{self.build}" if self.build else "")
        return f"{self.major}.{self.minor}.{self.patch}{tail}"


def parse_tolerant(text: str) -> SemVer | None:
    """A version as people write it: with or without the `v`, zeros in front, and the last numbers. None for others."""
    text = text.strip().removeprefix("v")
    core, rest = re.match(r"([0-9.]*)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if not rest and core.count(".") < 2 and core:
        core += ".0" * (2 - core.count("."))
    found = _WRITTEN.fullmatch(core + rest)
    if found is None:
        return None
    major, minor, patch = (int(found[name]) for name in ("major", "minor", "patch"))
    return SemVer(major, minor, patch, found["pre"] or "", found["build"] or "")


def compare(a: SemVer, b: SemVer) -> Comparison:
    """The order of semantic versions: a version comes after its pre-releases, and builds do not count."""
    return _ordered(_precedence(a), _precedence(b))


def compare_builds_too(a: SemVer, b: SemVer) -> Comparison:
    """The same; of equal versions, the order of their builds. Builds with letters are equal or just different."""
    order = compare(a, b)
    if order:
        return order
    ours, theirs = a.build.split(".") if a.build else [], b.build.split(".") if b.build else []
    for mine, other in zip(ours, theirs, strict=False):
        found = _compare_builds(mine, other)
        if found:
            return found
    return _ordered((len(ours),), (len(theirs),))


def order_key(text: str) -> tuple[Any, ...]:
    """A sort key for versions as people write them: by precedence, then by their builds. What is no version comes by
    the numbers that are in it, before what is one."""
    version = parse_tolerant(text)
    if version is None:
        numbers = [int(number) for number in re.findall(r"\d+", text)]
        return (*[*numbers, 0, 0, 0][:3], False, (), (), text)
    return (*_precedence(version), _parts(version.build), text)


def _compare_builds(mine: str, other: str) -> Comparison:
    if mine.isdigit() != other.isdigit():
        return -1 if mine.isdigit() else 1
    if mine.isdigit():
        return _ordered((int(mine),), (int(other),))
    return 0 if mine == other else 2


def _precedence(version: SemVer) -> tuple[object, ...]:
    return (version.major, version.minor, version.patch, not version.pre, _parts(version.pre))


def _parts(text: str) -> tuple[tuple[int, int, str], ...]:
    """What dots separate, in an order in which numbers come first, by their value."""
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in text.split(".")) if text else ()


def _ordered(a: tuple[object, ...], b: tuple[object, ...]) -> Comparison:
    if a == b:
        return 0
    return -1 if a < b else 1
