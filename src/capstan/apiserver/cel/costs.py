"""What an expression costs while it runs: the price of each call from the sizes of its arguments.

The numbers are those of Kubernetes (cel-go's tracker and the API server's library of costs), since they decide which
rules a server accepts: one unit for a step, a tenth of one for a code point that is read.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

from capstan.apiserver.cel.bounds import surcharge
from capstan.apiserver.cel.values import View, size_of

#: Units for one code point, and for one of a pattern.
TRAVERSE, PATTERN = 0.1, 0.25
LIST, MAP, STRUCT = 10, 30, 40
#: Units of one authorization check: two fit into an expression.
AUTHORIZATION = 350_000

#: The price of one call from its arguments (the target first) and its result.
Price = Callable[[Any, Any], int]


def _first(factor: float) -> Price:
    return lambda args, _: ceil(size_of(args[0]) * factor)


def _smaller(args: Any, _: Any) -> int:
    return ceil(min(size_of(args[0]), size_of(args[1])) * TRAVERSE)


def _together(args: Any, _: Any) -> int:
    return ceil((size_of(args[0]) + size_of(args[1])) * TRAVERSE)


def pattern_price(text: int, pattern: int) -> int:
    return ceil((1.0 + text) * TRAVERSE) * ceil(pattern * PATTERN)


def _pattern(args: Any, _: Any) -> int:
    return pattern_price(size_of(args[0]), size_of(args[1]))


def _within(args: Any, _: Any) -> int:
    return ceil(size_of(args[0]) * TRAVERSE) * ceil(size_of(args[1]) * TRAVERSE)


def _traversal(value: Any) -> int:
    """The price of reading all of a value."""
    if isinstance(value, str | bytes):
        return int(len(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")) * TRAVERSE)
    if isinstance(value, list):
        return sum(_traversal(item) for item in value)
    if isinstance(value, dict):
        return sum(_traversal(key) + _traversal(item) for key, item in value.items())
    if isinstance(value, View):
        return sum(_traversal(name) + _traversal(value.find(name)) for name in value.names())
    return 1


def _selector(args: Any, _: Any) -> int:
    length = size_of(args[1])
    return LIST + ceil(length * TRAVERSE) + ceil(ceil(length * 0.5) * (LIST + STRUCT))


def _contains_address(args: Any, _: Any) -> int:
    own = size_of(args[0])
    parse = ceil(size_of(args[1]) * TRAVERSE) if isinstance(args[1], str) else 0
    return ceil(own * 2 * TRAVERSE) + parse


def _contains_network(args: Any, result: Any) -> int:
    return _contains_address(args, result) + ceil(size_of(args[0]) * TRAVERSE) + 1


def _sets(factor: int) -> Price:
    return lambda args, _: 1 + size_of(args[0]) * size_of(args[1]) * factor


def _output(_: Any, result: Any) -> int:
    return size_of(result) + 1 + LIST


def _flatten(args: Any, _: Any) -> int:
    depth = int(args[1]) if len(args) == 2 else 1
    return max(0, size_of(args[0]) * depth) + 1 + LIST


def _compare_all(place: int) -> Price:
    def price(args: Any, _: Any) -> int:
        items = args[place]
        factor = 2.1 if len(items) and isinstance(items[0], str | bytes) else 2.0
        return int(len(items) ** 2 * factor) + 1 + LIST

    return price


def _validate(args: Any, _: Any) -> int:
    return pattern_price(size_of(args[1]), getattr(args[0], "pattern_size", 128))


def _equals(args: Any, _: Any) -> int:
    return ceil(min(size_of(args[0]), size_of(args[1])) * TRAVERSE)


#: By function and how many arguments it has at least.
_BY_FUNCTION: dict[str, Price] = {
    "check": lambda args, _: AUTHORIZATION,
    "fieldSelector": _selector,
    "labelSelector": _selector,
    **dict.fromkeys(
        ("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf", "includes"), lambda args, _: _traversal(args[0])
    ),
    **dict.fromkeys(("url", "lowerAscii", "upperAscii", "substring", "trim", "jsonpatch.escapeKey"), _first(TRAVERSE)),
    **dict.fromkeys(("replace", "split", "ip.isCanonical"), _first(2 * TRAVERSE)),
    "join": lambda _, result: ceil(size_of(result) * 2 * TRAVERSE),
    "find": _pattern,
    "findAll": lambda args, result: _pattern(args, result) + surcharge(len(result)),
    **dict.fromkeys(("cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"), _first(TRAVERSE)),
    "containsIP": _contains_address,
    "containsCIDR": _contains_network,
    "validate": _validate,
    "_==_": _equals,
    "_!=_": _equals,
}
_COMPARED = [
    f"{word}_{of}" for word in ("less", "less_equals", "greater", "greater_equals") for of in ("string", "bytes")
]
_SORTED = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_BY_OVERLOAD: dict[str, Price] = {
    **dict.fromkeys(
        (
            *("starts_with_string", "ends_with_string", "string_to_bytes", "bytes_to_string", "string_format"),
            "strings_quote",
        ),
        _first(TRAVERSE),
    ),
    "in_list": lambda args, _: size_of(args[1]),
    "add_list": lambda _, result: 1 + surcharge(len(result)),
    **dict.fromkeys(_COMPARED, _smaller),
    "add_string": _together,
    "add_bytes": _together,
    "matches_string": _pattern,
    "matches": _pattern,
    "contains_string": _within,
    "string_to_ip": _first(TRAVERSE),
    "list_sets_contains_list": _sets(1),
    "list_sets_intersects_list": _sets(1),
    "list_sets_equivalent_list": _sets(2),
    **dict.fromkeys(("list_slice", "lists_range", "list_reverse"), _output),
    "list_flatten": _flatten,
    "list_flatten_int": _flatten,
    "list_distinct": _compare_all(0),
    **{f"list_{of}_sort": _compare_all(0) for of in _SORTED},
    **{f"list_{of}_sortByAssociatedKeys": _compare_all(1) for of in _SORTED},
}


def price_of(function: str, overload: str) -> Price | None:
    """How a call is charged; None for one unit. An overload unknown until it runs has an empty name."""
    return _BY_OVERLOAD.get(overload) or _BY_FUNCTION.get(function)
