"""`find` and `findAll` of regular expressions."""

from __future__ import annotations

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.bounds import check_list
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, member
from capstan.apiserver.cel.patterns import pattern_of


def _find(text: str, pattern: str) -> str:
    try:
        found = pattern_of(pattern).search(text)
    except CelEvaluationError as error:
        raise CelEvaluationError(f"Illegal regex: {error}") from None
    return str(found.group()) if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    try:
        compiled = pattern_of(pattern)
    except CelEvaluationError as error:
        raise CelEvaluationError(f"Illegal regex: {error}") from None
    found: list[str] = []
    for match in compiled.finditer(text):
        if len(found) == limit:
            break
        found.append(str(match.group()))
        check_list(len(found))
    return found


REGEXES: Functions = {
    "find": (member("string_find_string", (t.STRING, t.STRING), t.STRING, _find),),
    "findAll": (
        member("string_find_all_string", (t.STRING, t.STRING), t.list_of(t.STRING), _find_all),
        member("string_find_all_string_int", (t.STRING, t.STRING, t.INT), t.list_of(t.STRING), _find_all),
    ),
}
