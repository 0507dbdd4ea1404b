"""`'%s has %d'.format([a, b])`: clauses with a precision, and how each type is shown."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from capstan.apiserver.cel import times
from capstan.apiserver.cel.bounds import check_text
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.standard.conversions import double_of_string, string_of_bytes
from capstan.apiserver.cel.types import Type
from capstan.apiserver.cel.values import Duration, Timestamp, Uint, format_double, keys_of, lookup, type_name, type_of

_CLAUSE = re.compile(r"%(?:\.(\d{1,4}))?(.?)", re.DOTALL)
_QUOTED = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
_SPECIAL = frozenset({"NaN", "Infinity", "-Infinity"})


def quoted(text: str) -> str:
    """A text between quotes, as it is written in an expression."""
    return '"' + "".join(_QUOTED.get(char, char) for char in text) + '"'


def format_text(template: str, arguments: list[Any]) -> str:
    """A template with its clauses filled. Errors: CelEvaluationError."""
    remaining = iter(enumerate(arguments))
    place = made = 0

    def fill(found: re.Match[str]) -> str:
        nonlocal place, made
        precision, verb = found.groups()
        if verb == "%":
            return "%"
        if not verb:
            raise CelEvaluationError("could not parse formatting clause: unexpected end of string")
        show = _VERBS.get(verb)
        if show is None:
            raise CelEvaluationError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
        item = next(remaining, None)
        if item is None:
            raise CelEvaluationError(f"index {place} out of range")
        place += 1
        shown = show(item[1], int(precision) if precision else 6)
        made += len(shown)
        check_text(made)
        return shown

    return _CLAUSE.sub(fill, template)


def _wrong(clause: str, value: Any) -> CelEvaluationError:
    return CelEvaluationError(f"error during formatting: {clause}, was given {type_name(type_of(value))}")


def _string(value: Any, _: int) -> str:
    show = _SHOWN.get(value.__class__)
    if show is not None:
        return show(value)
    if isinstance(value, list):
        return "[" + ", ".join(_inner(item) for item in value) + "]"
    if type_of(value).kind == "map":
        pairs = sorted((_inner(key), _inner(lookup(value, key))) for key in keys_of(value))
        return "{" + ", ".join(f"{key}: {inner}" for key, inner in pairs) + "}"
    raise _wrong(
        "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, "
        "durations, and timestamps",
        value,
    )


def _inner(value: Any) -> str:
    return _string(value, 6)


def _double(value: float) -> str:
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return format_double(value)


_SHOWN: dict[type, Callable[[Any], str]] = {
    str: str,
    bool: lambda v: "true" if v else "false",
    int: str,
    Uint: lambda v: str(int(v)),
    float: _double,
    bytes: string_of_bytes,
    type(None): lambda v: "null",
    Timestamp: times.show_timestamp,
    Duration: times.show_duration,
    Type: type_name,
}


def _decimal(value: Any, _: int) -> str:
    if value.__class__ in (int, Uint):
        return str(int(value))
    if value.__class__ is float and not math.isfinite(value):
        return _double(value)
    raise _wrong("decimal clause can only be used on integers", value)


def _number(value: Any, clause: str) -> float:
    if value.__class__ is float:
        return float(value)
    if value.__class__ in (int, Uint):
        return float(value)
    if value.__class__ is str and value in _SPECIAL:
        return double_of_string(value)
    raise _wrong(f"{clause} clause can only be used on doubles", value)


def _fixed(value: Any, precision: int) -> str:
    found = _number(value, "fixed-point")
    return f"{found:.{precision}f}" if math.isfinite(found) else _double(found)


def _scientific(value: Any, precision: int) -> str:
    found = _number(value, "scientific")
    return f"{found:.{precision}e}" if math.isfinite(found) else _double(found)


def _binary(value: Any, _: int) -> str:
    if value.__class__ in (int, Uint, bool):
        return format(int(value), "b")
    raise _wrong("only integers and bools can be formatted as binary", value)


def _octal(value: Any, _: int) -> str:
    if value.__class__ in (int, Uint):
        return format(int(value), "o")
    raise _wrong("octal clause can only be used on integers", value)


def _hex(value: Any, _: int) -> str:
    if value.__class__ in (int, Uint):
        return format(int(value), "x")
    if isinstance(value, str):
        return value.encode().hex()
    if isinstance(value, bytes):
        return value.hex()
    raise _wrong("only integers, byte buffers, and strings can be formatted as hex", value)


_VERBS: dict[str, Callable[[Any, int], str]] = {
    "s": _string,
    "d": _decimal,
    "f": _fixed,
    "e": _scientific,
    "b": _binary,
    "o": _octal,
    "x": _hex,
    "X": lambda value, precision: _hex(value, precision).upper(),
}
