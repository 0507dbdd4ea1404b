"""kubectl's JSONPath dialect, as printer columns and scale paths use it: fields, indexes, `*`, `..`, filters.

`.status.conditions[?(@.type=="Ready")].status`, `.spec.versions[0].name`, `.metadata.labels['a\\.b']`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

Step = Callable[[Iterable[Any]], list[Any]]

_NAME = re.compile(r"(?:[A-Za-z0-9_\-/$]|\\.)+")
_FILTER = re.compile(r"\?\(\s*@((?:\.[^\s=!<>)]+|\[[^\]]*\])*)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*\)")
_SLICE = re.compile(r"(-?\d*):(-?\d*)(?::(-?\d+))?")


class PathError(ValueError):
    """A path that is not in the dialect."""


@lru_cache(maxsize=4096)
def compile_path(path: str) -> Callable[[Any], list[Any]]:
    """A function that finds all values of `path` in an object. Errors: PathError."""
    steps = _parse(path.strip().removeprefix("{").removesuffix("}").removeprefix("$"))
    if all(isinstance(step, str) for step in steps):
        return _plain([s for s in steps if isinstance(s, str)])
    functions = [_field(step) if isinstance(step, str) else step for step in steps]

    def find(obj: Any) -> list[Any]:
        values: list[Any] = [obj]
        for function in functions:
            values = function(values)
        return values

    return find


def _plain(names: list[str]) -> Callable[[Any], list[Any]]:
    def find(obj: Any) -> list[Any]:
        for name in names:
            if not isinstance(obj, dict) or name not in obj:
                return []
            obj = obj[name]
        return [obj]

    return find


def _parse(text: str) -> list[str | Step]:
    steps: list[str | Step] = []
    at = 0
    while at < len(text):
        if text.startswith("..", at):
            at += 1
            steps.append(_descend)
        elif text[at] == "[":
            end = _closing(text, at)
            steps.append(_bracket(text[at + 1 : end]))
            at = end + 1
        elif text[at] == "." or at == 0:
            at += text[at] == "."
            at = _parse_name(text, at, steps)
        else:
            raise PathError(f"unexpected {text[at]!r} at {at} of JSON path {text!r}")
    return steps


def _parse_name(text: str, at: int, steps: list[str | Step]) -> int:
    if at >= len(text) or text[at] == "[":
        return at
    if text[at] == "*":
        steps.append(_all)
        return at + 1
    found = _NAME.match(text, at)
    if not found:
        raise PathError(f"a name is missing at {at} of JSON path {text!r}")
    steps.append(re.sub(r"\\(.)", r"\1", found.group()))
    return found.end()


def _closing(text: str, at: int) -> int:
    quote = ""
    depth = 0
    for place in range(at, len(text)):
        char = text[place]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char == "[") - (char == "]")
            if not depth:
                return place
    raise PathError(f"unterminated '[' in JSON path {text!r}")


def _bracket(inner: str) -> str | Step:
    inner = inner.strip()
    if inner == "*":
        return _all
    if len(inner) > 1 and inner[0] in "'\"" and inner[-1] == inner[0]:
        return re.sub(r"\\(.)", r"\1", inner[1:-1])
    if re.fullmatch(r"-?\d+", inner):
        return _at(int(inner))
    if sliced := _SLICE.fullmatch(inner):
        first, last, step = (int(part) if part else None for part in sliced.groups())
        return _sliced(slice(first, last, step))
    if matched := _FILTER.fullmatch(inner):
        return _filter(*matched.groups())
    raise PathError(f"unknown JSON path part [{inner}]")


def _field(name: str) -> Step:
    return lambda values: [v[name] for v in values if isinstance(v, dict) and name in v]


def _at(index: int) -> Step:
    return lambda values: [v[index] for v in values if isinstance(v, list) and -len(v) <= index < len(v)]


def _sliced(part: slice) -> Step:
    return lambda values: [item for v in values if isinstance(v, list) for item in v[part]]


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _all(values: Iterable[Any]) -> list[Any]:
    return [child for value in values for child in _children(value)]


def _descend(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    stack = list(values)
    while stack:
        value = stack.pop(0)
        found.append(value)
        stack[:0] = _children(value)
    return found


def _filter(path: str, operator: str | None, literal: str | None) -> Step:
    left = compile_path(path or "")
    if operator is None or literal is None:
        return lambda values: [item for item in _all(values) if left(item)]
    if literal.startswith("@"):
        right = compile_path(literal[1:])
    else:
        constant = [_literal(literal)]

        def right(_: Any) -> list[Any]:
            return constant

    compare = _COMPARE[operator]

    def matches(item: Any) -> bool:
        found, wanted = left(item), right(item)
        return bool(found and wanted) and _compares(compare, found[0], wanted[0])

    return lambda values: [item for item in _all(values) if matches(item)]


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _compares(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    try:
        return compare(left, right)
    except TypeError:
        return False


def _literal(text: str) -> Any:
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise PathError(f"unknown literal {text!r} in JSON path filter") from None
