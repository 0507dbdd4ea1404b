"""Speaking for somebody else: the Impersonate-* headers, and the rights that each of them needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from capstan.api.errors import bad_request
from capstan.api.verbs import User
from capstan.apiserver.authorization import Attributes, Authorizer, Impersonated, authorize

#: How all of these headers begin, in lower case.
PREFIX = "impersonate-"

_AUTHENTICATED = "system:authenticated"
_UNAUTHENTICATED = "system:unauthenticated"
_ANONYMOUS = "system:anonymous"
_ACCOUNT = "system:serviceaccount:"
_GROUP = "authentication.k8s.io"


def impersonated(authorizer: Authorizer, user: User, headers: Sequence[tuple[str, str]]) -> User:
    """The user that the headers (names in lower case) ask for. Raises 400 and 403."""
    name, uid, groups, extra = _read(headers)
    if not name:
        raise bad_request("requested groups, uid or extra of a user without impersonating a user")
    for attributes in _needed(name, uid, groups, extra):
        authorize(authorizer, user, attributes)
    return Impersonated(name, _groups(name, groups), uid, {k: tuple(v) for k, v in extra.items()}, by=user)


def _read(headers: Sequence[tuple[str, str]]) -> tuple[str, str, list[str], dict[str, list[str]]]:
    name, uid, groups = "", "", []
    extra: dict[str, list[str]] = {}
    for header, value in headers:
        what = header.removeprefix(PREFIX)
        if what == "user":
            name = value
        elif what == "uid":
            uid = value
        elif what == "group":
            groups.append(value)
        elif what.startswith("extra-"):
            extra.setdefault(unquote(what.removeprefix("extra-")).lower(), []).append(value)
    return name, uid, groups, extra


def _needed(name: str, uid: str, groups: Sequence[str], extra: dict[str, list[str]]) -> Iterator[Attributes]:
    """One right for each thing that is asked for."""
    account = _account(name)
    if account:
        yield Attributes("impersonate", "", "serviceaccounts", account[0], account[1])
    else:
        yield Attributes("impersonate", "", "users", name=name)
    for group in groups:
        yield Attributes("impersonate", "", "groups", name=group)
    for key, values in extra.items():
        for value in values:
            yield Attributes("impersonate", _GROUP, "userextras", name=value, subresource=key)
    if uid:
        yield Attributes("impersonate", _GROUP, "uids", name=uid)


def _account(name: str) -> tuple[str, str] | None:
    """Namespace and name of a ServiceAccount's user name."""
    namespace, _, account = name.removeprefix(_ACCOUNT).partition(":")
    return (namespace, account) if name.startswith(_ACCOUNT) and namespace and account else None


def _groups(name: str, given: Sequence[str]) -> tuple[str, ...]:
    """The groups that were asked for, and those that such a user is always in."""
    groups = list(given)
    account = _account(name)
    if account and not groups:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account[0]}"]
    if name == _ANONYMOUS:
        return tuple(groups) if _UNAUTHENTICATED in groups else (*groups, _UNAUTHENTICATED)
    if _AUTHENTICATED in groups or _UNAUTHENTICATED in groups:
        return tuple(groups)
    return (*groups, _AUTHENTICATED)
