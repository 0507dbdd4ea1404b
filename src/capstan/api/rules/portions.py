"""Numbers that may also be written as a part of another number, such as maxSurge: 1 or 25%."""

from __future__ import annotations


def portion(value: int | str, whole: int, *, up: bool) -> int | None:
    """The number, or the percentage of `whole`, rounded up or down. None for what is neither."""
    if isinstance(value, int):
        return value
    text = value.strip()
    digits = text.removesuffix("%")
    if not digits.isdigit():
        return None
    if not text.endswith("%"):
        return int(digits)
    number, rest = divmod(int(digits) * whole, 100)
    return number + 1 if up and rest else number
