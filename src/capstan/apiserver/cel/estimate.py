"""What an expression can cost at most, worked out from the declared sizes before it ever runs.

Servers refuse rules by this number, so it follows Kubernetes': every node adds its cost, a loop multiplies by the
size of its range, sizes come from `maxLength`, `maxItems` and `maxProperties`, or from how much fits into a request.
"""

from __future__ import annotations

from capstan.apiserver.cel import estimates
from capstan.apiserver.cel.costs import LIST, MAP, STRUCT
from capstan.apiserver.cel.estimates import Argument
from capstan.apiserver.cel.loops import is_hidden
from capstan.apiserver.cel.nodes import (
    Call,
    Comprehension,
    Ident,
    ListNode,
    Literal,
    MapNode,
    Node,
    Select,
    Struct,
)
from capstan.apiserver.cel.sizes import EMPTY, ONE, UNKNOWN, ZERO, Range, fixed
from capstan.apiserver.cel.types import SCALARS, Type, is_optional
from capstan.apiserver.cel.values import size_of


def estimate(root: Node) -> Range:
    """Least and most units of a checked expression."""
    return _Estimator().cost(root)


class _Bound:
    """A local variable: its size, the sizes of its entries, and the declared type that knows its limits."""

    __slots__ = ("declared", "entries", "size")

    def __init__(self, size: Range | None, entries: tuple[Range, Range] | None, declared: Type | None) -> None:
        self.size = size
        self.entries = entries
        self.declared = declared


class _Estimator:
    def __init__(self) -> None:
        self._locals: list[tuple[str, _Bound]] = []
        self._sizes: dict[int, Range] = {}
        self._entries: dict[int, tuple[Range, Range]] = {}
        self._declared: dict[int, Type] = {}

    def cost(self, node: Node) -> Range:
        return self._visitors[type(node)](self, node)

    def _local(self, name: str) -> _Bound | None:
        for found, bound in reversed(self._locals):
            if found == name:
                return bound
        return None

    def _literal(self, node: Node) -> Range:
        return ZERO

    def _ident(self, node: Node) -> Range:
        assert isinstance(node, Ident)
        bound = self._local(node.name)
        declared = bound.declared if bound is not None else node.type
        if declared is not None:
            self._declared[id(node)] = declared
        return ONE

    def _select(self, node: Node) -> Range:
        assert isinstance(node, Select)
        if node.resolved:
            return ONE
        total = self.cost(node.operand)
        if node.test:
            return total
        if node.operand.type.kind in ("map", "object", "param"):
            total = total + ONE
        declared = self._declared.get(id(node.operand))
        if declared is not None:
            found = _member(declared, node.field)
            if found is not None:
                self._declared[id(node)] = found
        return total

    def _call(self, node: Node) -> Range:
        assert isinstance(node, Call)
        if node.function == "dyn" and node.args:
            total = self.cost(node.args[0]) + ONE
            self._copy(node, node.args[0])
            return total
        if node.function == "_?._":
            return self._optional_select(node)
        costs = [self.cost(arg) for arg in node.args]
        total = self.cost(node.target) if node.target is not None else ZERO
        if not node.overloads:
            return ZERO
        args = [self._argument(arg) for arg in node.args]
        target = self._argument(node.target) if node.target is not None else None
        price, result = EMPTY, None
        for overload in node.overloads:
            own, size = self._overload(node, overload.id, target, args, costs)
            price = price | own
            if size is not None:
                result = size if result is None else result | size
            result = self._indexed(node, overload.id, result)
        if result is None:
            result = self.size(node)
        if result is not None:
            self._sizes[id(node)] = result
        return total + price

    def _optional_select(self, node: Call) -> Range:
        operand, key = node.args
        total = self.cost(operand) + ONE
        declared = self._declared.get(id(operand))
        if declared is not None and isinstance(key, Literal):
            found = _member(declared, str(key.value))
            if found is not None:
                self._declared[id(node)] = found
        return total

    def _indexed(self, node: Call, overload: str, result: Range | None) -> Range | None:
        if "index" not in overload or node.function not in ("_[_]", "_[?_]"):
            return result
        declared = self._declared.get(id(node.args[0]))
        if declared is not None:
            inner = declared.params[0] if is_optional(declared) and declared.params else declared
            if inner.params:
                self._declared[id(node)] = inner.params[-1]
        entries = self._entries_of(node.args[0])
        return entries[1] if entries is not None else self.size(node)

    def _overload(
        self, node: Call, overload: str, target: Argument | None, args: list[Argument], costs: list[Range]
    ) -> tuple[Range, Range | None]:
        summed = ZERO
        for cost in costs:
            summed = summed + cost
        special = self._special(node, overload, args, costs)
        if special is not None:
            return special
        found = estimates.of_call(node.function, overload, target, args)
        return found[0] + summed, found[1]

    def _special(
        self, node: Call, overload: str, args: list[Argument], costs: list[Range]
    ) -> tuple[Range, Range | None] | None:
        if overload in ("logical_and", "logical_or"):
            return Range(costs[0].least, (costs[0] + costs[1]).most), None
        if overload == "conditional":
            entries = self._merged(node.args[1], node.args[2])
            if entries is not None:
                self._entries[id(node)] = entries
            return costs[0] + (costs[1] | costs[2]), args[1].size_or_unknown | args[2].size_or_unknown
        if overload == "add_list":
            entries = self._merged(node.args[0], node.args[1])
            if entries is not None:
                self._entries[id(node)] = entries
            return costs[0] + costs[1] + ONE, args[0].size_or_unknown + args[1].size_or_unknown
        return None

    def _merged(self, first: Node, second: Node) -> tuple[Range, Range] | None:
        a, b = self._entries_of(first), self._entries_of(second)
        return (a[0] | b[0], a[1] | b[1]) if a is not None and b is not None else None

    def _list(self, node: Node) -> Range:
        assert isinstance(node, ListNode)
        total, size = ZERO, EMPTY if node.items else ZERO
        for item in node.items:
            total = total + self.cost(item)
            size = size | self._known(item)
        self._entries[id(node)] = (ONE, size)
        return total + fixed(LIST)

    def _map(self, node: Node) -> Range:
        assert isinstance(node, MapNode)
        total = ZERO
        keys = values = EMPTY if node.entries else ZERO
        for entry in node.entries:
            total = total + self.cost(entry.key) + self.cost(entry.value)
            keys, values = keys | self._known(entry.key), values | self._known(entry.value)
        self._entries[id(node)] = (keys, values)
        return total + fixed(MAP)

    def _struct(self, node: Node) -> Range:
        assert isinstance(node, Struct)
        total = fixed(STRUCT)
        for entry in node.fields:
            total = total + self.cost(entry.value)
        return total

    def _comprehension(self, node: Node) -> Range:
        assert isinstance(node, Comprehension)
        if node.macro == "bind":
            return self._bind(node)
        total = self.cost(node.iter_range) + self.cost(node.accu_init)
        self._push(node.accu_var, self.size(node.accu_init), self._entries_of(node.accu_init), None)
        self._push_variables(node)
        each = self.cost(node.condition) + self.cost(node.step)
        del self._locals[-(2 if node.iter_var2 else 1) :]
        total = total + self.cost(node.result)
        self._locals.pop()
        rounds = self._known(node.iter_range)
        if isinstance(node.accu_init, ListNode | MapNode):
            self._sizes[id(node)] = rounds
            entries = self._entries_of(node.step)
            if entries is not None:
                self._entries[id(node)] = entries
        else:
            self._sizes[id(node)] = ONE
        return total + rounds * each

    def _push_variables(self, node: Comprehension) -> None:
        source = node.iter_range
        entries = self._entries_of(source)
        declared = self._declared.get(id(source))
        is_list = source.type.kind == "list"
        inner = declared.params[-1] if declared is not None and declared.params else None
        key = declared.params[0] if declared is not None and declared.kind == "map" else None
        if node.iter_var2:
            self._push(node.iter_var, entries[0] if entries else None, None, key)
            self._push(node.iter_var2, entries[1] if entries else None, None, inner)
        elif is_list:
            self._push(node.iter_var, entries[1] if entries else None, None, inner)
        else:
            self._push(node.iter_var, entries[0] if entries else None, None, key)

    def _push(self, name: str, size: Range | None, entries: tuple[Range, Range] | None, declared: Type | None) -> None:
        self._locals.append((name, _Bound(size, entries, declared)))

    def _bind(self, node: Comprehension) -> Range:
        hidden = is_hidden(node.accu_var)
        value = self.cost(node.accu_init)
        total = value + value if hidden else value + fixed(LIST)
        init = node.accu_init
        self._push(node.accu_var, self.size(init), self._entries_of(init), self._declared.get(id(init)))
        result = self.cost(node.result)
        if hidden:
            # The hidden name stands for the target itself, which is counted twice already.
            result = Range(max(0, result.least - 2), result.most - 2 if result.most > 2 else result.most)
        self._locals.pop()
        self._copy(node, node.result)
        return total + result

    def _copy(self, node: Node, source: Node) -> None:
        size, entries = self.size(source), self._entries_of(source)
        if size is not None:
            self._sizes[id(node)] = size
        if entries is not None:
            self._entries[id(node)] = entries
        declared = self._declared.get(id(source))
        if declared is not None:
            self._declared[id(node)] = declared

    def _entries_of(self, node: Node) -> tuple[Range, Range] | None:
        found = self._entries.get(id(node))
        if found is None and isinstance(node, Ident):
            bound = self._local(node.name)
            return bound.entries if bound is not None else None
        return found

    def _known(self, node: Node) -> Range:
        return self.size(node) or UNKNOWN

    def _argument(self, node: Node) -> Argument:
        declared = self._declared.get(id(node))
        literal = node.value if isinstance(node, Literal) else None
        return Argument(node.type, self.size(node), declared, literal)

    def size(self, node: Node) -> Range | None:
        """How many elements a node's value can have, None if nothing is known."""
        found = self._sizes.get(id(node))
        if found is not None:
            return found
        exact = _exact(node)
        if exact is not None:
            return fixed(exact)
        declared = self._declared.get(id(node))
        limit = declared_limit(declared) if declared is not None else None
        if limit is not None:
            return Range(0, limit)
        if _scalar(node.type):
            return ONE
        if isinstance(node, Ident):
            bound = self._local(node.name)
            return bound.size if bound is not None else None
        return None

    _visitors = {
        Literal: _literal,
        Ident: _ident,
        Select: _select,
        Call: _call,
        ListNode: _list,
        MapNode: _map,
        Struct: _struct,
        Comprehension: _comprehension,
    }


def declared_limit(declared: Type) -> int | None:
    """The most elements that a declared type allows, None if it says nothing."""
    if is_optional(declared) and declared.params:
        return declared_limit(declared.params[0])
    return declared.limit


def _exact(node: Node) -> int | None:
    if isinstance(node, Literal):
        return size_of(node.value)
    if isinstance(node, ListNode):
        return len(node.items)
    return len(node.entries) if isinstance(node, MapNode) else None


def _scalar(of: Type) -> bool:
    return of.kind in SCALARS or (is_optional(of) and bool(of.params) and _scalar(of.params[0]))


def _member(declared: Type, name: str) -> Type | None:
    if is_optional(declared) and declared.params:
        return _member(declared.params[0], name)
    if declared.kind == "object":
        found = declared.fields.get(name)
        return found.type if found is not None else None
    return declared.params[1] if declared.kind == "map" else None
