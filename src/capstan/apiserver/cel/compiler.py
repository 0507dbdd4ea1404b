"""Checked nodes to Python closures, each of which charges what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from capstan.apiserver.cel import calls, loops
from capstan.apiserver.cel.costs import LIST, MAP, STRUCT
from capstan.apiserver.cel.errors import CelEvaluationError, CostExceeded, no_such_key, no_such_overload
from capstan.apiserver.cel.frame import Frame, Run
from capstan.apiserver.cel.nodes import Call, Comprehension, Ident, ListNode, Literal, MapNode, Node, Select, Struct
from capstan.apiserver.cel.standard.indexing import format_value
from capstan.apiserver.cel.types import TYPE_NAMES, Type
from capstan.apiserver.cel.values import ABSENT, NONE, Optional, Uint, View, map_key

#: Types of keys that maps can have.
_KEYS = frozenset({str, int, Uint, bool})
_CONVERSIONS = frozenset({"int", "uint", "double", "bool", "string", "bytes", "timestamp", "duration"})


class Compiler:
    """Compiles one expression; `variables` says afterwards which slot each named variable needs."""

    def __init__(self, objects: Mapping[str, Type]) -> None:
        self._objects = objects
        self._locals: list[tuple[str, int]] = []
        self.variables: dict[str, int] = {}
        self.slots = 0

    def slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def bind(self, name: str) -> int:
        """A slot for a local variable, visible until `unbind`."""
        slot = self.slot()
        self._locals.append((name, slot))
        return slot

    def unbind(self) -> None:
        self._locals.pop()

    def compile(self, node: Node) -> Run:
        folded = self._constant(node)
        if folded is not ABSENT:
            return lambda frame: folded
        return self._compilers[type(node)](self, node)

    def constant(self, node: Node) -> Any:
        """The value of a node that is always the same, else ABSENT."""
        return self._constant(node)

    def _constant(self, node: Node) -> Any:
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, ListNode) and not node.optional:
            items = [self._constant(item) for item in node.items]
            return ABSENT if any(item is ABSENT for item in items) else items
        if isinstance(node, MapNode):
            return self._constant_map(node)
        if isinstance(node, Call) and node.function in _CONVERSIONS and len(node.args) == len(node.overloads) == 1:
            value = self._constant(node.args[0])
            try:
                return ABSENT if value is ABSENT else node.overloads[0].impl(value)
            except CelEvaluationError:
                return ABSENT
        return ABSENT

    def _constant_map(self, node: MapNode) -> Any:
        found: dict[Any, Any] = {}
        for entry in node.entries:
            key, value = self._constant(entry.key), self._constant(entry.value)
            if entry.optional or value is ABSENT or key.__class__ not in _KEYS or map_key(key) in found:
                return ABSENT
            found[map_key(key)] = value
        return found

    def _ident(self, node: Node) -> Run:
        assert isinstance(node, Ident)
        name = node.name
        if not name.startswith("."):
            for local, slot in reversed(self._locals):
                if local == name:
                    return _local(slot)
        return self._named(name.lstrip("."), node.type)

    def _named(self, name: str, of: Type) -> Run:
        if of.kind == "type" and name not in self.variables:
            found = self._objects.get(name) or TYPE_NAMES.get(name)
            if found is not None:
                return lambda frame: found
        slot = self.variables.get(name)
        if slot is None:
            slot = self.variables[name] = self.slot()
        return _variable(slot, name)

    def _select(self, node: Node) -> Run:
        assert isinstance(node, Select)
        if node.resolved:
            return self._named(node.resolved, node.type)
        operand = self.compile(node.operand)
        declared = node.operand.type
        wire = declared.fields[node.field].wire if declared.kind == "object" and declared.fields else node.field
        if node.test:
            return _present(operand, node.field, wire, declared)
        if declared.kind == "object":
            return _field(operand, node.field, wire)
        return _entry(operand, node.field)

    def _list(self, node: Node) -> Run:
        assert isinstance(node, ListNode)
        items = [self.compile(item) for item in node.items]
        optional = node.optional

        def run(frame: Frame) -> list[Any]:
            found: list[Any] = []
            for place, item in enumerate(items):
                value = item(frame)
                if place in optional:
                    if not isinstance(value, Optional):
                        shown = format_value(value)
                        raise CelEvaluationError(
                            f"cannot initialize optional list element from non-optional value {shown}"
                        )
                    if not value.present:
                        continue
                    value = value.value
                found.append(value)
            frame.spend(LIST)
            return found

        return run

    def _map(self, node: Node) -> Run:
        assert isinstance(node, MapNode)
        entries = [(self.compile(e.key), self.compile(e.value), e.optional) for e in node.entries]

        def run(frame: Frame) -> dict[Any, Any]:
            found: dict[Any, Any] = {}
            for key_of, value_of, optional in entries:
                written, value = key_of(frame), value_of(frame)
                key = map_key(written)
                if key is ABSENT:
                    raise CelEvaluationError("unsupported key type: double")
                if key in found:
                    raise CelEvaluationError(f"Failed with repeated key: {format_value(written)}")
                value = _entry_value(written, value) if optional else value
                if value is not ABSENT:
                    found[key] = value
            frame.spend(MAP)
            return found

        return run

    def _struct(self, node: Node) -> Run:
        assert isinstance(node, Struct)
        declared = self._objects[node.name]
        fields = [
            (
                declared.fields[str(e.key)].wire if str(e.key) in declared.fields else str(e.key),
                self.compile(e.value),
                e.optional,
            )
            for e in node.fields
        ]

        def run(frame: Frame) -> Any:
            found: dict[str, Any] = {}
            for name, value_of, optional in fields:
                value = value_of(frame)
                value = _entry_value(name, value) if optional else value
                if value is not ABSENT:
                    found[name] = value
            frame.spend(STRUCT)
            return found

        return run

    def _call(self, node: Node) -> Run:
        assert isinstance(node, Call)
        special = _SPECIAL.get(node.function)
        if special is not None:
            return special(self, node)
        return calls.compile_call(self, node)

    def _comprehension(self, node: Node) -> Run:
        assert isinstance(node, Comprehension)
        return loops.compile_loop(self, node)

    def _and(self, node: Call) -> Run:
        return _junction(self.compile(node.args[0]), self.compile(node.args[1]), decisive=False)

    def _or(self, node: Call) -> Run:
        return _junction(self.compile(node.args[0]), self.compile(node.args[1]), decisive=True)

    def _conditional(self, node: Call) -> Run:
        condition, yes, no = (self.compile(arg) for arg in node.args)

        def run(frame: Frame) -> Any:
            found = condition(frame)
            if found is True:
                return yes(frame)
            if found is False:
                return no(frame)
            raise no_such_overload()

        return run

    def _optional_select(self, node: Call) -> Run:
        operand, key = self.compile(node.args[0]), node.args[1]
        assert isinstance(key, Literal)
        declared = node.args[0].type
        field = str(key.value)
        wire = declared.fields[field].wire if declared.kind == "object" and declared.fields else field
        hides_null = declared.kind == "object"

        def run(frame: Frame) -> Optional:
            value = operand(frame)
            frame.cost += 1
            if value.__class__ is Optional:
                if not value.present:
                    return NONE
                value = value.value
            found = find(value, field, wire)
            return NONE if found is ABSENT or (found is None and hides_null) else Optional(found)

        return run

    _compilers: dict[type, Callable[[Any, Any], Run]] = {
        Ident: _ident,
        Select: _select,
        Call: _call,
        ListNode: _list,
        MapNode: _map,
        Struct: _struct,
        Comprehension: _comprehension,
    }


_SPECIAL: dict[str, Callable[[Compiler, Call], Run]] = {
    "_&&_": Compiler._and,
    "_||_": Compiler._or,
    "_?_:_": Compiler._conditional,
    "_?._": Compiler._optional_select,
}


def _entry_value(name: Any, value: Any) -> Any:
    if not isinstance(value, Optional):
        shown = f"cannot initialize optional entry '{format_value(name)}' from non-optional value {format_value(value)}"
        raise CelEvaluationError(shown)
    return value.value


def _local(slot: int) -> Run:
    def run(frame: Frame) -> Any:
        frame.cost += 1
        value = frame.slots[slot]
        # A bound expression is evaluated when its name is first used.
        return value.force(frame) if value.__class__ is loops.Lazy else value

    return run


def _variable(slot: int, name: str) -> Run:
    def run(frame: Frame) -> Any:
        frame.cost += 1
        value = frame.slots[slot]
        if value is ABSENT:
            raise CelEvaluationError(f"no such attribute(s): {name}")
        return value

    return run


def find(value: Any, field: str, wire: str) -> Any:
    """A field of an object or an entry of a map, or ABSENT. Errors: CelEvaluationError for anything else."""
    if isinstance(value, dict):
        return value.get(wire, ABSENT)
    if isinstance(value, View):
        return value.find(field)
    raise no_such_overload()


def _field(operand: Run, field: str, wire: str) -> Run:
    """A declared property: null is as good as absent."""

    def run(frame: Frame) -> Any:
        value = operand(frame)
        frame.cost += 1
        if value.__class__ is dict:
            found = value.get(wire)
            if found is None:
                raise no_such_key(field)
            return found
        if value.__class__ is Optional:
            return _through(value, field, wire)
        found = find(value, field, wire)
        if found is ABSENT or found is None:
            raise no_such_key(field)
        return found

    return run


def _entry(operand: Run, field: str) -> Run:
    def run(frame: Frame) -> Any:
        value = operand(frame)
        frame.cost += 1
        if value.__class__ is Optional:
            return _through(value, field, field)
        found = find(value, field, field)
        if found is ABSENT:
            raise no_such_key(field)
        return found

    return run


def _through(value: Optional, field: str, wire: str) -> Optional:
    if not value.present:
        return NONE
    found = find(value.value, field, wire)
    return NONE if found is ABSENT else Optional(found)


def _present(operand: Run, field: str, wire: str, declared: Type) -> Run:
    """`has()`: free but for its operand."""
    hides_null = declared.kind == "object"

    def run(frame: Frame) -> bool:
        value = operand(frame)
        if value.__class__ is Optional:
            if not value.present:
                return False
            value = value.value
        found = find(value, field, wire)
        return found is not ABSENT and not (hides_null and found is None)

    return run


def _junction(first: Run, second: Run, *, decisive: bool) -> Run:
    """`&&` and `||`: the side that decides alone wins over an error on the other."""

    def after_error(frame: Frame, error: CelEvaluationError) -> bool:
        if second(frame) is decisive:
            return bool(decisive)
        raise error

    def run(frame: Frame) -> bool:
        try:
            left = first(frame)
        except CostExceeded:
            raise
        except CelEvaluationError as error:
            return after_error(frame, error)
        if left is decisive:
            return bool(decisive)
        if left is not (not decisive):
            return after_error(frame, no_such_overload())
        right = second(frame)
        if right.__class__ is not bool:
            raise no_such_overload()
        return bool(right)

    return run
