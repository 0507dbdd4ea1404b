"""The nodes of a parsed expression. The checker writes each node's type and overloads into it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TYPE_CHECKING, Any

from capstan.apiserver.cel.types import DYN, Type

if TYPE_CHECKING:
    from capstan.apiserver.cel.functions import Overload

#: The name of a macro's accumulator; no expression can write it.
ACCUMULATOR = "@result"


@dataclass(slots=True, eq=False)
class Node:
    """Any node; `position` is its offset in the text in code points."""

    position: int
    type: Type = attribute(default=DYN, init=False)


@dataclass(slots=True, eq=False)
class Literal(Node):
    value: Any


@dataclass(slots=True, eq=False)
class Ident(Node):
    name: str


@dataclass(slots=True, eq=False)
class Select(Node):
    """`operand.field`, or with `test` the macro `has(operand.field)`."""

    operand: Node
    field: str
    test: bool = False
    #: The declared name or type name that the whole path stands for, if it is one.
    resolved: str = attribute(default="", init=False)


@dataclass(slots=True, eq=False)
class Call(Node):
    function: str
    args: list[Node]
    target: Node | None = None
    overloads: list[Overload] = attribute(default_factory=list, init=False)


@dataclass(slots=True, eq=False)
class ListNode(Node):
    items: list[Node]
    optional: frozenset[int] = frozenset()


@dataclass(slots=True, eq=False)
class Entry:
    """One entry of a map or of an object; `key` is a node of a map and a name of an object."""

    position: int
    key: Any
    value: Node
    optional: bool = False


@dataclass(slots=True, eq=False)
class MapNode(Node):
    entries: list[Entry]


@dataclass(slots=True, eq=False)
class Struct(Node):
    name: str
    fields: list[Entry]


@dataclass(slots=True, eq=False)
class Comprehension(Node):
    """A loop over a range: what every macro over lists and maps becomes. `macro` says which one it was."""

    macro: str
    iter_range: Node
    iter_var: str
    iter_var2: str
    accu_var: str
    accu_init: Node
    condition: Node
    step: Node
    result: Node
    #: The parts of the macro as written: predicate (or filter) and transformation.
    filter: Node | None = None
    transform: Node | None = None


def children(node: Node) -> list[Node]:
    """The nodes directly below one."""
    if isinstance(node, Select):
        return [node.operand]
    if isinstance(node, Call):
        return [*([node.target] if node.target else []), *node.args]
    if isinstance(node, ListNode):
        return node.items
    if isinstance(node, MapNode):
        return [part for entry in node.entries for part in (entry.key, entry.value)]
    if isinstance(node, Struct):
        return [entry.value for entry in node.fields]
    if isinstance(node, Comprehension):
        return [node.iter_range, node.accu_init, node.condition, node.step, node.result]
    return []


def path_of(node: Node) -> str:
    """`a.b.c` if the node is nothing but names, else an empty text."""
    names: list[str] = []
    while isinstance(node, Select) and not node.test:
        names.append(node.field)
        node = node.operand
    if not isinstance(node, Ident):
        return ""
    return ".".join([node.name, *reversed(names)])
