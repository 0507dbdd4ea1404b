"""A policy with its expressions compiled, once for each change of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.apiserver.cel import CelError, Environment, Program, Type
from capstan.apiserver.cel.types import Field
from capstan.apiserver.policies.scope import environment, mutating_environment

#: Kinds of results that expressions of each sort may have; dyn is looked at when it is there.
_BOOL = frozenset({"bool", "dyn"})
_TEXT = frozenset({"string", "dyn"})
_NOTE = frozenset({"string", "null_type", "dyn"})
_VARIABLES = "kubernetes.variables"


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression: `path` is its place in the policy; `program` is None when it does not compile, then `error`
    says why."""

    path: str
    source: str
    program: Program | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Validation:
    expression: Expression
    message: str
    message_expression: Expression | None
    reason: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """`kind` is ApplyConfiguration or JSONPatch."""

    kind: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Compiled:
    """All of one policy. `errors` are the reasons why the API does not take it."""

    name: str
    spec: Mapping[str, Any]
    conditions: tuple[Expression, ...]
    variables: Mapping[str, Expression]
    validations: tuple[Validation, ...]
    annotations: tuple[tuple[str, Expression], ...]
    mutations: tuple[Mutation, ...]

    @property
    def fails_open(self) -> bool:
        return self.spec.get("failurePolicy") == "Ignore"

    def expressions(self) -> Iterator[Expression]:
        yield from self.conditions
        yield from self.variables.values()
        for validation in self.validations:
            yield validation.expression
            if validation.message_expression is not None:
                yield validation.message_expression
        yield from (expression for _, expression in self.annotations)
        yield from (mutation.expression for mutation in self.mutations)

    def causes(self) -> Iterator[FieldCause]:
        """What the API refuses the policy for."""
        for found in self.expressions():
            if found.error:
                shown = found.source.replace('"', '\\"')
                yield FieldCause(found.path, f'Invalid value: "{shown}": {found.error}', "FieldValueInvalid")


def compiled(policy: Obj) -> Compiled:
    """A policy of either kind."""
    spec = policy.get("spec") or {}
    params = bool(spec.get("paramKind"))
    is_mutating = policy.get("kind") == "MutatingAdmissionPolicy"
    base = mutating_environment(params=params) if is_mutating else environment(params=params, authorizer=True)
    conditions = tuple(
        _expression(base, f"spec.matchConditions[{n}].expression", item.get("expression"), _BOOL)
        for n, item in enumerate(spec.get("matchConditions") or ())
    )
    variables, scope = _variables(base, spec.get("variables") or ())
    return Compiled(
        name=str(policy["metadata"]["name"]),
        spec=spec,
        conditions=conditions,
        variables=variables,
        validations=tuple(_validation(scope, n, item) for n, item in enumerate(spec.get("validations") or ())),
        annotations=tuple(
            (
                str(item.get("key")),
                _expression(scope, f"spec.auditAnnotations[{n}].valueExpression", item.get("valueExpression"), _NOTE),
            )
            for n, item in enumerate(spec.get("auditAnnotations") or ())
        ),
        mutations=tuple(_mutation(scope, n, item) for n, item in enumerate(spec.get("mutations") or ())),
    )


def _variables(base: Environment, items: Any) -> tuple[dict[str, Expression], Environment]:
    """The variables in their order, each of which sees those before it, and what sees them all."""
    found: dict[str, Expression] = {}
    fields: dict[str, Field] = {}
    scope = base
    for n, item in enumerate(items):
        name = str(item.get("name"))
        scope = base.extended({"variables": Type("object", _VARIABLES, fields=dict(fields))})
        expression = _expression(scope, f"spec.variables[{n}].expression", item.get("expression"), None)
        found[name] = expression
        result = Type("dyn") if expression.program is None else expression.program.result_type
        fields[name] = Field(name, name, result)
    return found, base.extended({"variables": Type("object", _VARIABLES, fields=fields)})


def _validation(scope: Environment, n: int, item: Mapping[str, Any]) -> Validation:
    path = f"spec.validations[{n}]"
    message = item.get("messageExpression")
    return Validation(
        _expression(scope, f"{path}.expression", item.get("expression"), _BOOL),
        str(item.get("message") or "").strip(),
        _expression(scope, f"{path}.messageExpression", message, _TEXT) if message else None,
        str(item.get("reason") or "Invalid"),
    )


def _mutation(scope: Environment, n: int, item: Mapping[str, Any]) -> Mutation:
    kind = str(item.get("patchType"))
    if kind == "JSONPatch":
        source, name, kinds = item.get("jsonPatch"), "jsonPatch", frozenset({"list", "dyn"})
    else:
        source, name, kinds = item.get("applyConfiguration"), "applyConfiguration", frozenset({"object", "dyn"})
    text = (source or {}).get("expression")
    return Mutation(kind, _expression(scope, f"spec.mutations[{n}].{name}.expression", text, kinds))


def _expression(scope: Environment, path: str, text: Any, kinds: frozenset[str] | None) -> Expression:
    source = str(text or "")
    try:
        program = scope.compile(source)
    except CelError as error:
        return Expression(path, source, None, f"compilation failed: {error}")
    if kinds is not None and program.result_type.kind not in kinds:
        wanted = sorted(kinds - {"dyn"})
        one = wanted[0] if len(wanted) == 1 else f"one of [{' '.join(wanted)}]"
        return Expression(path, source, None, f"must evaluate to {one} but got {program.result_type}")
    return Expression(path, source, program)
