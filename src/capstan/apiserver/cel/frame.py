"""The state of one evaluation: values of variables, what it cost so far, what it may cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from capstan.apiserver.cel.errors import CostExceeded
from capstan.apiserver.cel.nodes import Node


class Frame:
    """Slots of variables and the account of costs."""

    __slots__ = ("cost", "limit", "slots")

    def __init__(self, slots: list[Any], limit: int) -> None:
        self.slots = slots
        self.cost = 0
        self.limit = limit

    def spend(self, units: int) -> None:
        """Charges units. Errors: CostExceeded."""
        self.cost += units
        if self.cost > self.limit:
            raise CostExceeded()


#: A compiled node.
Run = Callable[[Frame], Any]


class Compiling(Protocol):
    """What the parts of the compiler need of it: closures of other nodes, and slots for local variables."""

    def compile(self, node: Node) -> Run: ...

    def constant(self, node: Node) -> Any:
        """The value of a node that is always the same, else ABSENT."""
        ...

    def bind(self, name: str) -> int:
        """A slot for a local variable, visible until `unbind`."""
        ...

    def unbind(self) -> None: ...
