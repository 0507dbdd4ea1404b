"""`x-kubernetes-validations`: CEL rules of a schema node, evaluated with `self` and `oldSelf` within a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.cel import (
    NONE,
    Budget,
    CelError,
    CelEvaluationError,
    CostExceeded,
    Environment,
    Optional,
    Program,
    Type,
    optional_of,
    schema_type,
    value_of,
)
from capstan.apiserver.validation.fielderror import Path, render, shown
from capstan.apiserver.validation.fieldpath import FieldPathError, normalized

#: The longest message that a messageExpression may give.
MAX_MESSAGE = 5 * 1024

_OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
_MESSAGE_OUT_OF_BUDGET = (
    "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run"
)


class OutOfBudget(Exception):
    """The rules of an object cost too much: `cause` says so, and no further rule is evaluated."""

    def __init__(self, cause: FieldCause) -> None:
        super().__init__(cause.message)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Declared:
    """What the rules of one node see: the type of `self`, and the environments with a plain and an optional
    `oldSelf`."""

    type: Type
    plain: Environment
    optional: Environment


def declared(schema: Mapping[str, Any], *, root: bool) -> Declared:
    """The types for the rules of a node. `schema` is as the definition has it. Errors: CelError."""
    found = schema_type(schema, root=root)
    if found is None:
        raise CelError("", [])
    plain = Environment({"self": found, "oldSelf": found})
    return Declared(found, plain, Environment({"self": found, "oldSelf": optional_of(found)}))


class Rule:
    """One rule. It is compiled when it is first needed: most objects of most kinds never come."""

    def __init__(self, rule: Mapping[str, Any], node: Node) -> None:
        self._node = node
        self.source = str(rule.get("rule") or "").strip()
        self.message = str(rule.get("message") or "").strip()
        self.optional_old = bool(rule.get("optionalOldSelf"))
        self._expression = str(rule.get("messageExpression") or "")
        self._reason = str(rule.get("reason") or "FieldValueInvalid")
        self._field_path = str(rule.get("fieldPath") or "")

    @property
    def _shown(self) -> str:
        return self.message or self.source

    @cached_property
    def _environment(self) -> Environment:
        found = self._node.declared
        return found.optional if self.optional_old else found.plain

    @cached_property
    def program(self) -> Program:
        """Errors: CelError."""
        return self._environment.compile(self.source)

    @cached_property
    def message_program(self) -> Program | None:
        """Errors: CelError."""
        return self._environment.compile(self._expression) if self._expression else None

    @cached_property
    def uses_old(self) -> bool:
        try:
            return "oldSelf" in self.program.variables
        except CelError:
            return False

    @cached_property
    def _suffix(self) -> str:
        try:
            return normalized(self._field_path, self._node.schema) if self._field_path else ""
        except FieldPathError:
            return ""

    def refusal(self, value: Any, old: Any, has_old: bool, path: Path, budget: Budget) -> FieldCause | None:
        """Why `value` is refused, or None. Transition rules are skipped without an old value. Errors: OutOfBudget."""
        if self.uses_old and not has_old and not self.optional_old:
            return None
        if budget.remaining <= 0:
            raise OutOfBudget(self._of_type(path, _OUT_OF_BUDGET))
        try:
            bindings = self._bindings(value, old, has_old)
            if self._asked(bindings, budget, path) is True:
                return None
        except CelError as error:
            return self._of_type(path, f"rule compile error: {error}")
        except CelEvaluationError as error:
            return self._of_type(path, self._failure(str(error)))
        return self._refused(path, value, self._message(bindings, path, budget))

    def _bindings(self, value: Any, old: Any, has_old: bool) -> dict[str, Any]:
        found = self._node.declared
        bindings = {"self": value_of(found.type, value)}
        if self.uses_old:
            before = value_of(found.type, old) if has_old else None
            if self.optional_old:
                bindings["oldSelf"] = Optional(before) if has_old else NONE
            else:
                bindings["oldSelf"] = before
        return bindings

    def _asked(self, bindings: Mapping[str, Any], budget: Budget, path: Path) -> Any:
        """What the rule says. Errors: OutOfBudget, CelEvaluationError."""
        try:
            found = self.program.evaluate(bindings, budget)
        except CostExceeded as error:
            if budget.remaining < 0:
                raise OutOfBudget(self._of_type(path, _OUT_OF_BUDGET)) from None
            why = f"'{error}': no further validation rules will be run due to call cost exceeds limit for rule: "
            raise OutOfBudget(self._of_type(path, why + self._shown)) from None
        if budget.remaining < 0:
            raise OutOfBudget(self._of_type(path, _OUT_OF_BUDGET))
        return found

    def _failure(self, error: str) -> str:
        if error.startswith("no such overload"):
            why = "call arguments did not match a supported operator, function or macro signature for rule"
            return f"'{error}': {why}: {self._shown}"
        return f"{error} evaluating rule: {self._shown}"

    def _message(self, bindings: Mapping[str, Any], path: Path, budget: Budget) -> str:
        """What is told of a refusal. An expression that fails, or says nothing, gives way to the plain message."""
        fallback = self.message or f"failed rule: {self.source}"
        try:
            if self.message_program is None:
                return fallback
            text = self.message_program.evaluate(bindings, budget)
        except CostExceeded:
            why = _MESSAGE_OUT_OF_BUDGET
            if budget.remaining >= 0:
                limit = "no further validation rules will be run due to call cost exceeds limit for messageExpression"
                why = f'{limit}: "{self._expression}"'
            raise OutOfBudget(self._of_type(path, why)) from None
        except (CelError, CelEvaluationError):
            return fallback
        text = text.strip() if isinstance(text, str) else ""
        return text if text and len(text.encode()) <= MAX_MESSAGE and "\n" not in text else fallback

    def _field(self, path: Path) -> str:
        return f"{render(path)}{self._suffix}".lstrip(".")

    def _refused(self, path: Path, value: Any, detail: str) -> FieldCause:
        field = self._field(path)
        if self._reason == "FieldValueRequired":
            return FieldCause(field, f"Required value: {detail}", self._reason)
        if self._reason == "FieldValueForbidden":
            return FieldCause(field, f"Forbidden: {detail}", self._reason)
        # Whole objects and lists are not shown: they are long, and may hold what nobody should read.
        whole = isinstance(value, dict | list)
        if self._reason == "FieldValueDuplicate":
            return FieldCause(field, "Duplicate value" if whole else f"Duplicate value: {shown(value)}", self._reason)
        text = f"Invalid value: {detail}" if whole else f"Invalid value: {shown(value)}: {detail}"
        return FieldCause(field, text, "FieldValueInvalid")

    def _of_type(self, path: Path, detail: str) -> FieldCause:
        """A refusal that is not about the value; it shows the type of the node."""
        type_ = self._node.schema.get("type") or ""
        return FieldCause(render(path), f'Invalid value: "{type_}": {detail}', "FieldValueInvalid")


class Node:
    """A schema node with rules, and what its rules share."""

    def __init__(self, schema: Mapping[str, Any], *, root: bool) -> None:
        self.schema = schema
        self._root = root
        self.rules = tuple(Rule(rule, self) for rule in schema.get("x-kubernetes-validations") or ())

    @cached_property
    def declared(self) -> Declared:
        """Errors: CelError."""
        return declared(self.schema, root=self._root)


def rules_of(schema: Mapping[str, Any], *, root: bool) -> tuple[Rule, ...]:
    """The rules of one node; compiled later, so that an error in one shows when it is evaluated."""
    return Node(schema, root=root).rules if schema.get("x-kubernetes-validations") else ()
