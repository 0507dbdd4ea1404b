"""Speaking for others: which rights each header needs, and who one then is."""

from __future__ import annotations

import pytest

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.authorization import Attributes, Decision, Impersonated
from capstan.apiserver.impersonation import impersonated

ADMIN = User("admin", ("ops",))


class Asked:
    """Allows what is in the list, and remembers what it was asked."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed
        self.asked: list[str] = []

    def decide(self, user: User, attributes: Attributes) -> Decision:
        assert user is ADMIN and attributes.verb == "impersonate"
        place = f"{attributes.namespace}/" if attributes.namespace else ""
        group = f".{attributes.group}" if attributes.group else ""
        self.asked.append(f"{attributes.plural}{group} {place}{attributes.name}")
        return Decision("*" in self.allowed or self.asked[-1] in self.allowed)


@pytest.mark.parametrize(
    ("headers", "asked", "user"),
    [
        ([("user", "jane")], ["users jane"], User("jane", ("system:authenticated",))),
        (
            [("user", "jane"), ("group", "devs"), ("group", "a, b")],
            ["users jane", "groups devs", "groups a, b"],
            User("jane", ("devs", "a, b", "system:authenticated")),
        ),
        (
            [("user", "system:serviceaccount:ns:bot")],
            ["serviceaccounts ns/bot"],
            User(
                "system:serviceaccount:ns:bot",
                ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"),
            ),
        ),
        (
            [("user", "system:serviceaccount:ns:bot"), ("group", "only")],
            ["serviceaccounts ns/bot", "groups only"],
            User("system:serviceaccount:ns:bot", ("only", "system:authenticated")),
        ),
        ([("user", "system:anonymous")], ["users system:anonymous"],
         User("system:anonymous", ("system:unauthenticated",))),
        (
            [("user", "jane"), ("uid", "123"), ("extra-scopes", "view"), ("extra-scopes", "edit"),
             ("extra-a%2fb", "c")],
            [
                "users jane",
                "userextras/scopes.authentication.k8s.io view",
                "userextras/scopes.authentication.k8s.io edit",
                "userextras/a/b.authentication.k8s.io c",
                "uids.authentication.k8s.io 123",
            ],
            User("jane", ("system:authenticated",), "123", {"scopes": ("view", "edit"), "a/b": ("c",)}),
        ),
        ([("user", "system:serviceaccount:ns")], ["users system:serviceaccount:ns"],
         User("system:serviceaccount:ns", ("system:authenticated",))),
    ],
)  # fmt: skip
def test_each_header_needs_a_right(headers: list[tuple[str, str]], asked: list[str], user: User) -> None:
    sent = [(f"impersonate-{name}", value) for name, value in headers]
    authorizer = Asked("*")
    found = impersonated(authorizer, ADMIN, sent)
    assert authorizer.asked == asked
    assert (found.name, found.groups, found.uid, found.extra) == (user.name, user.groups, user.uid, user.extra)
    assert isinstance(found, Impersonated) and found.by is ADMIN
    for missing in asked:
        with pytest.raises(ApiError) as caught:
            impersonated(Asked(*(one for one in asked if one != missing)), ADMIN, sent)
        assert caught.value.code == 403 and 'User "admin" cannot impersonate' in caught.value.message


def test_what_a_refusal_says() -> None:
    with pytest.raises(ApiError) as caught:
        impersonated(Asked(), ADMIN, [("impersonate-user", "jane")])
    assert caught.value.message == (
        'users "jane" is forbidden: User "admin" cannot impersonate resource "users" in API group "" '
        "at the cluster scope"
    )


@pytest.mark.parametrize("header", ["group", "uid", "extra-scopes"])
def test_nothing_without_a_user(header: str) -> None:
    with pytest.raises(ApiError) as caught:
        impersonated(Asked("*"), ADMIN, [(f"impersonate-{header}", "x")])
    assert caught.value.code == 400
