"""Finds what a value was before an update: by name in objects, by keys in lists that are maps."""

from __future__ import annotations

from typing import Any

from capstan.apiserver.validation.fielderror import Path, steps_of


class _Absent:
    """There is no former value, or none that can be told to be this one's."""


ABSENT: Any = _Absent()


def find_old(path: Path, old: Any) -> Any:
    """The former value at `path`, or ABSENT. Items of atomic lists and sets have none."""
    for step in steps_of(path):
        if isinstance(step, str):
            if not isinstance(old, dict) or step not in old:
                return ABSENT
            old = old[step]
        elif isinstance(step, tuple) and isinstance(old, list):
            _, keys, values = step
            old = next((i for i in old if isinstance(i, dict) and _has(i, keys, values)), ABSENT)
        else:
            return ABSENT
        if old is ABSENT:
            return ABSENT
    return old


def is_unchanged(path: Path, new: Any, old: Any) -> bool:
    """Whether the node at `path` is as it was: errors of such nodes never block an update (ratcheting). A list
    whose items have no identity counts as a whole."""
    for step in steps_of(path):
        if isinstance(step, int) or not isinstance(old, dict | list):
            break
        old = find_old((None, step), old)
        new = new[step] if isinstance(step, str) else new[step[0]]
        if old is ABSENT:
            return False
    return bool(old == new)


def _has(item: dict[str, Any], keys: tuple[str, ...], values: tuple[Any, ...]) -> bool:
    return all(item.get(key) == value for key, value in zip(keys, values, strict=True))
