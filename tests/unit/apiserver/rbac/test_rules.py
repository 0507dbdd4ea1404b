"""Rules against requests: every way in which a rule names a verb, group, resource, subresource, name or path."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.apiserver.authorization import Attributes
from capstan.apiserver.rbac.rules import MAX_PARTS, Rule, compact, matches_path, not_covered, rules_of


def rule(verbs: str, groups: str = "", resources: str = "", names: str = "", paths: str = "") -> Rule:
    """A rule from words; the group `core` is the empty one."""
    return Rule(
        frozenset(verbs.split()),
        frozenset("" if group == "core" else group for group in groups.split()),
        frozenset(resources.split()),
        frozenset(names.split()),
        frozenset(paths.split()),
    )


#: A rule for each way to name something, and which of the values of a request it matches.
VERBS = {"get": {"get"}, "get list": {"get", "list"}, "*": {"get", "list", "create", "deletecollection", "watch"}}
GROUPS = {"core": {""}, "apps": {"apps"}, "core apps": {"", "apps"}, "*": {"", "apps", "x.io"}}
RESOURCES = {
    "pods": {("pods", "")},
    "pods/status": {("pods", "status")},
    "pods pods/status": {("pods", ""), ("pods", "status")},
    "*/status": {("pods", "status"), ("things", "status")},
    "*/scale": {("things", "scale")},
    "things/*": set[tuple[str, str]](),
    "*": {("pods", ""), ("pods", "status"), ("things", ""), ("things", "status"), ("things", "scale")},
}
NAMES = {"": {"", "a", "b"}, "a": {"a"}, "a b": {"a", "b"}}
ASKED = [("pods", ""), ("pods", "status"), ("things", ""), ("things", "status"), ("things", "scale")]


@pytest.mark.parametrize(("verbs", "groups", "resources", "names"), list(product(VERBS, GROUPS, RESOURCES, NAMES)))
def test_a_resource_rule_allows_exactly_what_it_names(verbs: str, groups: str, resources: str, names: str) -> None:
    tested = rule(verbs, groups, resources, names)
    for verb, group, (resource, subresource), name in product(
        ("get", "list", "create", "deletecollection", "watch"), ("", "apps", "x.io"), ASKED, ("", "a", "b")
    ):
        wanted = (
            verb in VERBS[verbs]
            and group in GROUPS[groups]
            and (resource, subresource) in RESOURCES[resources]
            and name in NAMES[names]
        )
        asked = Attributes(verb, group, resource, "ns", name, subresource)
        assert tested.allows(asked) is wanted, asked


@pytest.mark.parametrize(
    ("given_path", "path", "allowed"),
    [
        ("/healthz", "/healthz", True),
        ("/healthz", "/healthz/", False),
        ("/healthz", "/healthz/etcd", False),
        ("/healthz/*", "/healthz/etcd", True),
        ("/healthz/*", "/healthz", False),
        ("/healthz*", "/healthz", True),
        ("/apis/*", "/apis/a/b", True),
        ("*", "/anything", True),
        ("/*", "/", True),
        ("/a*b", "/axb", False),
        ("/*/b", "/a/b", False),
        ("", "/", False),
    ],
)
def test_only_a_trailing_star_stands_for_anything(given_path: str, path: str, allowed: bool) -> None:
    assert matches_path(given_path, path) is allowed
    assert Rule(frozenset(("get",)), paths=frozenset((given_path,))).allows(Attributes("get", path=path)) is allowed
    assert not Rule(frozenset(("post",)), paths=frozenset((given_path,))).allows(Attributes("get", path=path))


def test_resource_rules_allow_no_paths_and_the_other_way_round() -> None:
    assert not rule("*", "*", "*").allows(Attributes("get", path="/metrics"))
    assert not rule("*", paths="*").allows(Attributes("get", "", "pods"))


#: (held, wanted, what is missing)
COVERS = [
    (["get|core|pods"], "get|core|pods", []),
    (["*|*|*"], "get list|core apps|pods deployments/scale", []),
    (["get|core|pods"], "get list|core|pods", ['{APIGroups:[""], Resources:["pods"], Verbs:["list"]}']),
    (["get|core|pods", "list|core|pods"], "get list|core|pods", []),
    (["get|core|pods", "get|core|secrets"], "get|core|pods secrets", []),
    (["get|*|pods"], "get|core apps|pods", []),
    (["get|core|*"], "get|core|pods/status", []),
    (["get|core|pods"], "get|core|pods/status", ['{APIGroups:[""], Resources:["pods/status"], Verbs:["get"]}']),
    (["get|core|*/status"], "get|core|pods/status", []),
    (["get|core|pods|a"], "get|core|pods", ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']),
    (["get|core|pods|a b"], "get|core|pods|a", []),
    (["get|core|pods|a"], "get|core|pods|a b",
     ['{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}']),
    (["get|core|pods"], "get|core|pods|a", []),
    (["get|core|pods"], "*|core|pods", ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}']),
    (["get|core|pods"], "get|*|pods", ['{APIGroups:["*"], Resources:["pods"], Verbs:["get"]}']),
    (["get|core|pods"], "get|core|*", ['{APIGroups:[""], Resources:["*"], Verbs:["get"]}']),
    (["get||||/healthz*"], "get||||/healthz/etcd", []),
    (["get||||/healthz/*"], "get||||/healthz/* /healthz/a*", []),
    (["get||||/healthz"], "get||||/healthz/*", ['{NonResourceURLs:["/healthz/*"], Verbs:["get"]}']),
    (["get||||*"], "get||||/metrics", []),
    (["*|*|*"], "get||||/metrics", ['{NonResourceURLs:["/metrics"], Verbs:["get"]}']),
    (["*||||*"], "get|core|pods", ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']),
    ([], "get list|core|pods", ['{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}']),
    (
        ["get|core|pods"],
        "get list|core|pods secrets",
        [
            '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}',
            '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("held", "wanted", "missing"), COVERS)
def test_what_is_not_held_is_found_and_shown(held: list[str], wanted: str, missing: list[str]) -> None:
    found = not_covered([rule(*one.split("|")) for one in held], [rule(*wanted.split("|"))])
    assert sorted(str(one) for one in found) == missing


def test_a_rule_of_a_billion_parts_is_taken_as_a_whole() -> None:
    many = frozenset(f"x{number}" for number in range(1000))
    huge = Rule(many, many, many)
    assert huge.size > MAX_PARTS
    assert not_covered([rule("get", "core", "pods")], [huge]) == [huge]
    assert not_covered([rule("*", "*", "*")], [huge]) == []


def test_rules_are_read_from_whatever_a_role_holds() -> None:
    assert rules_of({}) == () and rules_of({"rules": None}) == ()
    assert rules_of({"rules": [{"verbs": ["get"], "apiGroups": None, "resources": ["pods"]}]})[0].groups == frozenset()


words = st.sampled_from(["get", "list", "*"])
sets = st.frozensets(words, min_size=1)
some_rules = st.builds(
    Rule,
    sets,
    st.frozensets(st.sampled_from(["", "apps", "*"]), min_size=1),
    st.frozensets(st.sampled_from(["pods", "pods/status", "*/status", "*"]), min_size=1),
    st.frozensets(st.sampled_from(["a", "b"])),
)
requests = st.builds(
    Attributes,
    st.sampled_from(["get", "list", "create"]),
    st.sampled_from(["", "apps", "batch"]),
    st.sampled_from(["pods", "jobs"]),
    st.just("ns"),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["", "status", "log"]),
)


@given(st.lists(some_rules, max_size=4), some_rules, requests)
def test_nobody_grants_a_request_that_they_may_not_make(held: list[Rule], wanted: Rule, asked: Attributes) -> None:
    """The safety of escalation checks: if the wanted rule is covered, all that it allows was allowed before."""
    if not not_covered(held, [wanted]) and wanted.allows(asked):
        assert any(own.allows(asked) for own in held)


@given(st.lists(some_rules, max_size=4))
def test_everyone_may_grant_what_they_hold(held: list[Rule]) -> None:
    assert not_covered(held, held) == []
    assert not_covered(compact(held), held) == []


@given(some_rules, requests)
def test_the_parts_of_a_rule_are_the_rule(tested: Rule, asked: Attributes) -> None:
    assert tested.allows(asked) == any(part.allows(asked) for part in tested.parts())
