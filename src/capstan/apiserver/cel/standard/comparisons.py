"""The operators that compare which is more, of equal types and of all kinds of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.functions import Functions, Overload, function
from capstan.apiserver.cel.types import Type
from capstan.apiserver.cel.values import compare

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


COMPARISONS: Functions = {name: tuple(_comparison(name, decide)) for name, decide in _COMPARED}
