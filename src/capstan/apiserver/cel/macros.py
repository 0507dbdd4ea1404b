"""Macros: what `has`, `all`, `map`, `cel.bind`, `optMap` and the like stand for."""

from __future__ import annotations

from collections.abc import Callable

from capstan.apiserver.cel.nodes import (
    ACCUMULATOR,
    Call,
    Comprehension,
    Entry,
    Ident,
    ListNode,
    Literal,
    MapNode,
    Node,
    Select,
)


class MacroError(Exception):
    """A macro was given what it cannot take."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


def expand(name: str, target: Node | None, args: list[Node], position: int) -> Node | None:
    """The nodes that a call of a macro stands for, None if it is none."""
    if target is None:
        return _has(args, position) if name == "has" and len(args) == 1 else None
    if name == "bind" and len(args) == 3 and isinstance(target, Ident) and target.name == "cel":
        return _bind(
            _variable(args[0], "cel.bind() variable names must be simple identifiers"), args[1], args[2], position
        )
    macro = _MACROS.get((name, len(args)))
    return macro(target, args, position) if macro else None


def _has(args: list[Node], position: int) -> Node:
    operand = args[0]
    if isinstance(operand, Select) and not operand.test:
        return Select(position, operand.operand, operand.field, test=True)
    raise MacroError(operand.position, "invalid argument to has() macro")


def _variable(node: Node, message: str = "argument must be a simple name") -> str:
    if not isinstance(node, Ident) or node.name.startswith("."):
        raise MacroError(node.position, message)
    if node.name in ("__result__", ACCUMULATOR):
        raise MacroError(node.position, "iteration variable overwrites accumulator variable")
    return node.name


def _variables(first: Node, second: Node) -> tuple[str, str]:
    names = _variable(first), _variable(second)
    if names[0] == names[1]:
        raise MacroError(second.position, f"duplicate variable name: {names[0]}")
    return names


def _bind(name: str, value: Node, result: Node, position: int) -> Node:
    return Comprehension(
        position,
        "bind",
        iter_range=ListNode(position, []),
        iter_var="#unused",
        iter_var2="",
        accu_var=name,
        accu_init=value,
        condition=Literal(position, False),
        step=Ident(position, name),
        result=result,
        transform=result,
    )


def _accu(position: int) -> Node:
    return Ident(position, ACCUMULATOR)


def _quantifier(kind: str, target: Node, names: tuple[str, str], predicate: Node, at: int) -> Node:
    if kind == "all":
        init: Node = Literal(at, True)
        condition: Node = Call(at, "@not_strictly_false", [_accu(at)])
        step, result = Call(at, "_&&_", [_accu(at), predicate]), _accu(at)
    elif kind == "exists":
        init = Literal(at, False)
        condition = Call(at, "@not_strictly_false", [Call(at, "!_", [_accu(at)])])
        step, result = Call(at, "_||_", [_accu(at), predicate]), _accu(at)
    else:
        init, condition = Literal(at, 0), Literal(at, True)
        more = Call(at, "_+_", [_accu(at), Literal(at, 1)])
        step = Call(at, "_?_:_", [predicate, more, _accu(at)])
        result = Call(at, "_==_", [_accu(at), Literal(at, 1)])
    return Comprehension(
        at, kind, target, names[0], names[1], ACCUMULATOR, init, condition, step, result, filter=predicate
    )


def _gather(
    kind: str, target: Node, names: tuple[str, str], chosen: Node | None, made: Node, init: Node, at: int
) -> Node:
    """A loop that adds to a list or map; `made` is the step of one round."""
    step = made if chosen is None else Call(at, "_?_:_", [chosen, made, _accu(at)])
    return Comprehension(at, kind, target, names[0], names[1], ACCUMULATOR, init, Literal(at, True), step, _accu(at))


def _one(kind: str) -> Callable[[Node, list[Node], int], Node]:
    return lambda target, args, at: _quantifier(kind, target, (_variable(args[0]), ""), args[1], at)


def _two(kind: str) -> Callable[[Node, list[Node], int], Node]:
    return lambda target, args, at: _quantifier(kind, target, _variables(args[0], args[1]), args[2], at)


def _to_list(kind: str, variables: int) -> Callable[[Node, list[Node], int], Node]:
    def build(target: Node, args: list[Node], at: int) -> Node:
        names = (_variable(args[0]), "") if variables == 1 else _variables(args[0], args[1])
        rest = args[variables:]
        chosen = rest[0] if len(rest) == 2 else None
        added = Call(at, "_+_", [_accu(at), ListNode(at, [rest[-1]])])
        node = _gather(kind, target, names, chosen, added, ListNode(at, []), at)
        assert isinstance(node, Comprehension)
        node.filter, node.transform = chosen, rest[-1]
        return node

    return build


def _filter(target: Node, args: list[Node], at: int) -> Node:
    name = _variable(args[0])
    added = Call(at, "_+_", [_accu(at), ListNode(at, [Ident(args[0].position, name)])])
    node = _gather("filter", target, (name, ""), args[1], added, ListNode(at, []), at)
    assert isinstance(node, Comprehension)
    node.filter = args[1]
    return node


def _to_map(*, entries: bool) -> Callable[[Node, list[Node], int], Node]:
    def build(target: Node, args: list[Node], at: int) -> Node:
        names = _variables(args[0], args[1])
        chosen = args[2] if len(args) == 4 else None
        made = args[-1]
        parts = [_accu(at), made] if entries else [_accu(at), Ident(args[0].position, names[0]), made]
        step = Call(at, "cel.@mapInsert", parts)
        kind = "transformMapEntry" if entries else "transformMap"
        node = _gather(kind, target, names, chosen, step, MapNode(at, list[Entry]()), at)
        assert isinstance(node, Comprehension)
        node.filter, node.transform = chosen, made
        return node

    return build


def _opt(*, flat: bool) -> Callable[[Node, list[Node], int], Node]:
    def build(target: Node, args: list[Node], at: int) -> Node:
        which = "optFlatMap" if flat else "optMap"
        name = _variable(args[0], f"{which}() variable name must be a simple identifier")
        hidden = f"@target{at}"
        bound = _bind(name, Call(at, "value", [], Ident(at, hidden)), args[1], at)
        some = bound if flat else Call(at, "optional.of", [bound])
        none = Call(at, "optional.none", [])
        choice = Call(at, "_?_:_", [Call(at, "hasValue", [], Ident(at, hidden)), some, none])
        return _bind(hidden, target, choice, at)

    return build


def _sort_by(target: Node, args: list[Node], at: int) -> Node:
    hidden = "@__sortBy_input__"
    keys = _to_list("map", 1)(Ident(at, hidden), args, at)
    return _bind(hidden, target, Call(at, "@sortByAssociatedKeys", [keys], Ident(at, hidden)), at)


_MACROS: dict[tuple[str, int], Callable[[Node, list[Node], int], Node]] = {
    ("all", 2): _one("all"),
    ("exists", 2): _one("exists"),
    ("exists_one", 2): _one("exists_one"),
    ("existsOne", 2): _one("exists_one"),
    ("map", 2): _to_list("map", 1),
    ("map", 3): _to_list("map", 1),
    ("filter", 2): _filter,
    ("all", 3): _two("all"),
    ("exists", 3): _two("exists"),
    ("existsOne", 3): _two("exists_one"),
    ("exists_one", 3): _two("exists_one"),
    ("transformList", 3): _to_list("transformList", 2),
    ("transformList", 4): _to_list("transformList", 2),
    ("transformMap", 3): _to_map(entries=False),
    ("transformMap", 4): _to_map(entries=False),
    ("transformMapEntry", 3): _to_map(entries=True),
    ("transformMapEntry", 4): _to_map(entries=True),
    ("optMap", 2): _opt(flat=False),
    ("optFlatMap", 2): _opt(flat=True),
    ("sortBy", 2): _sort_by,
}
