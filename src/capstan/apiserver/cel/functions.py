"""What a function is: its overloads with their types and what they do in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from capstan.apiserver.cel.types import Type


@dataclass(frozen=True, slots=True)
class Overload:
    """One form of a function. A member's first parameter is what stands before the dot."""

    id: str
    params: tuple[Type, ...]
    result: Type
    impl: Callable[..., Any]
    member: bool = False


#: Functions by name.
Functions = Mapping[str, tuple[Overload, ...]]


def function(id: str, params: Iterable[Type], result: Type, impl: Callable[..., Any]) -> Overload:
    return Overload(id, tuple(params), result, impl)


def member(id: str, params: Iterable[Type], result: Type, impl: Callable[..., Any]) -> Overload:
    return Overload(id, tuple(params), result, impl, member=True)


def merged(libraries: Iterable[Functions]) -> dict[str, tuple[Overload, ...]]:
    """All functions of several libraries; overloads of one name add up."""
    found: dict[str, tuple[Overload, ...]] = {}
    for library in libraries:
        for name, overloads in library.items():
            found[name] = (*found.get(name, ()), *overloads)
    return found
