"""Who asks: the subject of a client certificate, the ServiceAccount of a token, or somebody whom they speak for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.authorization import Authorizer
from capstan.apiserver.exchange import Request
from capstan.apiserver.impersonation import impersonated
from capstan.apiserver.websocket import bearer_of

AUTHENTICATED = "system:authenticated"
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Temporary(User):
    """Somebody who is known until a time, in seconds since 1970. Watches end then."""

    expires: int | None = None


class Tokens(Protocol):
    """What knows bearer tokens."""

    async def user(self, token: str) -> User:
        """Whose token this is. Raises ApiError 401 when it is nobody's."""
        ...


class Authenticator:
    """Tells who sent a request. `request.user` is whom the connection already proved, by its certificate."""

    def __init__(self, tokens: Tokens, authorizer: Authorizer) -> None:
        self._tokens = tokens
        self._authorizer = authorizer

    async def authenticate(self, request: Request) -> User:
        """The user on whose behalf the request is carried out. A certificate goes before a token.

        Errors: ApiError 401 when nobody is recognised, 403 for speaking for somebody without the right to.
        """
        user = request.user
        if user is None:
            token = bearer_token(request.headers.get("authorization", "")) or bearer_of(request)
            if not token:
                raise unauthorized()
            user = await self._tokens.user(token)
        return impersonated(self._authorizer, user, request.impersonation) if request.impersonation else user


def bearer_token(header: str) -> str:
    """The token of an Authorization header, or the empty string."""
    return header[len(_BEARER) :].strip() if header[: len(_BEARER)].lower() == _BEARER else ""


def user_of_certificate(peer: Mapping[str, Any] | None) -> User | None:
    """The user of a certificate as Python's ssl gives it: CN is the name, each O a group. None: nobody."""
    if not peer:
        return None
    name, groups = "", []
    for relative in peer.get("subject", ()):
        for kind, value in relative:
            if kind == "commonName":
                name = value
            elif kind == "organizationName":
                groups.append(value)
    if not name:
        return None
    return User(name, (*groups, AUTHENTICATED))


def without_group(user: User, group: str) -> User:
    """The same user, not in that group."""
    return replace(user, groups=tuple(name for name in user.groups if name != group))


@lru_cache(256)
def is_signed_by(certificate: bytes | None, ca_pem: bytes) -> bool:
    """Whether the CA's own key signed a certificate (DER). Clients come back with the same ones: the last answers are
    remembered, since a signature does not change."""
    try:
        x509.load_der_x509_certificate(certificate or b"").verify_directly_issued_by(
            x509.load_pem_x509_certificate(ca_pem)
        )
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")
