"""What expressions may name and call in one place of use, and the programs compiled there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from capstan.apiserver.cel.checker import Scope, check
from capstan.apiserver.cel.compiler import Compiler
from capstan.apiserver.cel.errors import CelEvaluationError, CostExceeded
from capstan.apiserver.cel.estimate import estimate
from capstan.apiserver.cel.frame import Frame, Run
from capstan.apiserver.cel.functions import Functions, merged
from capstan.apiserver.cel.nodes import Ident, Node, Select, children
from capstan.apiserver.cel.parser import parse
from capstan.apiserver.cel.sizes import Range
from capstan.apiserver.cel.standard import STANDARD
from capstan.apiserver.cel.types import Type
from capstan.apiserver.cel.values import ABSENT

#: Units that one evaluation may cost, and all evaluations for one object together.
PER_CALL_LIMIT, PER_OBJECT_LIMIT = 1_000_000, 10_000_000
#: Units that a rule may be estimated at, and all rules of a CustomResourceDefinition together.
ESTIMATE_PER_RULE, ESTIMATE_PER_CRD = 10_000_000, 100_000_000


@dataclass(slots=True)
class Budget:
    """What several evaluations may cost together; each one takes off what it spent."""

    remaining: int = PER_OBJECT_LIMIT
    per_call: int = PER_CALL_LIMIT


class Program:
    """A compiled expression. It has no state: it may be evaluated by many at once."""

    __slots__ = ("_estimate", "_names", "_root", "_run", "_slots", "result_type", "source", "variables")

    def __init__(self, source: str, root: Node, result_type: Type, objects: Mapping[str, Type]) -> None:
        compiler = Compiler(objects)
        self.source = source
        self.result_type = result_type
        self._run: Run = compiler.compile(root)
        self._slots = compiler.slots
        self._names = tuple(compiler.variables.items())
        #: The names of the variables that the expression uses.
        self.variables = frozenset(compiler.variables)
        self._root = root
        self._estimate: Range | None = None

    @property
    def cost_estimate(self) -> Range:
        """The least and the most that an evaluation can cost by the declared sizes."""
        if self._estimate is None:
            self._estimate = estimate(self._root)
        return self._estimate

    def selects(self, variable: str) -> frozenset[str]:
        """The names that the expression takes directly from a variable, as in `variables.NAME`."""
        found, pending = set(), [self._root]
        while pending:
            node = pending.pop()
            if isinstance(node, Select) and isinstance(node.operand, Ident) and node.operand.name == variable:
                found.add(node.field)
            pending.extend(children(node))
        return frozenset(found)

    def evaluate(self, bindings: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """The value. Errors: CostExceeded when a limit is passed, CelEvaluationError for all else."""
        if budget is None:
            return self.measure(bindings, PER_CALL_LIMIT)[0]
        frame = self._frame(bindings, min(budget.per_call, budget.remaining))
        try:
            return self._evaluated(frame)
        finally:
            budget.remaining -= frame.cost

    def measure(self, bindings: Mapping[str, Any], limit: int = PER_CALL_LIMIT) -> tuple[Any, int]:
        """The value and what it cost."""
        frame = self._frame(bindings, limit)
        return self._evaluated(frame), frame.cost

    def _frame(self, bindings: Mapping[str, Any], limit: int) -> Frame:
        slots: list[Any] = [ABSENT] * self._slots
        for name, slot in self._names:
            if name in bindings:
                slots[slot] = bindings[name]
        return Frame(slots, limit)

    def _evaluated(self, frame: Frame) -> Any:
        try:
            value = self._run(frame)
        except CelEvaluationError:
            raise
        except RecursionError:
            raise CelEvaluationError("expression recursion limit exceeded") from None
        except (TypeError, ValueError, AttributeError, KeyError, IndexError, OverflowError) as error:
            # A value that is not of the type that its schema declares.
            raise CelEvaluationError(f"no such overload ({type(error).__name__})") from error
        if frame.cost > frame.limit:
            raise CostExceeded()
        return value


class Environment:
    """Variables with their types, function libraries, and object types that expressions may construct."""

    def __init__(
        self,
        variables: Mapping[str, Type],
        libraries: tuple[Functions, ...] | None = None,
        objects: Mapping[str, Type] | None = None,
        *,
        homogeneous: bool = True,
    ) -> None:
        functions = _kubernetes() if libraries is None else merged((STANDARD, *libraries))
        self._scope = Scope(dict(variables), functions, {} if objects is None else objects, homogeneous)

    def compile(self, text: str) -> Program:
        """A program. Errors: CelError with every reason and its place."""
        root = parse(text)
        result = check(text, root, self._scope)
        return Program(text, root, result, self._scope.objects)

    def extended(self, variables: Mapping[str, Type]) -> Environment:
        """The same with further variables."""
        found = Environment.__new__(Environment)
        scope = self._scope
        found._scope = Scope({**scope.variables, **variables}, scope.functions, scope.objects, scope.homogeneous)
        return found


@cache
def _kubernetes() -> Functions:
    """Kubernetes' functions, put together when the first environment needs them."""
    from capstan.apiserver.cel.libraries.kubernetes import KUBERNETES

    return merged((STANDARD, *KUBERNETES))
