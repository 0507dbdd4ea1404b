"""What holds for all expressions: no crash, no run away, costs within estimates."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.apiserver.cel import Budget, CelError, CelEvaluationError, CostExceeded, Environment, schema_type, value_of
from capstan.apiserver.cel.values import Optional, equal, type_of

SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "s": {"type": "string", "maxLength": 20},
        "l": {"type": "array", "maxItems": 6, "items": {"type": "string", "maxLength": 10}},
        "m": {"type": "object", "maxProperties": 4, "additionalProperties": {"type": "integer"}},
        "d": {"type": "number"},
    },
}
DECLARED = schema_type(SCHEMA)
assert DECLARED is not None
ENVIRONMENT = Environment({"self": DECLARED}, homogeneous=False)

LEAVES = st.sampled_from(
    [
        *(
            "1",
            "0",
            "-7",
            "9223372036854775807",
            "2u",
            "1.5",
            "true",
            "false",
            "null",
            "'a'",
            "'été'",
            "b'x'",
            "[]",
            "{}",
        ),
        *("self", "self.n", "self.s", "self.l", "self.m", "self.d", "x", "[1, 2]", "{'a': 1}", "duration('1s')"),
        *("timestamp('2020-01-01T00:00:00Z')", "optional.of(1)", "optional.none()", "quantity('1Gi')", "ip('::1')"),
    ]
)
BINARY = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"])
CALLS = st.sampled_from(
    [
        *("{0}.size()", "size({0})", "!{0}", "-{0}", "type({0})", "dyn({0})", "string({0})", "int({0})", "double({0})"),
        *("{0}.all(x, {1})", "{0}.exists(x, {1})", "{0}.exists_one(x, {1})", "{0}.map(x, {1})", "{0}.filter(x, {1})"),
        *(
            "{0}.transformMap(i, x, {1})",
            "{0}.transformList(i, x, {1})",
            "cel.bind(x, {0}, {1})",
            "{0}[{1}]",
            "{0}[?{1}]",
        ),
        *("{0} ? {1} : {1}", "[{0}, {1}]", "{{{0}: {1}}}", "{0}.orValue({1})", "{0}.optMap(x, {1})", "{0}.a", "{0}.?a"),
        *(
            "{0}.contains({1})",
            "{0}.matches({1})",
            "{0}.split({1})",
            "{0}.join({1})",
            "'%s'.format([{0}])",
            "{0}.sort()",
        ),
        *("{0}.flatten()", "{0}.distinct()", "lists.range({0})", "{0}.indexOf({1})", "sets.contains({0}, {1})"),
        *("has({0}.a)", "{0}.sortBy(x, {1})", "{0}.getHours()", "{0}.isLessThan({1})", "{0}.replace({1}, {1})"),
    ]
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda a, op, b: f"({a} {op} {b})", inner, BINARY, inner),
        st.builds(lambda form, a, b: f"({form.format(a, b)})", CALLS, inner, inner),
    )


EXPRESSIONS = st.recursive(LEAVES, grown, max_leaves=8)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(-(2**63), 2**63 - 1),
        "s": st.text(max_size=20),
        "l": st.lists(st.text(max_size=10), max_size=6),
        "m": st.dictionaries(st.text(max_size=5), st.integers(-5, 5), max_size=4),
        "d": st.floats(allow_nan=False, allow_infinity=False),
    },
)


@settings(max_examples=600, deadline=None)
@given(expression=EXPRESSIONS, value=OBJECTS)
def test_an_expression_gives_a_value_or_says_why_not(expression: str, value: dict[str, Any]) -> None:
    try:
        program = ENVIRONMENT.compile(expression)
    except CelError as error:
        assert str(error).startswith("ERROR: <input>:")
        return
    before = repr(value)
    budget = Budget(remaining=50_000)
    try:
        result = program.evaluate({"self": value_of(DECLARED, value)}, budget)
    except CelEvaluationError as failure:
        # No error of Python is hidden behind it.
        assert "no such overload (" not in str(failure)
        if not isinstance(failure, CostExceeded):
            assert budget.remaining >= 0
        return
    assert budget.remaining >= 0
    assert repr(value) == before
    again = program.evaluate({"self": value_of(DECLARED, value)})
    assert type_of(again) == type_of(result)
    assert equal([again], [result]) or "nan" in repr(result).lower() or isinstance(result, Optional)


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="self.nlx()[]{}?:,'\"\\+-*/%&|!=<>0129u \n", max_size=40))
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    try:
        ENVIRONMENT.compile(text)
    except CelError as error:
        assert all(0 <= issue.position <= len(text) for issue in error.issues)
