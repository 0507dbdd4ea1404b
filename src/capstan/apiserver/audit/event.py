"""One audit event (audit.k8s.io/v1): a request at one of its stages, without the bodies, which are added where it is
written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.audit.policy import Level, Stage, Verdict
from capstan.apiserver.audit.redaction import is_secret
from capstan.apiserver.authorization import Attributes, Authorizer
from capstan.apiserver.exchange import Request, Response
from capstan.apiserver.requestinfo import RequestInfo

_MAX_URI = 2_000
_MAX_MESSAGE = 2_000


class Record:
    """A request that is written down, from its arrival to its end."""

    __slots__ = (
        "annotations",
        "audit_id",
        "decision",
        "info",
        "level",
        "reason",
        "received",
        "request",
        "user",
        "verdict",
    )

    def __init__(
        self, audit_id: str, request: Request, info: RequestInfo, user: User | None, verdict: Verdict, now: datetime
    ) -> None:
        self.audit_id = audit_id
        self.request = request
        self.info = info
        self.user = user
        self.verdict = verdict
        self.level: Level = "Metadata" if is_secret(info.route) else verdict.level
        self.received = now
        self.decision = ""
        self.reason = ""
        #: What admission has to say about the request.
        self.annotations: dict[str, str] = {}

    def decide(self, authorizer: Authorizer) -> None:
        """Note what the rights say of this request."""
        route = self.info.route
        if route is None or self.user is None:
            return
        asked = Attributes(self.info.verb, route.group, route.plural, route.namespace, route.name, route.subresource)
        decision = authorizer.decide(self.user, asked)
        self.decision = "allow" if decision.allowed else "forbid"
        self.reason = decision.reason

    def event(self, stage: Stage, now: datetime, response: Response | None) -> Obj:
        request, info = self.request, self.info
        event: Obj = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": self.level,
            "auditID": self.audit_id,
            "stage": stage,
            "requestURI": (request.target or request.path)[:_MAX_URI],
            "verb": info.verb,
            "user": _user(speaker(self.user)),
            "sourceIPs": [request.peer] if request.peer else [],
            "userAgent": request.headers.get("user-agent", "")[:400],
        }
        if self.user is not None and speaker(self.user) is not self.user:
            event["impersonatedUser"] = _user(self.user)
        if info.route is not None:
            event["objectRef"] = _reference(info, "" if response is None else response.object_name)
        if response is not None:
            event["responseStatus"] = self._status(response)
        event["requestReceivedTimestamp"] = micro_time(self.received)
        event["stageTimestamp"] = micro_time(now)
        annotations = dict(self.annotations)
        if self.decision:
            annotations["authorization.k8s.io/decision"] = self.decision
            annotations["authorization.k8s.io/reason"] = self.reason
        if annotations:
            event["annotations"] = annotations
        return event

    def _status(self, response: Response) -> Obj:
        status: Obj = {"metadata": {}, "code": response.status}
        error = response.error
        if error is not None:
            status |= {"status": "Failure", "reason": error.reason}
            if not is_secret(self.info.route):
                status["message"] = error.message[:_MAX_MESSAGE]
        return status


def speaker(user: User | None) -> User | None:
    """Who really asks, behind whom he speaks for."""
    by = getattr(user, "by", None)
    return by if isinstance(by, User) else user


def micro_time(moment: datetime) -> str:
    # The encoder of JSON does this in a tenth of what `isoformat` takes, and leaves out a fraction of zero.
    text = orjson.dumps(moment.astimezone(UTC), option=orjson.OPT_UTC_Z)[1:-1].decode()
    return text if moment.microsecond else f"{text[:19]}.000000Z"


def _user(user: User | None) -> Obj:
    if user is None:
        return {"username": "system:anonymous", "groups": ["system:unauthenticated"]}
    shown: dict[str, Any] = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        shown["uid"] = user.uid
    if user.extra:
        shown["extra"] = {name: list(values) for name, values in user.extra.items()}
    return shown


def _reference(info: RequestInfo, name: str) -> Obj:
    route = info.route
    assert route is not None
    shown = {
        "resource": route.plural,
        "namespace": route.namespace,
        "name": route.name or name,
        "apiGroup": route.group,
        "apiVersion": route.version,
        "subresource": route.subresource,
    }
    return {name: value for name, value in shown.items() if value}
