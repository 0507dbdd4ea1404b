"""Calls of functions: the overload is picked when the expression is compiled, or by the values when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.costs import Price, price_of
from capstan.apiserver.cel.errors import CostExceeded, no_such_overload
from capstan.apiserver.cel.frame import Compiling, Frame, Run
from capstan.apiserver.cel.functions import Overload
from capstan.apiserver.cel.nodes import Call
from capstan.apiserver.cel.standard.indexing import index_list, index_map
from capstan.apiserver.cel.types import Type
from capstan.apiserver.cel.values import ABSENT, NONE, Optional, Uint, View, equal, lookup, matches_type


def compile_call(compiler: Compiling, node: Call) -> Run:
    """A call as a closure: arguments, implementation, price."""
    target = [node.target] if node.target is not None else []
    nodes = [*target, *node.args]
    args = [compiler.compile(arg) for arg in nodes]
    if node.function in ("or", "orValue") and node.target is not None and len(args) == 2:
        return _alternative(args[0], args[1], whole=node.function == "or")
    if node.function == "@in":
        members = compiler.constant(node.args[1])
        if isinstance(members, list) and all(m.__class__ in (str, int, bool, Uint) for m in members):
            return _in_constants(args[0], members)
    impl = _implementation(node, [arg.type for arg in nodes])
    overload = node.overloads[0].id if len(node.overloads) == 1 else ""
    price = price_of(node.function, overload)
    return _closure(impl, args, price)


def _implementation(node: Call, actual: list[Type]) -> Callable[..., Any]:
    overloads = node.overloads
    if node.function in ("_==_", "_!=_"):
        return overloads[0].impl
    if node.function == "_[_]" and (len(overloads) > 1 or t.is_dyn(actual[1])):
        return _index
    if len(overloads) == 1 and all(_settled(a, p) for a, p in zip(actual, overloads[0].params, strict=True)):
        return overloads[0].impl
    return _dispatch(node.function, overloads)


def _index(value: Any, key: Any) -> Any:
    """A place or key of something that is only known now."""
    if isinstance(value, list):
        return index_list(value, key)
    if isinstance(value, dict | View):
        return index_map(value, key)
    if isinstance(value, Optional):
        return _optional_index(value, key)
    raise no_such_overload("_[_]")


def _optional_index(value: Optional, key: Any) -> Optional:
    if not value.present:
        return NONE
    if isinstance(value.value, list):
        return Optional(value.value[key]) if 0 <= key < len(value.value) else NONE
    found = lookup(value.value, key)
    return NONE if found is ABSENT else Optional(found)


def _settled(actual: Type, formal: Type) -> bool:
    """Whether values of a checked type need no second look when the expression runs."""
    return formal.kind in ("param", "dyn") or (actual.kind == formal.kind and actual.name == formal.name)


def _dispatch(name: str, overloads: list[Overload]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        for overload in overloads:
            if all(matches_type(value, of) for value, of in zip(values, overload.params, strict=True)):
                return overload.impl(*values)
        raise no_such_overload(name)

    return run


def _closure(impl: Callable[..., Any], args: list[Run], price: Price | None) -> Run:
    if price is not None:
        return _priced(impl, args, price)
    if len(args) == 1:
        return _unary(impl, args[0])
    if len(args) == 2:
        return _binary(impl, args[0], args[1])

    def run(frame: Frame) -> Any:
        values = [arg(frame) for arg in args]
        frame.spend(1)
        return impl(*values)

    return run


def _unary(impl: Callable[..., Any], arg: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = arg(frame)
        frame.cost += 1
        if frame.cost > frame.limit:
            raise CostExceeded()
        return impl(value)

    return run


def _binary(impl: Callable[..., Any], first: Run, second: Run) -> Run:
    def run(frame: Frame) -> Any:
        a, b = first(frame), second(frame)
        frame.cost += 1
        if frame.cost > frame.limit:
            raise CostExceeded()
        return impl(a, b)

    return run


def _priced(impl: Callable[..., Any], args: list[Run], price: Price) -> Run:
    def run(frame: Frame) -> Any:
        values = [arg(frame) for arg in args]
        result = impl(*values)
        frame.cost += price(values, result)
        if frame.cost > frame.limit:
            raise CostExceeded()
        return result

    return run


def _in_constants(value: Run, members: list[Any]) -> Run:
    """A look into a list of constants: prepared once, and free as upstream."""
    plain = frozenset(m for m in members if m.__class__ is not bool)
    flags = frozenset(m for m in members if m.__class__ is bool)

    def run(frame: Frame) -> bool:
        found = value(frame)
        kind = found.__class__
        if kind is bool:
            return found in flags
        if kind is str or kind is int or kind is Uint or kind is float:
            return found in plain
        return any(equal(found, member) for member in members)

    return run


def _alternative(first: Run, second: Run, *, whole: bool) -> Run:
    """`or` and `orValue` of optionals: the second side only if it is needed."""

    def run(frame: Frame) -> Any:
        value = first(frame)
        if value.__class__ is not Optional:
            raise no_such_overload("or" if whole else "orValue")
        if value.present:
            return value if whole else value.value
        return second(frame)

    return run
