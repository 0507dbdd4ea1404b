"""Semantic versions: `semver()` and their order."""

from __future__ import annotations

import re
from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, function, member
from capstan.apiserver.cel.values import Opaque

SEMVER = t.Type("object", "kubernetes.Semver")
_WRITTEN = re.compile(
    r"(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})"
    r"(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)


class Semver(Opaque):
    """A version; what follows a plus does not count."""

    __slots__ = ("order", "parts")
    cel_type = SEMVER

    def __init__(self, parts: tuple[int, int, int], pre: str) -> None:
        self.parts = parts
        names = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in pre.split(".")) if pre else ()
        # A version comes after all its pre-releases.
        self.order: tuple[Any, ...] = (*parts, not pre, names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self.order == other.order

    def __hash__(self) -> int:
        return hash(self.order)


def semver(text: str, normalize: bool = False) -> Semver:
    """Errors: CelEvaluationError."""
    found = _WRITTEN.fullmatch(_normal(text) if normalize else text)
    if found is None:
        if not text:
            raise CelEvaluationError("Version string empty")
        if text.count(".") < 2:
            raise CelEvaluationError("No Major.Minor.Patch elements found")
        raise CelEvaluationError(f'Invalid character(s) found in version "{text}"')
    major, minor, patch, pre, _ = found.groups()
    return Semver((int(major), int(minor), int(patch)), pre or "")


def _normal(text: str) -> str:
    parts = text.removeprefix("v").split(".", 2)
    for place, part in enumerate(parts):
        if len(part) > 1:
            stripped = part.lstrip("0")
            parts[place] = stripped if stripped[:1].isdigit() else f"0{stripped}"
    if len(parts) < 3 and not re.search(r"[+-]", parts[-1]):
        parts += ["0"] * (3 - len(parts))
    return ".".join(parts)


def is_semver(text: str, normalize: bool = False) -> bool:
    try:
        semver(text, normalize)
    except CelEvaluationError:
        return False
    return True


def _compare(first: Semver, second: Semver) -> int:
    return (first.order > second.order) - (first.order < second.order)


SEMVERS: Functions = {
    "semver": (
        function("string_to_semver", (t.STRING,), SEMVER, semver),
        function("string_bool_to_semver", (t.STRING, t.BOOL), SEMVER, semver),
    ),
    "isSemver": (
        function("is_semver_string", (t.STRING,), t.BOOL, is_semver),
        function("is_semver_string_bool", (t.STRING, t.BOOL), t.BOOL, is_semver),
    ),
    "isGreaterThan": (member("semver_is_greater_than", (SEMVER, SEMVER), t.BOOL, lambda a, b: _compare(a, b) > 0),),
    "isLessThan": (member("semver_is_less_than", (SEMVER, SEMVER), t.BOOL, lambda a, b: _compare(a, b) < 0),),
    "compareTo": (member("semver_compare_to", (SEMVER, SEMVER), t.INT, _compare),),
    "major": (member("semver_major", (SEMVER,), t.INT, lambda v: v.parts[0]),),
    "minor": (member("semver_minor", (SEMVER,), t.INT, lambda v: v.parts[1]),),
    "patch": (member("semver_patch", (SEMVER,), t.INT, lambda v: v.parts[2]),),
}
