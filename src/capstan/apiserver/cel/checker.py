"""Types of all nodes: resolves names, picks the overloads of calls, and says what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.errors import CelError, CelEvaluationError, Issue
from capstan.apiserver.cel.functions import Functions, Overload
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
    children,
    path_of,
)
from capstan.apiserver.cel.patterns import pattern_of
from capstan.apiserver.cel.times import duration_of, timestamp_of
from capstan.apiserver.cel.types import TYPE_NAMES, Type
from capstan.apiserver.cel.values import type_of

#: Functions whose literal arguments are read when the expression is checked.
_LITERALS: dict[str, Callable[[str], Any]] = {
    "timestamp": timestamp_of,
    "duration": duration_of,
    "matches": pattern_of,
}
#: More reasons than these are not listed.
_MOST_ISSUES = 100


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may name: variables, functions, and types of objects that it can construct."""

    variables: Mapping[str, Type]
    functions: Functions
    objects: Mapping[str, Type] = field(default_factory=dict)
    #: Whether lists and maps have to be of one type each, as Kubernetes demands.
    homogeneous: bool = True


def check(text: str, root: Node, scope: Scope) -> Type:
    """The type of an expression; every node below gets its own. Errors: CelError."""
    checker = _Checker(scope)
    checker.visit(root)
    if checker.issues:
        issues = sorted(checker.issues[:_MOST_ISSUES], key=lambda issue: issue.position)
        raise CelError(text, issues)
    checker.settle(root)
    return root.type


class _Checker:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._locals: list[tuple[str, Type]] = []
        self._types = t.Inference()
        self.issues: list[Issue] = []

    def visit(self, node: Node) -> Type:
        node.type = self._visitors[type(node)](self, node)
        return node.type

    def settle(self, root: Node) -> None:
        """Replaces type parameters by what they turned out to be."""
        pending, seen = [root], set()
        while pending:
            node = pending.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            node.type = self._types.resolve(node.type, free_to_dyn=True)
            pending.extend(children(node))

    def _report(self, position: int, message: str) -> Type:
        self.issues.append(Issue(position, message))
        return t.ERROR

    def _show(self, of: Type) -> str:
        return str(self._types.resolve(of, free_to_dyn=True))

    def _local(self, name: str) -> Type | None:
        for found, of in reversed(self._locals):
            if found == name:
                return of
        return None

    def _global(self, name: str) -> Type | None:
        if name in self._scope.variables:
            return self._scope.variables[name]
        named = self._scope.objects.get(name) or TYPE_NAMES.get(name)
        return t.type_of_type(named) if named is not None else None

    def _literal(self, node: Node) -> Type:
        assert isinstance(node, Literal)
        return type_of(node.value)

    def _ident(self, node: Node) -> Type:
        assert isinstance(node, Ident)
        found = None if node.name.startswith(".") else self._local(node.name)
        found = found or self._global(node.name.lstrip("."))
        if found is None:
            shown = node.name.lstrip(".")
            return self._report(node.position, f"undeclared reference to '{shown}' (in container '')")
        return found

    def _select(self, node: Node) -> Type:
        assert isinstance(node, Select)
        path = path_of(node)
        if path and self._local(path.split(".")[0]) is None:
            found = self._global(path.lstrip("."))
            if found is not None:
                node.resolved = path.lstrip(".")
                return found
        operand = self.visit(node.operand)
        found = self._field(node, operand, node.field)
        return t.BOOL if node.test and found is not t.ERROR else found

    def _field(self, node: Node, operand: Type, name: str) -> Type:
        operand = self._types.resolve(operand)
        if t.is_optional(operand):
            found = self._field(node, operand.params[0], name)
            return found if found.kind == "error" or t.is_optional(found) else t.optional_of(found)
        if operand.kind == "map":
            return operand.params[1]
        if operand.kind == "object":
            if name not in operand.fields:
                return self._report(node.position, f"undefined field '{name}'")
            return operand.fields[name].type
        if operand.kind == "param":
            self._types.assign(t.DYN, operand)
            return t.DYN
        if t.is_dyn(operand):
            return t.DYN
        return self._report(node.position, f"type '{self._show(operand)}' does not support field selection")

    def _call(self, node: Node) -> Type:
        assert isinstance(node, Call)
        if node.function == "_?._":
            return self._optional_select(node)
        if node.target is not None:
            self._qualify(node)
        args = [self.visit(arg) for arg in node.args]
        if node.target is not None:
            args.insert(0, self.visit(node.target))
        overloads = self._scope.functions.get(node.function)
        if overloads is None:
            return self._report(node.position, f"undeclared reference to '{node.function}' (in container '')")
        self._literal_argument(node)
        return self._resolve(node, overloads, args)

    def _qualify(self, node: Call) -> None:
        """`math.greatest(x)` is a function with a dot in its name, not a member of `math`."""
        assert node.target is not None
        path = path_of(node.target)
        if not path or self._local(path.split(".")[0]) is not None:
            return
        name = f"{path.lstrip('.')}.{node.function}"
        if name in self._scope.functions:
            node.function, node.target = name, None

    def _optional_select(self, node: Call) -> Type:
        operand = self.visit(node.args[0])
        key = node.args[1]
        self.visit(key)
        assert isinstance(key, Literal)
        found = self._field(node, operand, str(key.value))
        return found if found.kind == "error" or t.is_optional(found) else t.optional_of(found)

    def _resolve(self, node: Call, overloads: tuple[Overload, ...], args: list[Type]) -> Type:
        member = node.target is not None
        result: Type | None = None
        for overload in overloads:
            if overload.member != member:
                continue
            names: dict[str, Type] = {}
            formal = [self._types.instantiate(param, names) for param in overload.params]
            if not self._types.assign_all(args, formal):
                continue
            node.overloads.append(overload)
            found = self._types.resolve(self._types.instantiate(overload.result, names))
            if result is None:
                result = found
            elif not t.is_dyn(result) and found != result:
                result = t.DYN
        if result is not None:
            return result
        if any(arg.kind == "error" for arg in args):
            return t.ERROR
        shown = [self._show(arg) for arg in args]
        signature = f"{shown[0]}.({', '.join(shown[1:])})" if member else f"({', '.join(shown)})"
        return self._report(node.position, f"found no matching overload for '{node.function}' applied to '{signature}'")

    def _literal_argument(self, node: Call) -> None:
        """A literal that can never be read is refused at once."""
        parse = _LITERALS.get(node.function)
        if parse is None or not node.args:
            return
        last = node.args[-1]
        if isinstance(last, Literal) and isinstance(last.value, str):
            try:
                parse(last.value)
            except CelEvaluationError:
                self._report(last.position, f"invalid {node.function} argument")

    def _list(self, node: Node) -> Type:
        assert isinstance(node, ListNode)
        element: Type | None = None
        for place, item in enumerate(node.items):
            found = self.visit(item)
            if place in node.optional:
                found = self._unwrap(item, found)
            element = found if element is None else self._join(item, element, found)
        return t.list_of(element if element is not None else self._types.fresh())

    def _unwrap(self, node: Node, found: Type) -> Type:
        found = self._types.resolve(found)
        if t.is_optional(found):
            return found.params[0]
        if t.is_dyn(found):
            return found
        return self._mismatch(node, t.optional_of(found), found)

    def _join(self, node: Node, first: Type, second: Type) -> Type:
        if self._types.assign(second, first):
            return self._types.widest(first, second)
        if not self._scope.homogeneous:
            return t.DYN
        return self._mismatch(node, first, second)

    def _mismatch(self, node: Node, wanted: Type, found: Type) -> Type:
        if t.is_dyn(wanted) or t.is_dyn(found):
            return t.DYN
        return self._report(node.position, f"expected type '{self._show(wanted)}' but found '{self._show(found)}'")

    def _map(self, node: Node) -> Type:
        assert isinstance(node, MapNode)
        key: Type | None = None
        value: Type | None = None
        for entry in node.entries:
            found_key, found = self.visit(entry.key), self.visit(entry.value)
            if entry.optional:
                found = self._unwrap(entry.value, found)
            key = found_key if key is None else self._join(entry.key, key, found_key)
            value = found if value is None else self._join(entry.value, value, found)
        return t.map_of(key or self._types.fresh(), value or self._types.fresh())

    def _struct(self, node: Node) -> Type:
        assert isinstance(node, Struct)
        declared = self._scope.objects.get(node.name)
        values = [(entry, self.visit(entry.value)) for entry in node.fields]
        if declared is None:
            return self._report(node.position, f"undeclared reference to '{node.name}' (in container '')")
        for entry, found in values:
            wanted = declared.fields.get(str(entry.key))
            if wanted is None and declared.fields:
                self._report(entry.position, f"undefined field '{entry.key}'")
                continue
            if entry.optional:
                found = self._unwrap(entry.value, found)
            if wanted is not None and not self._types.assign(found, wanted.type):
                self._report(
                    entry.position,
                    f"expected type of field '{entry.key}' is '{self._show(wanted.type)}' "
                    f"but provided type is '{self._show(found)}'",
                )
        return declared

    def _comprehension(self, node: Node) -> Type:
        assert isinstance(node, Comprehension)
        first, second = self._range(node, self.visit(node.iter_range))
        accumulator = self.visit(node.accu_init)
        self._locals.append((node.accu_var, accumulator))
        variables = [(node.iter_var, first)] + ([(node.iter_var2, second)] if node.iter_var2 else [])
        self._locals.extend(variables)
        self._expect(node.condition, t.BOOL)
        self._expect(node.step, accumulator)
        del self._locals[-len(variables) :]
        result = self.visit(node.result)
        self._locals.pop()
        return result

    def _expect(self, node: Node, wanted: Type) -> None:
        found = self.visit(node)
        if found.kind != "error" and not self._types.assign(found, wanted):
            self._mismatch(node, wanted, found)

    def _range(self, node: Comprehension, of: Type) -> tuple[Type, Type]:
        of = self._types.resolve(of)
        if of.kind == "list":
            return (t.INT, of.params[0]) if node.iter_var2 else (of.params[0], t.DYN)
        if of.kind == "map":
            return of.params[0], of.params[1]
        if of.kind == "param":
            self._types.assign(t.DYN, of)
        elif not t.is_dyn(of):
            self._report(
                node.iter_range.position,
                f"expression of type '{self._show(of)}' cannot be range of a comprehension "
                "(must be list, map, or dynamic)",
            )
        return t.DYN, t.DYN

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
