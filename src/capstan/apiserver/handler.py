"""The HTTP core: who asks, is there room, what is the answer; and what metrics and the audit log say of it. Knows no
web framework."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.accessmetrics import AccessMetrics
from capstan.apiserver.audit.auditor import Auditor
from capstan.apiserver.audit.event import Record, speaker
from capstan.apiserver.authentication import Authenticator
from capstan.apiserver.authorization import Attributes, Authorizer, authorize
from capstan.apiserver.backend import Backend
from capstan.apiserver.deadline import Clockwork, request_seconds
from capstan.apiserver.discovery import Discovery, version_response
from capstan.apiserver.endpoints import Endpoints
from capstan.apiserver.exchange import Request, Response, error_response, text_response
from capstan.apiserver.health import HEALTH_CHECKS, health_response
from capstan.apiserver.limits import FLOW_HEADERS, Admission, Limits
from capstan.apiserver.requestinfo import RequestInfo, request_info
from capstan.apiserver.resources import Registry
from capstan.apiserver.routing import parse_route
from capstan.apiserver.verbs import ServerVerbs
from capstan.store.protocol import StoreError

log = logging.getLogger(__name__)

_NON_RESOURCE_VERBS = {"GET": "get", "HEAD": "head", "POST": "post", "PUT": "put", "PATCH": "patch", "DELETE": "delete"}
_MAX_AUDIT_ID = 64


class Served(Protocol):
    """What the handler needs of a server."""

    registry: Registry
    backend: Backend
    git_version: str
    authorizer: Authorizer
    authenticator: Authenticator

    def verbs(self, user: User) -> ServerVerbs: ...

    def now(self) -> datetime: ...

    def watch_seconds(self) -> int: ...

    def failing(self) -> Mapping[str, str]:
        """Health checks that fail, with what they say."""
        ...

    def document(self, request: Request) -> Response | None:
        """OpenAPI documents and metrics, as far as there are any."""
        ...


class Handler:
    """One per server. `handle` never raises but for cancellation."""

    def __init__(
        self,
        server: Served,
        address: Callable[[], str],
        *,
        limits: Limits | None = None,
        auditor: Auditor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._address = address
        self._monotonic = monotonic
        self._discovery = Discovery(server.registry)
        self._endpoints = Endpoints(server)
        self._admission = Admission(limits or Limits())
        self._auditor = auditor
        self._clockwork = Clockwork()
        self._metrics = AccessMetrics(self._admission, auditor)
        self._audit_prefix = server.backend.new_uid()[:23]
        self._audit_number = 0

    def now(self) -> datetime:
        return self._server.now()

    def end_watches(self) -> None:
        self._endpoints.end_watches()

    async def handle(self, request: Request) -> Response:
        began = self._monotonic()
        info = request_info(request)
        audit_id = self._audit_id(request)
        record: Record | None = None
        try:
            if info.is_health:
                response = self._health(request)
            else:
                info.user = user = await self._server.authenticator.authenticate(request)
                if self._auditor is not None:
                    record = self._auditor.begin(audit_id, request, info, user, self._server.now())
                response = await self._answer(request, info, user)
        except ApiError as error:
            response = error_response(error)
        except StoreError as error:
            log.error("the store failed: %s", error)
            unavailable = ApiError(503, "ServiceUnavailable", "the store takes no requests", retry_after_seconds=1)
            response = error_response(unavailable)
        except Exception as error:
            # The text of an unexpected exception may hold what was sent: only where it happened is written.
            log.error("%s %s failed: %s", request.method, info.verb, _place(error))
            message = "an internal error occurred; the server's log has more"
            response = error_response(ApiError(500, "InternalError", message))
        if self._auditor is not None:
            self._audited(self._auditor, record, audit_id, request, info, response)
        headers = response.headers
        headers["Audit-Id"] = audit_id
        headers.update(FLOW_HEADERS[info.level])
        self._metrics.count(request, info, response.status, self._monotonic() - began, _is_known(self._server, info))
        return response

    def _audit_id(self, request: Request) -> str:
        """The client's, or a new one: random for the process, then counted."""
        given = request.headers.get("audit-id", "")
        if given and len(given) <= _MAX_AUDIT_ID and given.isascii() and given.isprintable():
            return given
        self._audit_number += 1
        return f"{self._audit_prefix}-{self._audit_number:012x}"

    async def _answer(self, request: Request, info: RequestInfo, user: User) -> Response:
        if info.route is None:
            return await self._other(request, user)
        if info.is_watch:
            return await self._watch(request, info, user)
        lane = await self._admission.enter(info, user)
        try:
            if info.route.plural == "events" and not info.is_read:
                self._admission.check_event(user, self._monotonic())
            response = await self._in_time(request, info, user)
            if info.verb == "list":
                # The seat is kept until the loop has turned: small requests come between two lists.
                await asyncio.sleep(0)
            return response
        finally:
            lane.leave()

    async def _in_time(self, request: Request, info: RequestInfo, user: User) -> Response:
        """The answer, or 504 when it takes too long."""
        running = self._clockwork.begin(request_seconds(request, info))
        try:
            return await self._endpoints.answer(request, info, user)
        except TimeoutError:
            raise _timed_out() from None
        except asyncio.CancelledError:
            if running.is_ours():
                raise _timed_out() from None
            raise
        finally:
            self._clockwork.end(running)

    async def _watch(self, request: Request, info: RequestInfo, user: User) -> Response:
        """A watch is not counted as a request that runs, but how many a user may have is bounded."""
        self._admission.begin_watch(info, user)
        try:
            until = getattr(speaker(user), "expires", None)
            if until is not None:
                _end_by(request, until - self._server.now().timestamp(), self._server.watch_seconds())
            response = await self._endpoints.answer(request, info, user)
        except BaseException:
            self._admission.end_watch(user)
            raise
        ended = response.finished

        def finished() -> None:
            self._admission.end_watch(user)
            if ended is not None:
                ended()

        response.finished = finished
        return response

    def _health(self, request: Request) -> Response:
        return health_response(request, HEALTH_CHECKS, self._server.failing(), told=request.user is not None)

    async def _other(self, request: Request, user: User) -> Response:
        """Everything that is not a resource."""
        path = request.path.rstrip("/") or "/"
        asked = Attributes(_NON_RESOURCE_VERBS.get(request.method, "get"), path=request.path)
        authorize(self._server.authorizer, user, asked)
        if request.method not in ("GET", "HEAD"):
            raise ApiError(405, "MethodNotAllowed", f"{request.method} is not supported on {path}")
        if path == "/version":
            return version_response(self._server.git_version)
        if path == "/metrics":
            return await self._metrics_response(request)
        if path in ("/", "/api", "/apis") or parse_route(path) is not None or path.startswith("/apis/"):
            return self._discovery.answer(replace(request, path=path), self._address())
        found = self._server.document(request)
        return found if found is not None else text_response(404, "404 page not found\n")

    async def _metrics_response(self, request: Request) -> Response:
        """What this edge counts, how many objects there are, and what the rest of the process says."""
        counts = {}
        for served in self._server.registry.all():
            page = await self._server.backend.store.list(served.prefix, limit=1)
            counts[served.group_resource] = len(page.entries) + page.remaining
        rest = self._server.document(replace(request, path="/metrics"))
        more = rest.body if rest is not None and rest.status == 200 else b""
        body = self._metrics.text(counts).encode() + more
        return Response(200, body, "text/plain; version=0.0.4; charset=utf-8")

    def _audited(
        self,
        auditor: Auditor,
        record: Record | None,
        audit_id: str,
        request: Request,
        info: RequestInfo,
        response: Response,
    ) -> None:
        now = self._server.now()
        if record is None:
            if info.user is not None or info.is_health or request.user is not None:
                return
            # Nobody was recognised: that is written by the rules for people without a name.
            record = auditor.begin(audit_id, request, info, None, now)
            if record is None:
                return
        if info.route is not None and info.user is not None:
            record.decide(self._server.authorizer)
        if response.status == 500:
            auditor.panicked(record, response, now)
        elif response.stream is None:
            auditor.complete(record, response, now)
        else:
            auditor.started(record, response, now)
            watched, ended = record, response.finished

            def finished() -> None:
                if ended is not None:
                    ended()
                auditor.complete(watched, response, self._server.now())

            response.finished = finished


def _timed_out() -> ApiError:
    return ApiError(504, "Timeout", "Timeout: request did not complete within the allotted timeout")


def _end_by(request: Request, seconds: float, usual: int) -> None:
    """Who is known for so long only watches no longer."""
    asked = request.number("timeoutSeconds") or usual
    request.query = {**request.query, "timeoutSeconds": [str(max(1, min(asked, int(seconds))))]}


def _is_known(server: Served, info: RequestInfo) -> bool:
    """Whether a resource is one that is served: metrics name no others, so that clients cannot invent series."""
    route = info.route
    return route is not None and server.registry.by_plural(route.group, route.plural) is not None


def _place(error: Exception) -> str:
    """The type of an exception, and the lines of our code that it came through."""
    lines = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        lines.append(f"{code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return f"{type(error).__name__} at " + " < ".join(reversed(lines[-8:]))
