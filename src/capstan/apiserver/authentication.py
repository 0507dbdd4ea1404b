"""Who asks: the subject of a client certificate that the TLS layer has verified. Tokens come with RBAC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capstan.api.errors import ApiError
from capstan.api.verbs import User

AUTHENTICATED = "system:authenticated"


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


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")
