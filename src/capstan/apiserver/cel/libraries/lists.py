"""Functions of lists and sets: order, sums, places, slices, and containment."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from itertools import pairwise
from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.bounds import check_comparisons, check_list
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, Overload, function, member
from capstan.apiserver.cel.standard import STANDARD
from capstan.apiserver.cel.types import Type
from capstan.apiserver.cel.values import Duration, Uint, compare, contains, contains_all, equal, matches_type, type_of

_COMPARED: tuple[Type, ...] = (t.INT, t.UINT, t.DOUBLE, t.BOOL, t.DURATION, t.TIMESTAMP, t.STRING, t.BYTES)
_ZERO: tuple[tuple[Type, Any], ...] = ((t.INT, 0), (t.UINT, Uint(0)), (t.DOUBLE, 0.0), (t.DURATION, Duration(0)))
#: The longest list that `lists.range` makes: what a call may cost anyway.
_LONGEST = 1_000_000
_LIST = t.list_of(t.A)


def _is_sorted(items: list[Any]) -> bool:
    return all(compare(a, b) <= 0 for a, b in pairwise(items))


def _sum(zero: Any) -> Callable[[list[Any]], Any]:
    def run(items: list[Any]) -> Any:
        total = zero
        for place, item in enumerate(items):
            total = item if place == 0 else _plus(total, item)
        return total

    return run


def _plus(first: Any, second: Any) -> Any:
    for overload in STANDARD["_+_"]:
        if matches_type(first, overload.params[0]) and matches_type(second, overload.params[1]):
            return overload.impl(first, second)
    raise CelEvaluationError("no such overload")


def _extreme(name: str, sign: int) -> Callable[[list[Any]], Any]:
    def run(items: list[Any]) -> Any:
        if not items:
            raise CelEvaluationError(f"{name} called on empty list")
        found = items[0]
        for item in items[1:]:
            if compare(item, found) * sign > 0:
                found = item
        return found

    return run


def _index_of(items: list[Any], wanted: Any) -> int:
    return next((place for place, item in enumerate(items) if equal(item, wanted)), -1)


def _last_index_of(items: list[Any], wanted: Any) -> int:
    return next((place for place in range(len(items) - 1, -1, -1) if equal(items[place], wanted)), -1)


def _includes(items: Any, wanted: Any) -> bool:
    return contains(items, wanted) if isinstance(items, list) else equal(items, wanted)


def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise CelEvaluationError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise CelEvaluationError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(items):
        raise CelEvaluationError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise CelEvaluationError("level must be non-negative")
    found: list[Any] = []
    for item in items:
        if isinstance(item, list) and depth > 0:
            found.extend(_flatten(item, depth - 1))
            check_list(len(found))
        else:
            found.append(item)
    return found


def _sorted_by(items: list[Any], keys: list[Any]) -> list[Any]:
    if len(items) != len(keys):
        raise CelEvaluationError("sortBy expected as many keys as elements")
    if any(type_of(key) != type_of(keys[0]) for key in keys):
        raise CelEvaluationError("list elements must have the same type")
    in_order: Callable[[int, int], int] = lambda a, b: compare(keys[a], keys[b])  # noqa: E731
    order: list[int] = sorted(range(len(items)), key=cmp_to_key(in_order))
    return [items[place] for place in order]


def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    texts: set[str] = set()
    if any(item.__class__ is not str for item in items):
        check_comparisons(len(items), len(items))
    for item in items:
        if item.__class__ is str:
            if item in texts:
                continue
            texts.add(item)
        elif contains(found, item):
            continue
        found.append(item)
    return found


def _intersects(first: list[Any], second: list[Any]) -> bool:
    check_comparisons(len(first), len(second))
    return any(contains(second, item) for item in first)


def _range(count: int) -> list[int]:
    if count > _LONGEST:
        raise CelEvaluationError(f"lists.range: {count} elements are more than {_LONGEST}")
    return list(range(count))


def _sorts(name: str, suffix: str, impl: Callable[..., Any], keys: bool = False) -> tuple[Overload, ...]:
    if keys:
        return tuple(member(f"list_{of}_{suffix}", (_LIST, t.list_of(of)), _LIST, impl) for of in _COMPARED)
    return tuple(member(f"list_{of}_{suffix}", (t.list_of(of),), t.list_of(of), impl) for of in _COMPARED)


def _each(suffix: str, impl: Callable[..., Any], result: Type | None = None) -> tuple[Overload, ...]:
    return tuple(member(f"list_{of}_{suffix}", (t.list_of(of),), result or of, impl) for of in _COMPARED)


LISTS: Functions = {
    "isSorted": _each("is_sorted_bool", _is_sorted, t.BOOL),
    "sum": tuple(member(f"list_{of}_sum_{of}", (t.list_of(of),), of, _sum(zero)) for of, zero in _ZERO),
    "max": _each("max", _extreme("max", 1)),
    "min": _each("min", _extreme("min", -1)),
    "indexOf": (member("list_a_index_of_int", (_LIST, t.A), t.INT, _index_of),),
    "lastIndexOf": (member("list_a_last_index_of_int", (_LIST, t.A), t.INT, _last_index_of),),
    "includes": (member("list_includes_dyn_dyn", (t.DYN, t.DYN), t.BOOL, _includes),),
    "slice": (member("list_slice", (_LIST, t.INT, t.INT), _LIST, _slice),),
    "flatten": (
        member("list_flatten", (t.list_of(_LIST),), _LIST, _flatten),
        member("list_flatten_int", (t.list_of(t.DYN), t.INT), t.list_of(t.DYN), _flatten),
    ),
    "sort": _sorts("sort", "sort", lambda items: _sorted_by(items, items)),
    "@sortByAssociatedKeys": _sorts("sortBy", "sortByAssociatedKeys", _sorted_by, keys=True),
    "lists.range": (function("lists_range", (t.INT,), t.list_of(t.INT), _range),),
    "reverse": (member("list_reverse", (_LIST,), _LIST, lambda items: list(reversed(items))),),
    "distinct": (member("list_distinct", (_LIST,), _LIST, _distinct),),
}

SETS: Functions = {
    "sets.contains": (function("list_sets_contains_list", (_LIST, _LIST), t.BOOL, contains_all),),
    "sets.equivalent": (
        function(
            "list_sets_equivalent_list",
            (_LIST, _LIST),
            t.BOOL,
            lambda a, b: contains_all(a, b) and contains_all(b, a),
        ),
    ),
    "sets.intersects": (function("list_sets_intersects_list", (_LIST, _LIST), t.BOOL, _intersects),),
}
