"""How Kubernetes words an unknown field."""

from __future__ import annotations

from collections.abc import Iterable

from capstan.api.rules.nearest import nearest


def describe_unknown(field: str, name: str, known: Iterable[str]) -> str:
    """Kubernetes' text for an unknown field, with the nearest known name behind it."""
    guess = nearest(name, known)
    if not guess:
        return f'unknown field "{field}"'
    parent = field[: len(field) - len(name)]
    return f'unknown field "{field}" (did you mean "{parent}{guess}"?)'
