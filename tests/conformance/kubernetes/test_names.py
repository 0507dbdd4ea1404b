"""Each upstream name that a server without nodes can pass has a test here, or a reason why not."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from tests.conformance.kubernetes.exceptions import EXCEPTIONS
from tests.conformance.kubernetes.names import GROUP_A, GROUP_B, GROUP_C
from tests.conformance.kubernetes.test_group_b_kinds import COURSES

#: Upstream moves these tags about between releases; they are no part of what a test is about.
_TAGS = re.compile(r" \[(Conformance|Serial|Slow|Privileged:ClusterAdmin)\]")


def _plain(name: str) -> str:
    return _TAGS.sub("", " ".join(name.split())).rstrip(".")


@cache
def _tested() -> set[str]:
    """What the tests say that they are: upstream's names, as first words of their own."""
    found = set(COURSES)
    for path in Path(__file__).parent.glob("test_group_*.py"):
        for node in ast.parse(path.read_text()).body:
            text = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            if text and text.startswith("[sig-"):
                # One function may hold both sorts of webhook.
                found |= {text.replace("validating (mutating)", sort) for sort in ("validating", "mutating")}
    return {_plain(name) for name in found}


def test_group_a_is_whole() -> None:
    assert len(set(GROUP_A)) == 55
    assert [name for name in GROUP_A if _plain(name) not in _tested()] == []


def test_groups_b_and_c_are_tested_or_excepted() -> None:
    names = {*GROUP_B, *GROUP_C}
    assert len(names) == 79
    assert set(EXCEPTIONS) <= names
    tested = {name for name in names if _plain(name) in _tested()}
    assert names - tested == set(EXCEPTIONS), "neither tested nor excepted"
    assert len(tested) >= 65


def test_no_test_claims_a_name_that_upstream_has_not() -> None:
    beyond = {"[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status"}
    known = {_plain(name) for name in (*GROUP_A, *GROUP_B, *GROUP_C)} | beyond
    assert _tested() - known == set()
