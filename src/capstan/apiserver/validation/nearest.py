"""The known name nearest to an unknown one, for `did you mean`."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that `name` was most likely meant to be; empty when none is near."""
    by_lower = {k.lower(): k for k in known}
    if name.lower() in by_lower:
        return by_lower[name.lower()]
    if len(name) > 64:
        return ""
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def describe_unknown(field: str, name: str, known: Iterable[str]) -> str:
    """Kubernetes' text for an unknown field, with the nearest known name behind it."""
    guess = nearest(name, known)
    if not guess:
        return f'unknown field "{field}"'
    parent = field[: len(field) - len(name)]
    return f'unknown field "{field}" (did you mean "{parent}{guess}"?)'
