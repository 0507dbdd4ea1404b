"""CEL, the language of validation rules and admission policies: parse, check, estimate, evaluate. Pure.

Rules of a CustomResourceDefinition:

    declared = schema_type(schema)                                  # schema_type(schema, root=True) at the root
    environment = Environment({"self": declared, "oldSelf": declared})   # optional_of(declared) with optionalOldSelf
    program = environment.compile("self.replicas <= self.maxReplicas")   # CelError: every reason with its place
    program.result_type.kind == "bool"                              # else the rule is refused
    program.cost_estimate.most <= ESTIMATE_PER_RULE                 # times how often its node can occur
    budget = Budget()                                               # one for all rules of one object
    program.evaluate({"self": value_of(declared, json)}, budget)    # CelEvaluationError, CostExceeded
    "oldSelf" in program.variables                                  # whether it is a transition rule

A type is None where expressions cannot see (`schema_type` of an untyped node). The cost of a rule below lists and
maps is its estimate times their limits (`Type.limit`). `Optional(value)` and `NONE` are the values of optionals.
"""

from __future__ import annotations

from capstan.apiserver.cel.environment import (
    ESTIMATE_PER_CRD,
    ESTIMATE_PER_RULE,
    PER_CALL_LIMIT,
    PER_OBJECT_LIMIT,
    Budget,
    Environment,
    Program,
)
from capstan.apiserver.cel.errors import CelError, CelEvaluationError, CostExceeded, Issue
from capstan.apiserver.cel.schema import escape, schema_type, value_of
from capstan.apiserver.cel.sizes import Range
from capstan.apiserver.cel.types import Type, optional_of
from capstan.apiserver.cel.values import ABSENT, NONE, Optional, View

__all__ = [
    "ABSENT",
    "ESTIMATE_PER_CRD",
    "ESTIMATE_PER_RULE",
    "NONE",
    "PER_CALL_LIMIT",
    "PER_OBJECT_LIMIT",
    "Budget",
    "CelError",
    "CelEvaluationError",
    "CostExceeded",
    "Environment",
    "Issue",
    "Optional",
    "Program",
    "Range",
    "Type",
    "View",
    "escape",
    "optional_of",
    "schema_type",
    "value_of",
]
