"""Whose token it is: signature and claims, and that the account and all that it is bound to are still there."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.authentication import Temporary, unauthorized
from capstan.apiserver.backend import Backend
from capstan.apiserver.tokens.claims import Identity, read_claims
from capstan.apiserver.tokens.keys import KeyRing, TokenError

#: Who the tokens of this server are from, and for, unless a request names others.
ISSUER = "https://kubernetes.default.svc"

_PREFIX = {"secret": "/secrets", "pod": "/pods", "node": "/nodes"}
_MAX_KEPT = 2048
#: What is being deleted is still believed for this long.
_GOING = timedelta(seconds=60)


class AccountTokens:
    """Implements `authentication.Tokens`. Signatures are checked once for each token; everything else each time."""

    def __init__(self, backend: Backend, ring: KeyRing, issuer: str = ISSUER) -> None:
        self.ring = ring
        self.issuer = issuer
        self._backend = backend
        self._opened: dict[bytes, Obj] = {}

    @property
    def audiences(self) -> tuple[str, ...]:
        """For whom a token must be that is used here."""
        return (self.issuer,)

    async def user(self, token: str) -> User:
        try:
            identity, _ = await self.review(token, self.audiences)
        except TokenError:
            raise unauthorized() from None
        user = identity.user()
        return Temporary(user.name, user.groups, user.uid, user.extra, identity.expires)

    async def review(self, token: str, audiences: Sequence[str]) -> tuple[Identity, tuple[str, ...]]:
        """Whose token it is, and for which of the audiences it is good. Raises TokenError."""
        now = self._backend.clock()
        identity = read_claims(self._open(token), self.issuer, now.timestamp())
        held = self.audiences if identity.legacy else identity.audiences
        good = tuple(audience for audience in audiences if audience in held)
        if not good:
            raise TokenError("it is for other audiences")
        await self._look(identity, token, now)
        return identity, good

    def _open(self, token: str) -> Obj:
        """The claims, verified. The cache knows tokens by their hash only."""
        key = hashlib.sha256(token.encode(errors="replace")).digest()
        claims = self._opened.get(key)
        if claims is None:
            claims = self.ring.open(token)
            if len(self._opened) >= _MAX_KEPT:
                self._opened.clear()
            self._opened[key] = claims
        return claims

    async def _look(self, identity: Identity, token: str, now: datetime) -> None:
        await self._present("/serviceaccounts", identity.namespace, identity.name, identity.uid, now)
        for bound in identity.bound:
            namespace = "" if bound.claim == "node" else identity.namespace
            await self._present(_PREFIX[bound.claim], namespace, bound.name, bound.uid, now)
        if identity.legacy:
            secret = await self._present(_PREFIX["secret"], identity.namespace, identity.legacy, "", now)
            kept = base64.b64decode((secret.get("data") or {}).get("token") or "")
            if not hmac.compare_digest(kept, token.encode()):
                raise TokenError("its Secret holds another one")

    async def _present(self, prefix: str, namespace: str, name: str, uid: str, now: datetime) -> Obj:
        """The object, if it is still the one that was meant."""
        entry = await self._backend.store.get(prefix, namespace, name)
        noun = prefix.strip("/").removesuffix("s")
        if entry is None:
            raise TokenError(f"its {noun} has been deleted")
        metadata = entry.object["metadata"]
        if uid and metadata.get("uid") != uid:
            raise TokenError(f"its {noun} has been deleted, and another one has its name")
        going = metadata.get("deletionTimestamp")
        if going and now - datetime.fromisoformat(going).astimezone(UTC) > _GOING:
            raise TokenError(f"its {noun} has been deleted")
        return entry.object
