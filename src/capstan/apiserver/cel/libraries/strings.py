"""Functions of texts: parts, searches, replacements, case, and `format`."""

from __future__ import annotations

from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.bounds import check_text
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, function, member
from capstan.apiserver.cel.libraries.formatting import format_text, quoted

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_SPACE = " \t\n\v\f\r\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def _outside(place: int) -> CelEvaluationError:
    return CelEvaluationError(f"index out of range: {place}")


def _char_at(text: str, place: int) -> str:
    if not 0 <= place <= len(text):
        raise _outside(place)
    return text[place : place + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if not 0 <= start <= len(text):
        raise _outside(start)
    return text.find(part, start)


def _last_index_of(text: str, part: str, start: int | None = None) -> int:
    if start is None:
        return text.rfind(part)
    if not 0 <= start <= len(text):
        raise _outside(start)
    return text.rfind(part, 0, start + len(part)) if part else start


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise _outside(start)
    if not 0 <= stop <= len(text):
        raise _outside(stop)
    if start > stop:
        raise CelEvaluationError(f"invalid substring range. start: {start}, end: {stop}")
    return text[start:stop]


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if separator:
        return text.split(separator, limit - 1 if limit > 0 else -1)
    if 0 < limit < len(text):
        return [*text[: limit - 1], text[limit - 1 :]]
    return list(text)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    places = text.count(old) if limit < 0 else min(limit, text.count(old))
    check_text(len(text) + places * len(new))
    return text.replace(old, new, limit)


def _join(parts: list[Any], separator: str = "") -> str:
    if any(part.__class__ is not str for part in parts):
        raise CelEvaluationError("join: invalid input: list elements must be strings")
    check_text(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


_TEXTS = t.list_of(t.STRING)

STRINGS: Functions = {
    "charAt": (member("string_char_at_int", (t.STRING, t.INT), t.STRING, _char_at),),
    "indexOf": (
        member("string_index_of_string", (t.STRING, t.STRING), t.INT, _index_of),
        member("string_index_of_string_int", (t.STRING, t.STRING, t.INT), t.INT, _index_of),
    ),
    "lastIndexOf": (
        member("string_last_index_of_string", (t.STRING, t.STRING), t.INT, _last_index_of),
        member("string_last_index_of_string_int", (t.STRING, t.STRING, t.INT), t.INT, _last_index_of),
    ),
    "lowerAscii": (member("string_lower_ascii", (t.STRING,), t.STRING, lambda s: s.translate(_LOWER)),),
    "upperAscii": (member("string_upper_ascii", (t.STRING,), t.STRING, lambda s: s.translate(_UPPER)),),
    "replace": (
        member("string_replace_string_string", (t.STRING,) * 3, t.STRING, _replace),
        member("string_replace_string_string_int", (*(t.STRING,) * 3, t.INT), t.STRING, _replace),
    ),
    "split": (
        member("string_split_string", (t.STRING, t.STRING), _TEXTS, _split),
        member("string_split_string_int", (t.STRING, t.STRING, t.INT), _TEXTS, _split),
    ),
    "substring": (
        member("string_substring_int", (t.STRING, t.INT), t.STRING, _substring),
        member("string_substring_int_int", (t.STRING, t.INT, t.INT), t.STRING, _substring),
    ),
    "trim": (member("string_trim", (t.STRING,), t.STRING, lambda s: s.strip(_SPACE)),),
    "join": (
        member("list_join", (_TEXTS,), t.STRING, _join),
        member("list_join_string", (_TEXTS, t.STRING), t.STRING, _join),
    ),
    "format": (member("string_format", (t.STRING, t.list_of(t.DYN)), t.STRING, format_text),),
    "strings.quote": (function("strings_quote", (t.STRING,), t.STRING, quoted),),
    "reverse": (member("string_reverse", (t.STRING,), t.STRING, lambda s: s[::-1]),),
}
