"""Whether a text is a Go template: its syntax, the names of its functions, and the variables that it uses.

What a template gives is not looked at, nor whether a function gets as many arguments as it needs: as in Go, that shows
when it is carried out. Functions are those of text/template, and those of sprig that always give the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from capstan.api.rules.gofunctions import FUNCTIONS

_COMMENT: Final = re.compile(r"(- )?/\*.*?\*/( -)?\}\}", re.DOTALL)
_TOKEN: Final = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<close>(?<=\s)-\}\}|\}\})"
    r'|(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)'
    r"|(?P<rune>'(?:[^'\\\n]|\\.)+')"
    r"|(?P<declare>:=)|(?P<assign>=)|(?P<pipe>\|)|(?P<open>\()|(?P<shut>\))|(?P<comma>,)"
    r"|(?P<number>[+-]?(?:0[xX][0-9A-Fa-f_]+|0[bB][01_]+|0[oO]?[0-7_]+|\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?|\.\d+)i?(?!\w))"
    r"|(?P<variable>\$\w*)"
    r"|(?P<field>\.[^\W\d]\w*)|(?P<dot>\.)"
    r"|(?P<name>[^\W\d]\w*)",
    re.DOTALL,
)
_BLOCKS: Final = frozenset(("if", "with", "range", "define", "block"))
_KEYWORDS: Final = _BLOCKS | {"else", "end", "template", "break", "continue"}
_CONSTANTS: Final = frozenset(("true", "false", "nil"))
#: How deep parentheses may be nested; nobody reads more.
_MAX_DEPTH: Final = 100
#: What cannot stand after a `|`: it takes no argument.
_VALUES: Final = frozenset(("text", "rune", "number", "dot", "constant"))


class _Problem(ValueError):
    """What is wrong with the template, in words."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@dataclass(slots=True)
class _Block:
    """What waits for its `end`, how many variables there were before it, and whether its `else` has been."""

    word: str
    variables: int
    ended_by_else: bool = False


@dataclass(slots=True)
class _Template:
    """What is known of the template as far as it has been read."""

    blocks: list[_Block] = field(default_factory=list)
    variables: list[str] = field(default_factory=lambda: ["$"])
    depth: int = 0


def template_problem(template: str) -> str:
    """Why this is no Go template, in words; empty where it is one. A text without actions is one."""
    state = _Template()
    place = 0
    try:
        while (start := template.find("{{", place)) >= 0:
            place = _action(template, start + 2, state)
    except _Problem as problem:
        line = template.count("\n", 0, max(start, 0)) + 1
        return f"line {line}: {problem}"
    if state.blocks:
        return f"unexpected end of the template: {{{{{state.blocks[-1].word}}}}} has no {{{{end}}}}"
    return ""


def _action(template: str, place: int, state: _Template) -> int:
    """Reads one action that begins at `place`, behind its braces. Gives the place behind it."""
    comment = _COMMENT.match(template, place)
    if comment is not None:
        return comment.end()
    if template.startswith("/*", place) or template.startswith("- /*", place):
        raise _Problem("unclosed comment")
    if re.match(r"-\s", template[place : place + 2]):
        place += 1
    tokens: list[_Token] = []
    while True:
        found = _TOKEN.match(template, place)
        if found is None:
            raise _unreadable(template, place)
        kind, place = str(found.lastgroup), found.end()
        if kind == "close":
            break
        if kind == "name" and found.group() in _CONSTANTS:
            kind = "constant"
        tokens.append(_Token(kind, found.group()))
    _act(tokens, state)
    return place


def _unreadable(template: str, place: int) -> _Problem:
    rest = template[place : place + 1]
    if not rest:
        return _Problem("unclosed action: }} is missing")
    if rest in "\"'`":
        return _Problem("unterminated quoted string")
    return _Problem(f"unexpected {rest!r} in an action")


def _act(tokens: Sequence[_Token], state: _Template) -> None:
    words = [token for token in tokens if token.kind != "space"]
    if not words:
        raise _Problem("missing value for command: the action is empty")
    first = words[0]
    if first.kind != "name" or first.text not in _KEYWORDS:
        _pipeline(tokens, state, "command")
        return
    rest = list(tokens)
    while rest[0] is not first:
        rest.pop(0)
    _control(first.text, rest[1:], state)


def _control(word: str, rest: list[_Token], state: _Template) -> None:
    words = [token for token in rest if token.kind != "space"]
    if word == "else":
        _else(words, rest, state)
    elif word == "end":
        _end(words, state)
    elif word in ("break", "continue"):
        if not any(block.word == "range" for block in state.blocks):
            raise _Problem(f"{{{{{word}}}}} outside {{{{range}}}}")
        _nothing_after(word, words)
    elif word in ("template", "define", "block"):
        _named(word, words, rest, state)
    else:
        state.blocks.append(_Block(word, len(state.variables)))
        _pipeline(rest, state, word)


def _else(words: list[_Token], rest: list[_Token], state: _Template) -> None:
    block = state.blocks[-1] if state.blocks else None
    if block is None or block.word not in ("if", "with", "range"):
        raise _Problem("unexpected {{else}}")
    if block.ended_by_else:
        raise _Problem("expected end; found {{else}}")
    del state.variables[block.variables :]
    if not words:
        block.ended_by_else = True
    elif words[0].text == block.word and block.word in ("if", "with"):
        _pipeline(rest[rest.index(words[0]) + 1 :], state, block.word)
    else:
        raise _Problem(f"unexpected {words[0].text} in {{{{else}}}}")


def _end(words: list[_Token], state: _Template) -> None:
    if not state.blocks:
        raise _Problem("unexpected {{end}}")
    _nothing_after("end", words)
    del state.variables[state.blocks.pop().variables :]


def _nothing_after(word: str, words: list[_Token]) -> None:
    if words:
        raise _Problem(f"unexpected {words[0].text} in {{{{{word}}}}}")


def _named(word: str, words: list[_Token], rest: list[_Token], state: _Template) -> None:
    """Templates inside of the template have a name; `block` and `template` are given a value as well."""
    if not words or words[0].kind != "text":
        raise _Problem(f"unexpected {words[0].text if words else 'end of the action'} in {word} clause")
    if word == "define":
        if state.blocks:
            raise _Problem("unexpected {{define}}")
        _nothing_after(word, words[1:])
    elif words[1:] or word == "block":
        _pipeline(rest[rest.index(words[0]) + 1 :], state, f"{word} clause")
    if word != "template":
        state.blocks.append(_Block(word, len(state.variables)))


def _pipeline(tokens: Sequence[_Token], state: _Template, where: str) -> None:
    """A pipeline with what it declares."""
    words = list(tokens)
    while words and words[0].kind == "space":
        words.pop(0)
    words = _declared(words, state, where)
    end = _commands(words, 0, state, where)
    if end < len(words):
        raise _Problem(f"unexpected {words[end].text!r} in {where}")


def _declared(words: list[_Token], state: _Template, where: str) -> list[_Token]:
    """The pipeline behind `$x :=`, `$i, $x :=` or `$x =`; all of it where there is none of these."""
    meant = [(index, token) for index, token in enumerate(words) if token.kind != "space"]
    kinds = [token.kind for _, token in meant[:4]]
    if kinds[:2] == ["variable", "declare"] or kinds[:2] == ["variable", "assign"]:
        count = 1
    elif kinds[:4] in (["variable", "comma", "variable", "declare"], ["variable", "comma", "variable", "assign"]):
        if where != "range":
            raise _Problem(f"too many declarations in {where}")
        count = 3
    else:
        return words
    names = [token.text for _, token in meant[:count:2]]
    if meant[count][1].kind == "assign":
        for name in names:
            _known(name, state)
    else:
        state.variables += names
    return words[meant[count][0] + 1 :]


def _known(name: str, state: _Template) -> None:
    if name not in state.variables:
        raise _Problem(f'undefined variable "{name}"')


def _commands(words: list[_Token], place: int, state: _Template, where: str) -> int:
    """Reads commands with pipes between them, up to the end or a closing parenthesis. Gives the place of that."""
    stage = 0
    while True:
        first, place = _command(words, place, state)
        if not first:
            raise _Problem(f"missing value for {where}" if not stage else "missing value for command after |")
        if stage and first in _VALUES:
            raise _Problem(f"non executable command in pipeline stage {stage + 1}")
        stage += 1
        if place >= len(words) or words[place].kind != "pipe":
            return place
        place += 1


def _command(words: list[_Token], place: int, state: _Template) -> tuple[str, int]:
    """Reads the operands of one command. Gives the kind of the first, empty where there is none, and what follows."""
    first, apart = "", True
    while place < len(words):
        token = words[place]
        if token.kind == "space":
            apart = True
        elif token.kind in ("pipe", "shut"):
            break
        else:
            if not apart and not (token.kind == "field" and first):
                raise _Problem(f"unexpected {token.text!r} in operand")
            place = _operand(words, place, state)
            first = first or token.kind
            apart = False
            continue
        place += 1
    return first, place


def _operand(words: list[_Token], place: int, state: _Template) -> int:
    token = words[place]
    match token.kind:
        case "open":
            state.depth += 1
            if state.depth > _MAX_DEPTH:
                raise _Problem(f"parentheses are nested deeper than {_MAX_DEPTH}")
            place = _commands(words, place + 1, state, "parenthesized pipeline")
            state.depth -= 1
            if place >= len(words) or words[place].kind != "shut":
                raise _Problem("unclosed left paren")
        case "variable":
            _known(token.text, state)
        case "name" if token.text in _KEYWORDS:
            raise _Problem(f"unexpected <{token.text}> in command")
        case "name" if token.text not in FUNCTIONS:
            raise _Problem(f'function "{token.text}" not defined')
        case "declare" | "assign" | "comma":
            raise _Problem(f"unexpected {token.text!r} in operand")
        case _:
            pass
    return place + 1
