"""Macros as loops of Python: same results and same costs as the comprehensions that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from capstan.apiserver.cel.costs import LIST
from capstan.apiserver.cel.errors import CelEvaluationError, CostExceeded, no_such_overload
from capstan.apiserver.cel.frame import Compiling, Frame, Run
from capstan.apiserver.cel.nodes import Comprehension
from capstan.apiserver.cel.standard.indexing import format_value
from capstan.apiserver.cel.values import ABSENT, View, from_key, iterate, keys_of, lookup, map_key

#: Sets the variables of each round, one after the other.
_Rounds = Callable[[Frame, Any], Iterator[None]]


class Lazy:
    """The value of `cel.bind`, worked out when it is first used."""

    __slots__ = ("run", "slot", "twice")

    def __init__(self, run: Run, slot: int, *, twice: bool) -> None:
        self.run = run
        self.slot = slot
        self.twice = twice

    def force(self, frame: Frame) -> Any:
        before = frame.cost
        value = self.run(frame)
        if self.twice:
            # `optMap` evaluates its target twice by the book; here it is charged twice.
            frame.spend(frame.cost - before)
        frame.slots[self.slot] = value
        return value


def compile_loop(compiler: Compiling, node: Comprehension) -> Run:
    if node.macro == "bind":
        return _bind(compiler, node)
    source = compiler.compile(node.iter_range)
    first = compiler.bind(node.iter_var)
    second = compiler.bind(node.iter_var2) if node.iter_var2 else None
    filtered = compiler.compile(node.filter) if node.filter is not None else None
    made = compiler.compile(node.transform) if node.transform is not None else None
    if second is not None:
        compiler.unbind()
    compiler.unbind()
    rounds = _one(first) if second is None else _two(first, second)
    if node.macro in ("all", "exists", "exists_one"):
        assert filtered is not None
        if node.macro == "exists_one":
            return _count(source, rounds, filtered)
        return _quantify(source, rounds, filtered, decisive=node.macro == "exists")
    if node.macro in ("transformMap", "transformMapEntry"):
        assert made is not None
        return _to_map(source, rounds, filtered, made, first if node.macro == "transformMap" else None)
    return _to_list(source, rounds, filtered, made or _read(first), own=made is None)


def _bind(compiler: Compiling, node: Comprehension) -> Run:
    value = compiler.compile(node.accu_init)
    slot = compiler.bind(node.accu_var)
    result = compiler.compile(node.result)
    compiler.unbind()
    twice = is_hidden(node.accu_var)

    def run(frame: Frame) -> Any:
        frame.slots[slot] = Lazy(value, slot, twice=twice)
        if twice:
            # Its name is used twice, which the book does not have.
            frame.cost -= 2
        return result(frame)

    return run


def is_hidden(name: str) -> bool:
    """Whether a name stands for the target of `optMap`, which has no name in the text."""
    return name.startswith("@target")


def _read(slot: int) -> Run:
    return lambda frame: frame.slots[slot]


def _one(slot: int) -> _Rounds:
    def rounds(frame: Frame, source: Any) -> Iterator[None]:
        slots = frame.slots
        for item in iterate(source):
            slots[slot] = item
            yield

    return rounds


def _two(first: int, second: int) -> _Rounds:
    def rounds(frame: Frame, source: Any) -> Iterator[None]:
        slots = frame.slots
        if isinstance(source, list):
            for place, item in enumerate(source):
                slots[first], slots[second] = place, item
                yield
        elif isinstance(source, dict | View):
            for key in keys_of(source):
                slots[first], slots[second] = key, lookup(source, key)
                yield
        else:
            raise no_such_overload()

    return rounds


def _quantify(source: Run, rounds: _Rounds, predicate: Run, *, decisive: bool) -> Run:
    each = 4 if decisive else 3

    def run(frame: Frame) -> bool:
        failed: CelEvaluationError | None = None
        decided = False
        for _ in rounds(frame, source(frame)):
            if decided:
                # What the book evaluates to find out that there is nothing left to do.
                frame.spend(each - 1)
                break
            frame.spend(each)
            try:
                found = predicate(frame)
            except CostExceeded:
                raise
            except CelEvaluationError as error:
                failed = failed or error
                continue
            if found is decisive:
                decided = True
            elif found.__class__ is not bool:
                failed = failed or no_such_overload()
        frame.cost += 1
        if failed is not None and not decided:
            raise failed
        return decisive is decided

    return run


def _count(source: Run, rounds: _Rounds, predicate: Run) -> Run:
    def run(frame: Frame) -> bool:
        count = 0
        for _ in rounds(frame, source(frame)):
            found = predicate(frame)
            if found.__class__ is not bool:
                raise no_such_overload()
            frame.spend(2 if found else 1)
            count += found
        frame.cost += 2
        return count == 1

    return run


def _chosen(filtered: Run | None, frame: Frame) -> bool:
    if filtered is None:
        return True
    found = filtered(frame)
    if found.__class__ is not bool:
        raise no_such_overload()
    return bool(found)


def _to_list(source: Run, rounds: _Rounds, filtered: Run | None, made: Run, *, own: bool) -> Run:
    # The accumulator, the new list, their sum; `filter` also reads its variable.
    each = 1 + LIST + 1 + (1 if own else 0)

    def run(frame: Frame) -> list[Any]:
        found: list[Any] = []
        for _ in rounds(frame, source(frame)):
            if not _chosen(filtered, frame):
                frame.spend(1)
                continue
            found.append(made(frame))
            frame.spend(each)
        frame.cost += 1
        return found

    return run


def _to_map(source: Run, rounds: _Rounds, filtered: Run | None, made: Run, key_slot: int | None) -> Run:
    def run(frame: Frame) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in rounds(frame, source(frame)):
            if not _chosen(filtered, frame):
                frame.spend(1)
                continue
            value = made(frame)
            if key_slot is not None:
                _insert(found, map_key(frame.slots[key_slot]), value)
            elif isinstance(value, dict):
                for key, inner in value.items():
                    _insert(found, key, inner)
            else:
                raise no_such_overload()
            frame.spend(3 if key_slot is not None else 2)
        frame.cost += 1
        return found

    return run


def _insert(found: dict[Any, Any], key: Any, value: Any) -> None:
    if key in found or key is ABSENT:
        raise CelEvaluationError(f"insert failed: key {format_value(from_key(key))} already exists")
    found[key] = value
