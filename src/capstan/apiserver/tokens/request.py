"""TokenRequest: a token for a ServiceAccount, bound to it and, where that is asked for, to one more object."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from capstan.api.errors import FieldCause, bad_request, conflict, invalid, not_found
from capstan.api.objects import Obj
from capstan.apiserver.backend import Backend
from capstan.apiserver.resources import Call
from capstan.apiserver.tokens.claims import BINDABLE, Bound, Identity, Term, bound_claims
from capstan.apiserver.tokens.verify import AccountTokens
from capstan.store.entry import Entry

MIN_SECONDS = 600
MAX_SECONDS = 1 << 32
DEFAULT_SECONDS = 3600
#: Clients of old ask for this much and never again: for them a token holds for a year and warns.
_OLD_SECONDS = 3607
_YEAR_SECONDS = 365 * 24 * 3600

_KIND = "TokenRequest.authentication.k8s.io"


class TokenRequests:
    """Answers `POST .../serviceaccounts/<name>/token`."""

    def __init__(self, backend: Backend, tokens: AccountTokens) -> None:
        self._backend = backend
        self._tokens = tokens

    async def create(self, call: Call) -> Obj:
        """The request with its token. Raises 400, 404, 409 and 422."""
        spec: Obj = call.body.get("spec") or {}
        seconds = _seconds(spec, call.name)
        entry = await self._backend.store.get("/serviceaccounts", call.target.namespace, call.name)
        if entry is None:
            raise not_found("serviceaccounts", call.name)
        bound = await self._bound(spec.get("boundObjectRef"), call)
        audiences = tuple(spec.get("audiences") or self._tokens.audiences)
        account = Identity(
            entry.namespace, entry.name, entry.object["metadata"]["uid"], audiences, bound, self._backend.new_uid()
        )
        now = int(self._backend.clock().timestamp())
        token = "" if call.options.dry_run else self._signed(account, now, seconds)
        shown = {"audiences": list(audiences), "expirationSeconds": seconds}
        if spec.get("boundObjectRef"):
            shown["boundObjectRef"] = spec["boundObjectRef"]
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {
                "name": call.name,
                "namespace": call.target.namespace,
                "creationTimestamp": self._backend.timestamp(),
            },
            "spec": shown,
            "status": {"token": token, "expirationTimestamp": _instant(now + seconds)},
        }

    def _signed(self, account: Identity, now: int, seconds: int) -> str:
        term = Term(now, now + seconds)
        if (
            seconds == _OLD_SECONDS
            and account.audiences == self._tokens.audiences
            and any(bound.claim == "pod" for bound in account.bound)
        ):
            term = replace(term, ends=now + _YEAR_SECONDS, warn_after=now + seconds)
        return self._tokens.ring.sign(bound_claims(self._tokens.issuer, account, term))

    async def _bound(self, ref: Any, call: Call) -> tuple[Bound, ...]:
        """What else must be there for the token to hold: with a Pod, its Node."""
        if not ref:
            return ()
        kind, name = ref.get("kind", ""), ref.get("name", "")
        if kind not in BINDABLE or ref.get("apiVersion", "v1") != "v1":
            raise bad_request(f"cannot bind token to object of type {ref.get('apiVersion', '')}, Kind={kind}")
        found = await self._object(kind, call.target.namespace, name)
        metadata = found.object["metadata"]
        if ref.get("uid") and ref["uid"] != metadata["uid"]:
            why = (
                f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
            raise conflict(f"{kind.lower()}s", name, why)
        bound = [Bound(BINDABLE[kind], name, metadata["uid"])]
        if kind == "Pod":
            bound += await self._node_of(found.object, call.name)
        return tuple(bound)

    async def _node_of(self, pod: Obj, account: str) -> list[Bound]:
        spec: Obj = pod.get("spec") or {}
        if (spec.get("serviceAccountName") or "default") != account:
            raise bad_request(
                f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
            )
        node = spec.get("nodeName")
        entry = await self._backend.store.get("/nodes", "", node) if node else None
        return [] if entry is None else [Bound("node", entry.name, entry.object["metadata"]["uid"])]

    async def _object(self, kind: str, namespace: str, name: str) -> Entry:
        plural = f"{kind.lower()}s"
        entry = await self._backend.store.get(f"/{plural}", "" if kind == "Node" else namespace, name)
        if entry is None:
            raise not_found(plural, name)
        return entry


def _seconds(spec: Obj, name: str) -> int:
    seconds = spec.get("expirationSeconds")
    if seconds is None:
        return DEFAULT_SECONDS
    why = ""
    if type(seconds) is not int or seconds < MIN_SECONDS:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > MAX_SECONDS:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        raise invalid(_KIND, name, [FieldCause("spec.expirationSeconds", f"Invalid value: {seconds}: {why}")])
    return int(seconds)


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
