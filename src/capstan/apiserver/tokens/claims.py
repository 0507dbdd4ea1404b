"""What a ServiceAccount's token says, and whom it then stands for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.tokens.keys import TokenError

ACCOUNT = "system:serviceaccount:"
LEGACY_ISSUER = "kubernetes/serviceaccount"
#: A token may be used this much before it begins: the clocks of several servers differ.
LEEWAY_SECONDS = 10

_PRIVATE = "kubernetes.io"
_LEGACY = "kubernetes.io/serviceaccount/"
#: Kinds that a token may be bound to, as the claims name them.
BINDABLE: Mapping[str, str] = {"Secret": "secret", "Pod": "pod", "Node": "node"}


@dataclass(frozen=True, slots=True)
class Bound:
    """An object by its claim's name (`secret`, `pod`, `node`): the token ends with it."""

    claim: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it is. `legacy` is the Secret that a token without an end is kept in."""

    namespace: str
    name: str
    uid: str
    audiences: tuple[str, ...] = ()
    bound: tuple[Bound, ...] = ()
    token_id: str = ""
    legacy: str = ""
    expires: int | None = None

    def user(self) -> User:
        extra: dict[str, tuple[str, ...]] = {}
        if self.token_id:
            extra["authentication.kubernetes.io/credential-id"] = (f"JTI={self.token_id}",)
        for bound in self.bound:
            if bound.claim != "secret":
                extra[f"authentication.kubernetes.io/{bound.claim}-name"] = (bound.name,)
                extra[f"authentication.kubernetes.io/{bound.claim}-uid"] = (bound.uid,)
        return User(user_name(self.namespace, self.name), groups_of(self.namespace), self.uid, extra)


def user_name(namespace: str, name: str) -> str:
    return f"{ACCOUNT}{namespace}:{name}"


def groups_of(namespace: str) -> tuple[str, ...]:
    """The groups that every ServiceAccount of a namespace is in."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")


@dataclass(frozen=True, slots=True)
class Term:
    """From when until when a token holds, in seconds since 1970. `warn_after` is set when it holds longer than was
    asked for, so that old clients that never look again go on."""

    begins: int
    ends: int
    warn_after: int | None = None


def bound_claims(issuer: str, account: Identity, term: Term) -> Obj:
    """The claims of a token from a TokenRequest."""
    private: Obj = {
        "namespace": account.namespace,
        "serviceaccount": {"name": account.name, "uid": account.uid},
        **{bound.claim: {"name": bound.name, "uid": bound.uid} for bound in account.bound},
    }
    if term.warn_after is not None:
        private["warnafter"] = term.warn_after
    return {
        "aud": list(account.audiences),
        "exp": term.ends,
        "iat": term.begins,
        "iss": issuer,
        "jti": account.token_id,
        _PRIVATE: private,
        "nbf": term.begins,
        "sub": user_name(account.namespace, account.name),
    }


def legacy_claims(account: Identity) -> Obj:
    """The claims of a token that is kept in a Secret."""
    return {
        "iss": LEGACY_ISSUER,
        f"{_LEGACY}namespace": account.namespace,
        f"{_LEGACY}secret.name": account.legacy,
        f"{_LEGACY}service-account.name": account.name,
        f"{_LEGACY}service-account.uid": account.uid,
        "sub": user_name(account.namespace, account.name),
    }


def read_claims(claims: Obj, issuer: str, now: float) -> Identity:
    """Whose token it is, if it is one of this issuer and of this time. Raises TokenError."""
    if claims.get("iss") == LEGACY_ISSUER:
        return _legacy(claims)
    if claims.get("iss") != issuer:
        raise TokenError("it is from another issuer")
    ends = _instant(claims, "exp")
    if now >= ends:
        raise TokenError("it has expired")
    if now + LEEWAY_SECONDS < _instant(claims, "nbf"):
        raise TokenError("it does not hold yet")
    private = _object(claims, _PRIVATE)
    account = _object(private, "serviceaccount")
    bound = tuple(
        Bound(claim, _string(part, "name"), _string(part, "uid"))
        for claim in BINDABLE.values()
        if claim in private and (part := _object(private, claim))
    )
    found = Identity(
        _string(private, "namespace"),
        _string(account, "name"),
        _string(account, "uid"),
        _audiences(claims),
        bound,
        str(claims.get("jti") or ""),
        expires=ends,
    )
    return _checked(claims, found)


def _legacy(claims: Obj) -> Identity:
    names = ("namespace", "service-account.name", "service-account.uid", "secret.name")
    namespace, name, uid, secret = (_string(claims, f"{_LEGACY}{name}") for name in names)
    return _checked(claims, Identity(namespace, name, uid, legacy=secret))


def _checked(claims: Obj, found: Identity) -> Identity:
    if claims.get("sub") != user_name(found.namespace, found.name):
        raise TokenError("its subject is not its ServiceAccount")
    return found


def _audiences(claims: Obj) -> tuple[str, ...]:
    given = claims.get("aud")
    audiences: Sequence[Any] = [given] if isinstance(given, str) else given if isinstance(given, list) else ()
    return tuple(audience for audience in audiences if isinstance(audience, str))


def _instant(claims: Obj, name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError(f"it has no {name}")
    return int(value)


def _object(claims: Obj, name: str) -> Obj:
    value = claims.get(name)
    if not isinstance(value, dict):
        raise TokenError(f"its claim {name} is no object")
    return value


def _string(claims: Obj, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenError(f"its claim {name} is missing")
    return value
