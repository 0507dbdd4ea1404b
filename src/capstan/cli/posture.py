"""What a running plane says of its own security, from what it really does: tried in dry runs where that is possible."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization

from capstan.api.errors import ApiError
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.audit.auditor import Auditor
from capstan.apiserver.deadline import REQUEST_SECONDS
from capstan.apiserver.exchange import Request
from capstan.apiserver.limits import Limits
from capstan.apiserver.rbac.authorizer import RbacAuthorizer
from capstan.apiserver.requestinfo import RequestInfo
from capstan.apiserver.routing import Route
from capstan.apiserver.server import SYSTEM, ApiServer
from capstan.apiserver.tokens.claims import Identity, Term, bound_claims
from capstan.cli.auditing import NOWHERE, AuditOptions
from capstan.cli.place import Place

_MAPS = Resource("", "v1", "configmaps", "ConfigMap", True)
_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount", True)
_DRY = WriteOptions(dry_run=True)
_VERBS = ("get", "list", "create", "update", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Posture:
    """The parts of a plane that its security hangs on."""

    place: Place
    server: ApiServer
    limits: Limits
    audit: AuditOptions
    auditor: Auditor | None
    url: str
    store: Mapping[str, Any]

    async def settings(self) -> Mapping[str, Any]:
        """All of it as the self-audit reads it."""
        return {
            "url": self.url,
            "shared": str(self.place.shared or ""),
            "authorization": ["RBAC" if isinstance(self.server.authorizer, RbacAuthorizer) else "AlwaysAllow"],
            "request_seconds": REQUEST_SECONDS,
            "events_per_second": self.limits.events_per_second,
            "tokens": {"lookup": await self._looks_up(), "own_key": self._has_own_key()},
            "admission": await self._admission(),
            "audit": self._audit_log(),
            **self.store,
        }

    async def _looks_up(self) -> bool:
        """Whether a well signed token of an account that does not exist is refused."""
        tokens, now = self.server.account_tokens, int(self.server.now().timestamp())
        nobody = Identity("default", "capstan-audit", self.server.backend.new_uid(), tokens.audiences)
        token = tokens.ring.sign(bound_claims(tokens.issuer, nobody, Term(now, now + 600)))
        request = Request("GET", "/api", headers={"authorization": f"Bearer {token}"})
        return await _code(self.server.authenticator.authenticate(request)) == 401

    def _has_own_key(self) -> bool:
        key = self.place.service_account_key
        if not key.exists():
            return False
        own = _public(key.read_bytes())
        directories = (self.place.pki, self.place.authority)
        others = (path for directory in directories for path in directory.glob("*.key") if path != key)
        return all(_public(path.read_bytes()) != own for path in others)

    async def _admission(self) -> Mapping[str, bool]:
        verbs = self.server.verbs(SYSTEM)
        named: Obj = {"metadata": {"name": "capstan-audit"}}
        invalid = {**named, "data": {"no valid key": ""}}
        return {
            "refuses_invalid": await _code(verbs.create(_MAPS, "default", invalid, _DRY)) == 422,
            "namespaces": await _code(verbs.create(_MAPS, "capstan-audit-is-not-there", named, _DRY)) == 404,
            "service_accounts": await _code(verbs.get(_ACCOUNTS, "default", "default")) == 0,
        }

    def _audit_log(self) -> Mapping[str, Any]:
        if self.auditor is None or self.audit.path == NOWHERE:
            return {}
        route = Route("", "v1", "default", "secrets", "x")
        infos = [RequestInfo(verb, "/api/v1/namespaces/default/secrets/x", route) for verb in _VERBS]
        somebody = User("somebody", ("system:authenticated",))
        return {
            "path": self.audit.path or str(self.place.audit_log),
            "max_age_days": self.audit.max_age_days,
            "max_backups": self.audit.max_backups,
            "max_size_mib": self.audit.max_size_mib,
            "secrets": sorted({self.auditor.policy.decide(somebody, info).level for info in infos}),
        }


async def _code(call: Awaitable[Any]) -> int:
    """The code of the refusal, 0 without one."""
    try:
        await call
    except ApiError as error:
        return error.code
    return 0


def _public(pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(pem, password=None)
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
