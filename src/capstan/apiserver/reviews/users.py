"""Answers to who somebody is: the asker, and the holder of a token."""

from __future__ import annotations

from typing import Any

from capstan.api.errors import FieldCause, invalid
from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.resources import Call
from capstan.apiserver.tokens.keys import TokenError
from capstan.apiserver.tokens.verify import AccountTokens


class UserReviews:
    """Reviews by the tokens of one server."""

    def __init__(self, tokens: AccountTokens) -> None:
        self._tokens = tokens

    async def self(self, call: Call) -> Obj:
        return {**call.body, "status": {"userInfo": user_info(call.user)}}

    async def token(self, call: Call) -> Obj:
        """Whether a token is good here, or for the audiences that are named."""
        spec: Any = call.body.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        token = str(spec.get("token") or "")
        if not token:
            why = "Required value: no token on request"
            raise invalid(
                "TokenReview.authentication.k8s.io", "", [FieldCause("spec.token", why, "FieldValueRequired")]
            )
        wanted = tuple(spec.get("audiences") or ()) or self._tokens.audiences
        try:
            identity, audiences = await self._tokens.review(token, wanted)
        except TokenError as error:
            status: Obj = {"user": {}, "error": f"invalid bearer token: {error}"}
        else:
            user = user_info(identity.user())
            status = {"authenticated": True, "user": user, "audiences": list(audiences)}
        return {**call.body, "status": status}


def user_info(user: User) -> Obj:
    """A user as authentication.k8s.io shows it."""
    info: Obj = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra.items()}
    return info
