"""Sizes, and what is asked of texts."""

from __future__ import annotations

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.functions import Functions, function, member
from capstan.apiserver.cel.patterns import pattern_of
from capstan.apiserver.cel.values import size_of


def _matches(text: str, pattern: str) -> bool:
    return pattern_of(pattern).search(text) is not None


_SIZED = ((t.STRING, "string"), (t.BYTES, "bytes"), (t.list_of(t.A), "list"), (t.map_of(t.A, t.B), "map"))
TEXTS: Functions = {
    "size": (
        *(function(f"size_{name}", (of,), t.INT, size_of) for of, name in _SIZED),
        *(member(f"{name}_size", (of,), t.INT, size_of) for of, name in _SIZED),
    ),
    "contains": (member("contains_string", (t.STRING, t.STRING), t.BOOL, lambda a, b: b in a),),
    "startsWith": (member("starts_with_string", (t.STRING, t.STRING), t.BOOL, str.startswith),),
    "endsWith": (member("ends_with_string", (t.STRING, t.STRING), t.BOOL, str.endswith),),
    "matches": (
        function("matches", (t.STRING, t.STRING), t.BOOL, _matches),
        member("matches_string", (t.STRING, t.STRING), t.BOOL, _matches),
    ),
}
