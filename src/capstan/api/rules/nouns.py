"""Nouns in sentences: their plural, and with a number before them."""

from __future__ import annotations


def plural(noun: str) -> str:
    """The plural of a noun, also of a kind's name; words before it stay."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def counted(number: int, noun: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number} {noun if number == 1 else plural(noun)}"
