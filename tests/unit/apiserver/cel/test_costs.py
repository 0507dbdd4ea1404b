"""Costs: what is estimated from a schema, what is charged while an expression runs, and where it stops."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.apiserver.cel import (
    ESTIMATE_PER_RULE,
    Budget,
    CostExceeded,
    Environment,
    schema_type,
)
from capstan.apiserver.cel.sizes import MOST

TEXT = {"type": "string", "maxLength": 10}
SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "s": TEXT,
        "any": {"type": "string"},
        "list": {"type": "array", "maxItems": 5, "items": TEXT},
        "open": {"type": "array", "items": {"type": "string"}},
        "map": {"type": "object", "maxProperties": 3, "additionalProperties": TEXT},
        "enum": {"type": "string", "enum": ["aaaa", "b"]},
        "when": {"type": "string", "format": "date-time"},
    },
}
DECLARED = schema_type(SCHEMA)
assert DECLARED is not None
ENVIRONMENT = Environment({"self": DECLARED})
OBJECT: dict[str, Any] = {"n": 1, "s": "abc", "any": "x" * 100, "list": ["a", "b"], "open": [], "map": {"k": "v"}}

#: Expression: what it can cost at most by its schema, what it costs with OBJECT.
COSTS: dict[str, tuple[int, int]] = {
    "true": (0, 0),
    "self.n": (2, 2),
    "self.n + 1": (3, 3),
    "self.n == 1": (2, 3),
    "has(self.n)": (1, 1),
    "self.s == 'abc'": (3, 3),
    "self.s == self.s": (8, 5),
    "self.s.size() == 3": (4, 4),
    "self.s.startsWith('a')": (3, 3),
    "self.s.contains('a')": (6, 3),
    "self.any.contains('a')": (314_575, 12),
    "self.s.matches('^a+$')": (2 + 5 * 1, 3),
    "self.s + self.s": (12, 5),
    "self.s in ['a', 'b']": (14, 2),
    "self.s in self.list": (9, 6),
    "self.list.all(x, x == 'a')": (2 + 1 + 5 * (2 + 1 + 1 + 1), 2 + 2 * (3 + 2) + 1),
    "[3, 1].exists(x, x == 3)": (10 + 1 + 2 * (3 + 1 + 1 + 1), 4 + 2 + 3 + 1),
    "[3, 1].all(x, x == 1)": (10 + 1 + 2 * (2 + 1 + 1 + 1), 3 + 2 + 2 + 1),
    "strings.quote(self.s)": (2 + 4, 2 + 1),
    "format.uri() == format.uri()": (2 + 7, 2 + 1),
    "self.list.exists(x, x == 'b')": (2 + 1 + 5 * (3 + 1 + 1 + 1), 2 + 2 * (4 + 2) + 1),
    "self.list.exists_one(x, x == 'b')": (2 + 1 + 5 * (2 + 2) + 1, 2 + (2 + 1) + (2 + 2) + 2),
    "self.list.map(x, x + 'c')": (2 + 10 + 1 + 5 * (1 + 10 + 1 + 1 + 5), 2 + 2 * (12 + 2) + 1),
    "self.list.filter(x, true)": (2 + 10 + 1 + 5 * 13, 2 + 2 * 13 + 1),
    "self.map.all(k, self.map[k] == 'v')": (2 + 1 + 3 * (3 + 5), 2 + (3 + 5) + 1),
    "self.map.transformMap(k, v, v)": (2 + 30 + 1 + 3 * 4, 2 + 4 + 1),
    "[self.n]": (12, 12),
    "{'a': self.n}": (32, 32),
    "[1, 2, 3]": (10, 0),
    "self.n == 1 ? self.s : self.any": (4, 5),
    "self.enum == 'aaaa'": (3, 0),
    "self.when > timestamp('2020-01-01T00:00:00Z')": (4, 0),
    "self.list.isSorted()": (2 + 5 * 5, 2 + 0),
    "self.list.join(',')": (2 + 21, 2 + 1),
    "self.s.replace('a', 'b')": (2 + 8, 2 + 1),
    "self.s.split(',')": (2 + 8, 2 + 1),
    "self.s.lowerAscii()": (2 + 4, 2 + 1),
    "self.any.lowerAscii()": (2 + 314_573, 2 + 10),
    "quantity(self.s) == quantity('1')": (2 + 4 + 1 + 1, 0),
    "cidr('10.0.0.0/8').containsIP(self.s)": (1 + 2 + 4 + 4, 0),
    "format.dns1123Label().validate(self.s)": (1 + 2 + 128, 1 + 2 + 8),
    "sets.contains(self.list, self.list)": (4 + 26, 4 + 5),
    "self.list.distinct()": (2 + 50 + 1 + 10, 2 + int(4 * 2.1) + 11),
    "self.?s.orValue('')": (2 + 1, 2),
}


@pytest.mark.parametrize(("expression", "most"), [(text, most) for text, (most, _) in COSTS.items()])
def test_the_estimate(expression: str, most: int) -> None:
    assert ENVIRONMENT.compile(expression).cost_estimate.most == most


@pytest.mark.parametrize(
    ("expression", "cost"), [(text, cost) for text, (_, cost) in COSTS.items() if cost or text == "true"]
)
def test_the_charge(expression: str, cost: int) -> None:
    assert ENVIRONMENT.compile(expression).measure({"self": OBJECT})[1] == cost


def test_unbounded_lists_in_lists_are_too_expensive_and_bounds_help() -> None:
    rule = "self.all(x, self.exists_one(y, x == y))"
    text = {"type": "string"}
    for schema, fits in (
        ({"type": "array", "items": text}, False),
        ({"type": "array", "items": text, "maxItems": 10}, False),
        ({"type": "array", "items": {**text, "maxLength": 64}, "maxItems": 64}, True),
    ):
        declared = schema_type(schema)
        assert declared is not None
        estimate = Environment({"self": declared}).compile(rule).cost_estimate
        assert (estimate.most <= ESTIMATE_PER_RULE) is fits


def test_what_nothing_is_known_of_counts_as_the_largest_number() -> None:
    found = ENVIRONMENT.compile("lists.range(self.n).map(x, x)").cost_estimate
    assert found.most == MOST


def test_an_evaluation_stops_at_its_limit() -> None:
    program = ENVIRONMENT.compile("lists.range(1000).all(x, lists.range(1000).all(y, x + y >= 0))")
    budget = Budget(remaining=5_000_000)
    with pytest.raises(CostExceeded) as stopped:
        program.evaluate({}, budget)
    assert str(stopped.value) == "operation cancelled: actual cost limit exceeded"
    assert 3_990_000 <= budget.remaining <= 4_000_000


def test_evaluations_of_one_object_share_a_budget() -> None:
    program = ENVIRONMENT.compile("self.n == 1")
    budget = Budget(remaining=7)
    assert [program.evaluate({"self": OBJECT}, budget) for _ in range(2)] == [True, True]
    assert budget.remaining == 1
    with pytest.raises(CostExceeded):
        program.evaluate({"self": OBJECT}, budget)


def test_an_exceeded_budget_is_never_absorbed() -> None:
    for rule in ("lists.range(9000).all(x, x >= 0) || true", "[1].exists(y, lists.range(9000).all(x, x >= 0) || true)"):
        with pytest.raises(CostExceeded):
            ENVIRONMENT.compile(rule).evaluate({}, Budget(remaining=1000))


def test_the_target_of_optmap_is_charged_twice_as_upstream_does() -> None:
    program = ENVIRONMENT.compile("self.?s.optMap(x, x).hasValue()")
    assert program.measure({"self": OBJECT})[1] == 2 * 2 + 5


BIG = {"type": "object", "properties": {"t": {"type": "string"}, "l": {"type": "array", "items": {"type": "integer"}}}}


@pytest.mark.parametrize(
    "rule",
    [
        "self.t.replace('', self.t).size() > 0",
        "self.l.map(x, self.t).join(self.t).size() > 0",
        "'%s%s%s%s%s%s%s%s'.format([self.t, self.t, self.t, self.t, self.t, self.t, self.t, self.t]).size() > 0",
        "self.l.distinct().size() > 0",
        "sets.contains(self.l, self.l)",
        "sets.intersects(self.l, self.l.map(x, -1 - x))",
        "[self.l, self.l, self.l, self.l].flatten().size() > 0",
        "self.t.findAll('').size() > 0",
        "cel.bind(a, self.l + self.l, cel.bind(b, a + a, cel.bind(c, b + b, cel.bind(d, c + c, (d + d).size() > 0))))",
    ],
)
def test_what_would_outgrow_everything_is_stopped_before_it_is_made(rule: str) -> None:
    declared = schema_type(BIG)
    assert declared is not None
    value = {"t": "x" * 3_000_000, "l": list(range(600_000))}
    with pytest.raises(CostExceeded):
        Environment({"self": declared}).compile(rule).evaluate({"self": value}, Budget(remaining=10_000_000))
