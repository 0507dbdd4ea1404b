"""What one call can cost and how large its result can be, from the sizes of its arguments: Kubernetes' numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from capstan.apiserver.cel.costs import AUTHORIZATION, LIST, PATTERN, STRUCT, TRAVERSE
from capstan.apiserver.cel.sizes import MOST, ONE, UNKNOWN, Range, fixed
from capstan.apiserver.cel.types import Type

#: Code points that the pattern behind a named format is taken to have.
_FORMAT_PATTERN = 128
#: Code points that the name of a format is taken to have.
_LONGEST_FORMAT = 64
#: Types whose values compare at one unit.
_FLAT = frozenset({"kubernetes.Quantity", "kubernetes.Semver", "net.IP", "net.CIDR"})


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: its type, its size as far as known, the declared type it comes from, a literal's value."""

    type: Type
    size: Range | None
    declared: Type | None
    literal: Any

    @property
    def size_or_unknown(self) -> Range:
        return self.size or UNKNOWN


_Found = tuple[Range, Range | None]
_Estimate = Callable[[Argument | None, list[Argument]], _Found]
_FREE_OF_SIZE: _Found = (ONE, None)


def of_call(function: str, overload: str, target: Argument | None, args: list[Argument]) -> _Found:
    """Cost without that of the arguments, and the size of the result if something is known of it."""
    own = _BY_OVERLOAD.get(overload) or _BY_FUNCTION.get(function)
    return own(target, args) if own is not None else _FREE_OF_SIZE


def _nodes(target: Argument | None, args: list[Argument]) -> list[Argument]:
    return [target, *args] if target is not None else args


def _whole(factor: float, *, result: bool = False) -> _Estimate:
    """Reading the first argument (the target, if there is one) once."""

    def estimate(target: Argument | None, args: list[Argument]) -> _Found:
        size = _nodes(target, args)[0].size_or_unknown
        return size.scaled(factor), size if result else None

    return estimate


def _prefix(target: Argument | None, args: list[Argument]) -> _Found:
    return args[-1].size_or_unknown.scaled(TRAVERSE), None


def _to_bytes(target: Argument | None, args: list[Argument]) -> _Found:
    size = args[0].size_or_unknown
    return size.scaled(TRAVERSE), Range(size.least, min(size.most * 4, MOST))


def _from_bytes(target: Argument | None, args: list[Argument]) -> _Found:
    size = args[0].size_or_unknown
    return size.scaled(TRAVERSE), Range(size.least // 4, size.most)


def _member_of(target: Argument | None, args: list[Argument]) -> _Found:
    return args[1].size_or_unknown.scaled(1), None


def _pattern(target: Argument | None, args: list[Argument]) -> _Found:
    text, pattern = _nodes(target, args)[:2]
    cost = (text.size_or_unknown + ONE).scaled(TRAVERSE) * pattern.size_or_unknown.scaled(PATTERN)
    return cost, None


def _find(target: Argument | None, args: list[Argument]) -> _Found:
    cost, _ = _pattern(target, args)
    return cost, Range(0, _nodes(target, args)[0].size_or_unknown.most)


def _within(target: Argument | None, args: list[Argument]) -> _Found:
    text, part = _nodes(target, args)[:2]
    return text.size_or_unknown.scaled(TRAVERSE) * part.size_or_unknown.scaled(TRAVERSE), None


def _added(target: Argument | None, args: list[Argument]) -> _Found:
    size = args[0].size_or_unknown + args[1].size_or_unknown
    return size.scaled(TRAVERSE), size


def _compared(target: Argument | None, args: list[Argument]) -> _Found:
    smaller = min(args[0].size_or_unknown.most, args[1].size_or_unknown.most)
    return Range(1 if smaller else 0, smaller).scaled(TRAVERSE), None


def _equal(target: Argument | None, args: list[Argument]) -> _Found:
    if args[0].type == args[1].type:
        name = args[0].type.name
        if name in _FLAT or name.startswith("kubernetes.authorization."):
            return _FREE_OF_SIZE
        if name == "kubernetes.NamedFormat":
            return Range(1, _LONGEST_FORMAT).scaled(TRAVERSE), None
        if name == "kubernetes.URL":
            size = args[1].size or ONE
            return Range(1, size.most).scaled(TRAVERSE), None
    return _compared(target, args)


def element_of(of: Argument) -> Argument | None:
    """An item of a list argument."""
    if not of.type.params:
        return None
    declared = of.declared.params[0] if of.declared is not None and of.declared.params else None
    limit = declared.limit if declared is not None else None
    return Argument(of.type.params[0], Range(0, limit) if limit is not None else None, declared, None)


def _traversed(target: Argument | None, args: list[Argument]) -> _Found:
    of = _nodes(target, args)[0]
    item = element_of(of)
    if item is None:
        return of.size_or_unknown.scaled(TRAVERSE), None
    each = ONE
    if item.type.kind in ("string", "bytes"):
        each = each + item.size_or_unknown.scaled(TRAVERSE)
    return of.size_or_unknown * each, None


def _includes(target: Argument | None, args: list[Argument]) -> _Found:
    of = _nodes(target, args)[0]
    return _traversed(target, args) if of.type.params else (of.size_or_unknown * ONE, None)


def _replaced(target: Argument | None, args: list[Argument]) -> _Found:
    text, old, new = (node.size_or_unknown for node in _nodes(target, args)[:3])
    if old.least == 0:
        most, kept_most = min(text.most + 1, MOST), text.most
    elif new.most <= old.least:
        most, kept_most = 0, text.most
    else:
        most, kept_most = ceil(text.most / old.least), 0
    if old.most == 0:
        least, kept_least = text.least + 1, text.least
    elif old.most <= new.least:
        least, kept_least = 0, text.least
    else:
        least, kept_least = ceil(text.least / old.most), 0
    return text.scaled(2 * TRAVERSE), Range(least, most) * new + Range(kept_least, kept_most)


def _split(target: Argument | None, args: list[Argument]) -> _Found:
    text = _nodes(target, args)[0].size_or_unknown
    literal = args[1].literal if len(args) > 1 else None
    most = max(0, literal) if isinstance(literal, int) and literal >= 0 else text.most
    return text.scaled(2 * TRAVERSE), Range(0, most)


def _joined(target: Argument | None, args: list[Argument]) -> _Found:
    of = _nodes(target, args)[0]
    count, item = of.size_or_unknown, element_of(of)
    size = count * item.size_or_unknown if item is not None else fixed(0)
    if args:
        size = size + args[0].size_or_unknown * Range(max(0, count.least - 1), max(0, count.most - 1))
    return size.scaled(TRAVERSE), size


def _address(text: bool, network: bool) -> _Estimate:
    def estimate(target: Argument | None, args: list[Argument]) -> _Found:
        size = Range(4, 16)
        cost = (size + size).scaled(TRAVERSE)
        if network:
            cost = cost + size.scaled(TRAVERSE) + ONE
        if text:
            cost = cost + args[-1].size_or_unknown.scaled(TRAVERSE)
        return cost, None

    return estimate


def _validated(target: Argument | None, args: list[Argument]) -> _Found:
    return args[-1].size_or_unknown.scaled(TRAVERSE).scaled(_FORMAT_PATTERN * PATTERN), None


def _authorized(target: Argument | None, args: list[Argument]) -> _Found:
    return fixed(AUTHORIZATION), None


def _selector(target: Argument | None, args: list[Argument]) -> _Found:
    size = args[-1].size_or_unknown
    return fixed(LIST) + size.scaled(TRAVERSE) + size.scaled(0.5).scaled(LIST + STRUCT), None


def _sets(factor: int) -> _Estimate:
    return lambda target, args: ((args[0].size_or_unknown * args[1].size_or_unknown).scaled(factor) + ONE, None)


def _allocated(factor: float, size: Range) -> _Found:
    return size.scaled(factor) + ONE + fixed(LIST), size


def _number(of: Argument, otherwise: int) -> int:
    return max(0, of.literal) if isinstance(of.literal, int) and not isinstance(of.literal, bool) else otherwise


def _sliced(target: Argument | None, args: list[Argument]) -> _Found:
    of, start, end = _nodes(target, args)[:3]
    return _allocated(1, fixed(max(0, _number(end, of.size_or_unknown.most) - _number(start, 0))))


def _ranged(target: Argument | None, args: list[Argument]) -> _Found:
    return _allocated(1, fixed(_number(args[0], MOST)))


def _reversed(target: Argument | None, args: list[Argument]) -> _Found:
    return _allocated(1, _nodes(target, args)[0].size_or_unknown)


def _flattened(target: Argument | None, args: list[Argument]) -> _Found:
    nodes = _nodes(target, args)
    depth = _number(nodes[1], MOST) if len(nodes) == 2 else 1
    return _allocated(float(depth), nodes[0].size_or_unknown)


def _squared(place: int, factor: float) -> _Estimate:
    def estimate(target: Argument | None, args: list[Argument]) -> _Found:
        size = _nodes(target, args)[place].size_or_unknown
        return _allocated(factor, size * size)

    return estimate


def _quoted(target: Argument | None, args: list[Argument]) -> _Found:
    size = args[0].size_or_unknown
    return size.scaled(TRAVERSE), Range(size.least + 2, min(size.most * 2 + 2, MOST))


_ORDER = ("less", "less_equals", "greater", "greater_equals")
_SORTED = {
    "int": 2.0,
    "uint": 2.0,
    "double": 2.0,
    "bool": 2.0,
    "duration": 2.0,
    "timestamp": 2.0,
    "string": 2.1,
    "bytes": 2.1,
}
_BY_OVERLOAD: dict[str, _Estimate] = {
    "string_format": _whole(TRAVERSE),
    "string_to_bytes": _to_bytes,
    "bytes_to_string": _from_bytes,
    "strings_quote": _quoted,
    "starts_with_string": _prefix,
    "ends_with_string": _prefix,
    "in_list": _member_of,
    "matches_string": _pattern,
    "contains_string": _within,
    "add_string": _added,
    "add_bytes": _added,
    **{f"{word}_{of}": _compared for word in _ORDER for of in ("string", "bytes")},
    "equals": _equal,
    "not_equals": _compared,
    "string_to_ip": _whole(TRAVERSE),
    "cidr_contains_ip_string": _address(text=True, network=False),
    "cidr_contains_ip_ip": _address(text=False, network=False),
    "cidr_contains_cidr_string": _address(text=True, network=True),
    "cidr_contains_cidr": _address(text=False, network=True),
    "list_sets_contains_list": _sets(1),
    "list_sets_intersects_list": _sets(1),
    "list_sets_equivalent_list": _sets(2),
    "list_slice": _sliced,
    "lists_range": _ranged,
    "list_reverse": _reversed,
    "list_flatten": _flattened,
    "list_flatten_int": _flattened,
    "list_distinct": _squared(0, 2.0),
    **{f"list_{of}_sort": _squared(0, factor) for of, factor in _SORTED.items()},
    **{f"list_{of}_sortByAssociatedKeys": _squared(1, factor) for of, factor in _SORTED.items()},
}
_BY_FUNCTION: dict[str, _Estimate] = {
    "check": _authorized,
    "fieldSelector": _selector,
    "labelSelector": _selector,
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _traversed),
    "includes": _includes,
    **dict.fromkeys(
        ("url", "jsonpatch.escapeKey", "lowerAscii", "upperAscii", "substring", "trim"), _whole(TRAVERSE, result=True)
    ),
    "replace": _replaced,
    "split": _split,
    "join": _joined,
    "find": _find,
    "findAll": _find,
    **dict.fromkeys(("cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"), _whole(TRAVERSE)),
    "ip.isCanonical": _whole(2 * TRAVERSE),
    "validate": _validated,
}
