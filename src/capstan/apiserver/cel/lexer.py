"""Text to tokens: names, numbers, strings with their escapes, operators."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from capstan.apiserver.cel.errors import CelError, Issue
from capstan.apiserver.cel.values import Uint

_TOKEN = re.compile(
    r"""
    (?P<space>(?:[ \t\r\n\f]+|//[^\n]*)+)
  | (?P<string>(?:[rR][bB]?|[bB][rR]?)?(?:\"\"\"|'''|"|'))
  | (?P<float>(?:[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?))
  | (?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
  | (?P<int>0x[0-9a-fA-F]+|[0-9]+)
  | (?P<ident>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<quoted>`[A-Za-z0-9_.\-/ ]+`)
  | (?P<operator>\.\?|\[\?|&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))|\\\Z", re.DOTALL
)
_MAX_INT, _MAX_UINT = 2**63, 2**64


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is the operator itself, or ident, quoted, literal, number or end."""

    kind: str
    text: str
    position: int
    value: Any = None


def tokens_of(text: str) -> list[Token]:
    """All tokens and the end. Errors: CelError."""
    found: list[Token] = []
    place, end = 0, len(text)
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise CelError(text, [Issue(place, f"Syntax error: token recognition error at: '{text[place]}'")])
        kind = str(match.lastgroup)
        if kind == "string":
            token, place = _string(text, match)
            found.append(token)
            continue
        if kind != "space":
            found.append(_token(text, kind, match.group(), place))
        place = match.end()
    found.append(Token("end", "<EOF>", end))
    return found


def _token(text: str, kind: str, shown: str, place: int) -> Token:
    if kind == "operator":
        return Token(shown, shown, place)
    if kind == "quoted":
        return Token("quoted", shown, place, shown[1:-1])
    if kind == "ident":
        if shown in _WORDS:
            return Token("literal", shown, place, _WORDS[shown])
        return Token("in" if shown == "in" else "ident", shown, place)
    if kind == "float":
        return Token("number", shown, place, float(shown))
    return _integer(text, kind, shown, place)


_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


def _integer(text: str, kind: str, shown: str, place: int) -> Token:
    digits = shown.rstrip("uU") if kind == "uint" else shown
    if len(digits) > 40:
        raise CelError(text, [Issue(place, f"invalid {kind} literal")])
    value = int(digits, 16) if digits.startswith("0x") else int(digits)
    if kind == "uint":
        if value >= _MAX_UINT:
            raise CelError(text, [Issue(place, "invalid uint literal")])
        return Token("number", shown, place, Uint(value))
    # 2^63 is an integer only behind a minus: the parser decides.
    if value > _MAX_INT:
        raise CelError(text, [Issue(place, "invalid int literal")])
    return Token("number", shown, place, value)


def _string(text: str, match: re.Match[str]) -> tuple[Token, int]:
    opening = match.group()
    prefix = opening.rstrip("\"'").lower()
    quote = opening[len(prefix) :]
    place = match.start()
    raw, is_bytes = "r" in prefix, "b" in prefix
    close = _closing(text, match.end(), quote, raw)
    if close < 0:
        if len(quote) == 3 and _closing(text, place + len(prefix) + 1, quote[0], raw) == place + len(prefix) + 1:
            close, quote, start = place + len(prefix) + 1, quote[0], place + len(prefix) + 1
            return Token("literal", text[place : close + 1], place, b"" if is_bytes else ""), close + 1
        shown = text[place:].split("\n")[0]
        raise CelError(text, [Issue(place, f"Syntax error: token recognition error at: '{shown}'")])
    start = match.end()
    body = text[start:close].replace("\r\n", "\n").replace("\r", "\n") if len(quote) == 3 else text[start:close]
    try:
        value = _unescape(body, raw=raw, is_bytes=is_bytes)
    except ValueError as error:
        raise CelError(text, [Issue(place, str(error))]) from None
    ended = close + len(quote)
    return Token("literal", text[place:ended], place, value), ended


def _closing(text: str, place: int, quote: str, raw: bool) -> int:
    """Where the closing quote is, -1 if there is none."""
    while place < len(text):
        if not raw and text[place] == "\\":
            place += 2
            continue
        if text.startswith(quote, place):
            return place
        if len(quote) == 1 and text[place] in "\r\n":
            return -1
        place += 1
    return -1


def _unescape(body: str, *, raw: bool, is_bytes: bool) -> Any:
    if raw or "\\" not in body:
        return body.encode() if is_bytes else body
    parts: list[Any] = []
    last = 0
    for found in _ESCAPE.finditer(body):
        parts.append(body[last : found.start()])
        parts.append(_escaped(found, is_bytes))
        last = found.end()
    parts.append(body[last:])
    if is_bytes:
        return b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return "".join(parts)


def _escaped(found: re.Match[str], is_bytes: bool) -> str | bytes:
    low_x, high_x, short, long, octal, simple = found.groups()
    if simple is not None:
        if simple not in _SIMPLE:
            raise ValueError("unable to unescape string")
        return _SIMPLE[simple]
    digits = low_x or high_x or short or long
    if digits is None and octal is None:
        raise ValueError("unable to unescape string")
    code = int(octal, 8) if octal else int(str(digits), 16)
    if is_bytes:
        if short or long:
            raise ValueError("unable to unescape string")
        return bytes([code])
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise ValueError("unable to unescape string")
    return chr(code)
