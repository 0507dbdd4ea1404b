"""What one validation of one object collects on its way: refused fields, unknown fields, rules to evaluate."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.validation.fielderror import Path

#: Checks one value: gives it back pruned and defaulted (the same object when nothing changed).
Check = Callable[[Any, Path, "Run"], Any]


class Run:
    """The mutable side of one validation; everything compiled is shared between runs."""

    __slots__ = ("causes", "embedded", "repeated", "rules", "unknown")

    def __init__(self) -> None:
        #: (the node that refused, why).
        self.causes: list[tuple[Path, FieldCause]] = []
        #: Items of sets and maps that are there twice: (the list, why).
        self.repeated: list[tuple[Path, FieldCause]] = []
        #: What is wrong with the metadata of embedded objects: it is refused whether it changed or not.
        self.embedded: list[FieldCause] = []
        #: (where, the unknown name, the names known there).
        self.unknown: list[tuple[Path, str, Collection[str]]] = []
        #: [where, the rules of that node, its value].
        self.rules: list[list[Any]] = []

    def refuse(self, node: Path, cause: FieldCause) -> None:
        self.causes.append((node, cause))
