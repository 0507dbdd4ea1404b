"""What the versions of a kind call a field: a refusal names what its reader has written, or should have written.

A field is a path as refusals have it: `spec.list[0].name`, with the index or the key of an item in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

Path = tuple[str, ...]
#: Where a field is in two versions.
Pair = tuple[Path, Path]

_BRACKETS = re.compile(r"\[[^\]]*\]")


class Moved(Protocol):
    """A field that has other places in a spoke and in the hub."""

    @property
    def spoke(self) -> Path: ...

    @property
    def hub(self) -> Path: ...


class FieldNames:
    """The fields of one spoke and of the hub. `rename` takes the place of what follows from the moves."""

    def __init__(self, moves: Iterable[Moved] = (), rename: Callable[[str], str] | None = None) -> None:
        self._down: list[Pair] = [(move.hub, move.spoke) for move in moves]
        self._up: list[Pair] = [(spoke, hub) for hub, spoke in self._down]
        self._rename = rename

    def in_spoke(self, field: str) -> str:
        """The spoke's name of a field of the hub."""
        return self._rename(field) if self._rename is not None else _renamed(field, self._down)

    def meant_in_spoke(self, field: str) -> tuple[str, ...]:
        """What the spoke has for a field that only the hub knows."""
        return _meant(field, self._down)

    def meant_in_hub(self, field: str) -> tuple[str, ...]:
        """What the hub has for a field that only the spoke knows."""
        return _meant(field, self._up)


def _renamed(field: str, pairs: Sequence[Pair]) -> str:
    steps = _steps(field)
    names = tuple(_BRACKETS.sub("", step) for step in steps)
    for depth in range(len(steps), 0, -1):
        found = _moved(names[:depth], pairs)
        if found is not None:
            brackets = {name: step for name, step in zip(names, steps, strict=True) if step != name}
            last = steps[depth - 1].removeprefix(names[depth - 1])
            way = (brackets.get(name, name) for name in found[:-1])
            return ".".join((*way, f"{found[-1]}{last}", *steps[depth:]))
    return field


def _meant(field: str, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """The other name of a field, or those of its parts where they are apart now."""
    renamed = _renamed(field, pairs)
    if renamed != field:
        return (renamed,)
    names = tuple(_BRACKETS.sub("", step) for step in _steps(field))
    parts = (there for here, there in pairs if here[: len(names)] == names and there[: len(names)] != names)
    return tuple(dict.fromkeys(".".join(there) for there in parts))


def _steps(field: str) -> tuple[str, ...]:
    """The path's steps; what is in brackets may have dots of its own."""
    kept: list[str] = _BRACKETS.findall(field)
    number = iter(range(len(kept)))
    bare = _BRACKETS.sub(lambda _match: f"[{next(number)}]", field)
    return tuple(_BRACKETS.sub(lambda match: kept[int(match.group()[1:-1])], step) for step in bare.split("."))


def _moved(names: Path, pairs: Sequence[Pair]) -> Path | None:
    """Where the field itself goes, or the parent of fields that go together."""
    for here, there in pairs:
        if here == names:
            return there
    for here, there in pairs:
        tail = here[len(names) :]
        parent = there[: -len(tail)] if tail else ()
        if here[: len(names)] == names and there[-len(tail) :] == tail and _is_a_field(parent, names):
            return parent
    return None


def _is_a_field(parent: Path, names: Path) -> bool:
    """The spec as a whole is no part's new place."""
    return len(parent) > 1 or parent == names
