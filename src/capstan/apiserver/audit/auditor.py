"""From requests to the lines of the audit log: asks the policy, follows a request through its stages."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from capstan.api.verbs import User
from capstan.apiserver.admission.notes import collect
from capstan.apiserver.audit.event import Record
from capstan.apiserver.audit.logfile import Line
from capstan.apiserver.audit.policy import DEFAULT_POLICY, Policy, Stage
from capstan.apiserver.exchange import Request, Response
from capstan.apiserver.requestinfo import RequestInfo


class Sink(Protocol):
    """Where lines go."""

    written: int
    lost: int

    def put(self, line: Line) -> None: ...


class Auditor:
    """One per server. `begin` gives None for what the policy does not want."""

    def __init__(self, sink: Sink, policy: Policy = DEFAULT_POLICY) -> None:
        self.sink = sink
        self.policy = policy

    def begin(
        self, audit_id: str, request: Request, info: RequestInfo, user: User | None, now: datetime
    ) -> Record | None:
        verdict = self.policy.decide(user, info)
        if verdict.level == "None":
            return None
        record = Record(audit_id, request, info, user, verdict, now)
        collect(record.annotations)
        self._put(record, "RequestReceived", now, None)
        return record

    def started(self, record: Record, response: Response, now: datetime) -> None:
        """A watch begins to answer."""
        self._put(record, "ResponseStarted", now, response)

    def complete(self, record: Record, response: Response, now: datetime) -> None:
        self._put(record, "ResponseComplete", now, response)

    def panicked(self, record: Record, response: Response, now: datetime) -> None:
        self._put(record, "Panic", now, response)

    def _put(self, record: Record, stage: Stage, now: datetime, response: Response | None) -> None:
        if stage in record.verdict.omit_stages:
            return
        request_body = response_body = b""
        if record.level in ("Request", "RequestResponse") and stage != "RequestReceived":
            request_body = record.request.body
            if record.level == "RequestResponse" and response is not None:
                response_body = response.body
        event = record.event(stage, now, response)
        self.sink.put(Line(event, request_body, response_body, record.verdict.omit_managed_fields))
