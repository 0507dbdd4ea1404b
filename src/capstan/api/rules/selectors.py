"""Whether a label selector selects: as objects of any kind have it on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects an object with these labels; one that says nothing selects all."""
    if not selector:
        return True
    exact: Mapping[str, str] = selector.get("matchLabels") or {}
    if not exact.items() <= labels.items():
        return False
    return all(
        holds(str(term.get("operator")), labels.get(str(term.get("key"))), term.get("values") or ())
        for term in selector.get("matchExpressions") or ()
    )


def holds(operator: str, value: str | None, values: Sequence[str]) -> bool:
    """Whether a label with this value (None: it is not there) fulfils one expression; an unknown operator never."""
    match operator:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False
