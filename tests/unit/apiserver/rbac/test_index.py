"""What is known of users' rights: forgotten when something changes that it rests on, and only then."""

from __future__ import annotations

import orjson
import pytest

from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.rbac.index import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    RbacIndex,
)
from capstan.store.entry import Entry

JANE = User("jane", ("devs",))
OTHER = User("joe", ("ops",))
SUBJECTS = {"jane": {"kind": "User", "name": "jane"}, "devs": {"kind": "Group", "name": "devs"}}


def entry(prefix: str, namespace: str, name: str, **parts: object) -> Entry:
    obj: Obj = {"metadata": {"name": name, "namespace": namespace}, **parts}
    return Entry(prefix, namespace, name, 1, orjson.dumps(obj))


def role(name: str, verb: str, namespace: str = "") -> Entry:
    rules = [{"verbs": [verb], "apiGroups": [""], "resources": ["pods"]}]
    return entry(ROLES if namespace else CLUSTER_ROLES, namespace, name, rules=rules)


def binding(name: str, subject: Obj, to: str, namespace: str = "", kind: str = "ClusterRole") -> Entry:
    prefix = ROLE_BINDINGS if namespace else CLUSTER_ROLE_BINDINGS
    return entry(prefix, namespace, name, subjects=[subject], roleRef={"kind": kind, "name": to})


def put(index: RbacIndex, *entries: Entry) -> None:
    for one in entries:
        index.put(one)
    index.arrange(CLUSTER_ROLES)


def verbs(index: RbacIndex, user: User, namespace: str = "default") -> set[str]:
    return {verb for rule in index.held(user, namespace).rules for verb in rule.verbs}


def start() -> RbacIndex:
    index = RbacIndex()
    joe = {"kind": "User", "name": "joe"}
    put(index, role("reader", "get"), role("other", "list"), binding("one", SUBJECTS["devs"], "reader"))
    put(index, binding("two", joe, "other"))
    assert verbs(index, JANE) == {"get"} and verbs(index, OTHER) == {"list"}
    return index


@pytest.mark.parametrize(
    ("change", "then"),
    [
        (role("reader", "watch"), {"watch"}),
        (binding("one", SUBJECTS["jane"], "other"), {"list"}),
        (binding("one", {"kind": "User", "name": "joe"}, "reader"), set()),
        (binding("three", SUBJECTS["jane"], "other"), {"get", "list"}),
        (binding("three", SUBJECTS["devs"], "other", "default"), {"get", "list"}),
    ],
)
def test_what_changes_is_seen_at_once(change: Entry, then: set[str]) -> None:
    index = start()
    put(index, change)
    assert verbs(index, JANE) == then


@pytest.mark.parametrize("gone", [role("reader", "get"), binding("one", SUBJECTS["devs"], "reader")])
def test_what_is_gone_gives_nothing(gone: Entry) -> None:
    index = start()
    index.remove(gone)
    index.arrange(CLUSTER_ROLES)
    assert verbs(index, JANE) == set()


def test_a_role_that_was_missing_gives_its_rules_when_it_comes() -> None:
    index = start()
    put(index, binding("three", SUBJECTS["jane"], "late", "default", "Role"))
    assert index.held(JANE, "default").missing == (("default", "late"),)
    put(index, role("late", "patch", "default"))
    assert verbs(index, JANE) == {"get", "patch"} and verbs(index, JANE, "elsewhere") == {"get"}


@pytest.mark.parametrize(
    "change",
    [
        role("other", "delete"),
        role("new", "delete"),
        binding("two", {"kind": "User", "name": "joe"}, "reader"),
        binding("three", {"kind": "Group", "name": "others"}, "reader"),
    ],
)
def test_what_does_not_concern_a_user_leaves_what_is_known_of_them(change: Entry) -> None:
    index = start()
    known = index.held(JANE, "default")
    put(index, change)
    assert index.held(JANE, "default") is known
