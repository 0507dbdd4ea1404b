"""The HTTP core: takes a request apart, calls a verb, makes the answer. Knows no web framework."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import orjson

from capstan.api.errors import ApiError, bad_request
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import Answer, User
from capstan.apiserver.authentication import Authenticator
from capstan.apiserver.authorization import Attributes, Authorizer, authorize, selected_name
from capstan.apiserver.decode import decode_checked, decode_patch
from capstan.apiserver.discovery import Discovery, version_response
from capstan.apiserver.exchange import JSON, Request, Response, error_response, text_response
from capstan.apiserver.negotiation import Accepted, negotiate
from capstan.apiserver.options import WireWriteOptions, delete_options, list_options, write_options
from capstan.apiserver.representation import (
    Frames,
    Shape,
    entry_bytes,
    error_frame,
    include_object,
    list_bytes,
    object_bytes,
)
from capstan.apiserver.resources import Registry, no_such_resource
from capstan.apiserver.routing import Route, parse_route
from capstan.apiserver.scale import scale_of
from capstan.apiserver.verbs import ServerVerbs
from capstan.apiserver.watch import Watch
from capstan.store.protocol import StoreError

log = logging.getLogger(__name__)

HEALTH = ("/healthz", "/livez", "/readyz")
MAX_READS = 400
MAX_WRITES = 200
REQUEST_SECONDS = 60.0
_NON_RESOURCE_VERBS = {"GET": "get", "HEAD": "head", "POST": "post", "PUT": "put", "PATCH": "patch", "DELETE": "delete"}


class Served(Protocol):
    """What the handler needs of a server."""

    registry: Registry
    git_version: str
    authorizer: Authorizer
    authenticator: Authenticator

    def verbs(self, user: User) -> ServerVerbs: ...

    def now(self) -> datetime: ...

    def watch_seconds(self) -> int:
        """After how long a watch ends that did not say."""
        ...

    def failing(self) -> Mapping[str, str]:
        """Health checks that fail, with what they say."""
        ...

    def document(self, request: Request) -> Response | None:
        """OpenAPI documents and metrics, as far as there are any."""
        ...


class Handler:
    """One per server. `handle` never raises but for cancellation."""

    def __init__(self, server: Served, address: Callable[[], str]) -> None:
        self._server = server
        self._address = address
        self._discovery = Discovery(server.registry)
        self._in_flight = {"read": 0, "write": 0}
        self._watches: dict[Watch, None] = {}
        server.registry.on_change(self._end_orphaned)

    async def handle(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except ApiError as error:
            return error_response(error)
        except StoreError as error:
            log.error("the store failed: %s", error)
            unavailable = ApiError(503, "ServiceUnavailable", "the store takes no requests", retry_after_seconds=1)
            return error_response(unavailable)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            message = "an internal error occurred; the server's log has more"
            return error_response(ApiError(500, "InternalError", message))

    def end_watches(self) -> None:
        """Every running watch ends regularly: clients come back with the resourceVersion that they have."""
        for watch in tuple(self._watches):
            watch.close()

    def _end_orphaned(self) -> None:
        """Watches of a kind that is no longer served in their version end."""
        for watch in tuple(self._watches):
            served = self._server.registry.by_plural(watch.target.served.group, watch.target.served.plural)
            if served is None or served.version(watch.target.version.name) is None:
                watch.close()

    async def _answer(self, request: Request) -> Response:
        if request.path.startswith(HEALTH) and request.path.rstrip("/").split("/")[1] in ("healthz", "livez", "readyz"):
            return self._health(request)
        user = await self._server.authenticator.authenticate(request)
        route = parse_route(request.path)
        if route is None or not route.plural:
            return self._other(request, user)
        if _is_watch(request, route):
            return await self._resource(request, route, user)
        side, limit = ("read", MAX_READS) if request.method in ("GET", "HEAD") else ("write", MAX_WRITES)
        if self._in_flight[side] >= limit:
            raise ApiError(429, "TooManyRequests", "too many requests, please try again later", retry_after_seconds=1)
        self._in_flight[side] += 1
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return await self._resource(request, route, user)
        except TimeoutError:
            raise ApiError(504, "Timeout", "the request did not finish in time") from None
        finally:
            self._in_flight[side] -= 1

    def _health(self, request: Request) -> Response:
        failing = dict(self._server.failing()) if request.path.startswith("/readyz") else {}
        for name in request.query.get("exclude", ()):
            failing.pop(name, None)
        if failing:
            lines = [f"[-]{name} failed: {why}" for name, why in sorted(failing.items())]
            return text_response(500, "\n".join([*lines, "check failed", ""]))
        return text_response(200, "[+]ping ok\ncheck passed\n" if "verbose" in request.query else "ok")

    def _other(self, request: Request, user: User) -> Response:
        """Everything that is not a resource."""
        path = request.path.rstrip("/") or "/"
        asked = Attributes(_NON_RESOURCE_VERBS.get(request.method, "get"), path=request.path)
        authorize(self._server.authorizer, user, asked)
        if request.method not in ("GET", "HEAD"):
            raise ApiError(405, "MethodNotAllowed", f"{request.method} is not supported on {path}")
        if path == "/version":
            return version_response(self._server.git_version)
        if path in ("/api", "/apis") or parse_route(path) is not None or path.startswith("/apis/"):
            return self._discovery.answer(replace(request, path=path), self._address())
        found = self._server.document(request)
        return found if found is not None else text_response(404, "404 page not found\n")

    async def _resource(self, request: Request, route: Route, user: User) -> Response:
        served = self._server.registry.by_plural(route.group, route.plural)
        if served is None or served.version(route.version) is None:
            raise no_such_resource()
        if route.namespace and not served.namespaced:
            raise no_such_resource()
        if route.name and served.namespaced and not route.namespace:
            raise no_such_resource()
        resource = served.resource(route.version)
        verbs = self._server.verbs(user)
        if _is_watch(request, route):
            return await self._watch(request, route, resource, verbs)
        verb = _VERBS.get((request.method, bool(route.name)))
        if verb is None:
            message = f"the server does not allow {request.method} on the requested resource"
            raise ApiError(405, "MethodNotAllowed", message)
        return await verb(self, request, route, resource, verbs)

    async def _get(self, request: Request, route: Route, resource: Resource, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        target = verbs.target("get", resource, route.namespace, route.name, route.subresource)
        entry = await verbs.get_entry(target, route.name)
        shape = Shape(target, accepted, include_object(request.param("includeObject")), self._server.now())
        if route.subresource == "scale":
            obj = await verbs.get(resource, route.namespace, route.name)
            return _body(200, request, accepted, orjson.dumps(scale_of(target, obj)))
        return _body(200, request, accepted, entry_bytes(shape, entry))

    async def _list(self, request: Request, route: Route, resource: Resource, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request, is_list=True)
        options = list_options(request)
        target = verbs.target("list", resource, route.namespace, selected_name(options.field_selector))
        page = await verbs.list_entries(target, options)
        shape = Shape(target, accepted, include_object(request.param("includeObject")), self._server.now())
        return _body(200, request, accepted, list_bytes(shape, page))

    async def _watch(self, request: Request, route: Route, resource: Resource, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        options = list_options(request)
        if route.name:
            options = replace(options, field_selector=f"metadata.name={route.name}")
        if options.timeout_seconds is None:
            options = replace(options, timeout_seconds=self._server.watch_seconds())
        target = verbs.target("watch", resource, route.namespace, selected_name(options.field_selector))
        watch = verbs.open_watch(target, options)
        first = await watch.start()
        shape = Shape(target, accepted, include_object(request.param("includeObject")), self._server.now())
        frames = Frames(shape)

        async def stream() -> AsyncIterator[bytes]:
            try:
                if first:
                    yield frames.encode(first, self._server.now())
                while (events := await watch.next()) is not None:
                    yield frames.encode(events, self._server.now())
            except ApiError as error:
                yield error_frame(error)

        def finished() -> None:
            self._watches.pop(watch, None)
            watch.close()

        self._watches[watch] = None
        return Response(200, stream=stream(), finished=finished)

    async def _create(self, request: Request, route: Route, resource: Resource, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        target = verbs.target("create", resource, route.namespace)
        options, body = _decoded(request)
        answer = await verbs.create(resource, route.namespace, body, options)
        return self._written(request, accepted, verbs, target.served.resource(route.version), answer, 201)

    async def _update(self, request: Request, route: Route, resource: Resource, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        verbs.target("update", resource, route.namespace, route.name, route.subresource)
        options, body = _decoded(request)
        answer = await verbs.update(resource, route.namespace, route.name, body, options, route.subresource)
        return self._written(request, accepted, verbs, resource, answer, 201 if answer.created else 200)

    async def _patch(self, request: Request, route: Route, resource: Resource, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        verbs.target("patch", resource, route.namespace, route.name, route.subresource)
        options = write_options(request)
        headers = request.headers
        patch_type, decoded = decode_patch(
            request.body,
            headers.get("content-type", ""),
            headers.get("content-encoding", ""),
            duplicates=options.field_validation != "Ignore",
        )
        options = replace(options, duplicates=decoded.duplicates)
        answer = await verbs.patch(
            resource, route.namespace, route.name, patch_type, decoded.value, options, route.subresource
        )
        return self._written(request, accepted, verbs, resource, answer, 201 if answer.created else 200)

    async def _delete(self, request: Request, route: Route, resource: Resource, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        verbs.target("delete", resource, route.namespace, route.name, route.subresource)
        if route.subresource:
            raise ApiError(405, "MethodNotAllowed", "a subresource cannot be deleted")
        options = delete_options(request, _optional_body(request))
        answer = await verbs.delete(resource, route.namespace, route.name, options)
        return self._written(request, accepted, verbs, resource, answer, 200)

    async def _delete_all(self, request: Request, route: Route, resource: Resource, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request, is_list=True)
        verbs.target("deletecollection", resource, route.namespace, selected_name(request.param("fieldSelector")))
        how = delete_options(request, _optional_body(request))
        deleted = await verbs.delete_collection(resource, route.namespace, list_options(request), how)
        served = self._server.registry.by_plural(route.group, route.plural)
        assert served is not None
        body = {
            "kind": served.kind_of_list,
            "apiVersion": served.api_version(route.version),
            "metadata": {"resourceVersion": deleted.resource_version},
            "items": list(deleted.items),
        }
        return _body(200, request, accepted, orjson.dumps(body))

    def _written(
        self, request: Request, accepted: Accepted, verbs: ServerVerbs, resource: Resource, answer: Answer, status: int
    ) -> Response:
        target = self._server.registry.target(resource, "")
        shape = Shape(target, accepted, include_object(request.param("includeObject")), self._server.now())
        if answer.object.get("kind") == "Scale" and answer.object.get("apiVersion") == "autoscaling/v1":
            body = orjson.dumps(answer.object)
        else:
            body = object_bytes(shape, answer.object)
        response = _body(status, request, accepted, body)
        response.warnings = answer.warnings
        return response


_VERBS = {
    ("GET", True): Handler._get,
    ("GET", False): Handler._list,
    ("POST", False): Handler._create,
    ("PUT", True): Handler._update,
    ("PATCH", True): Handler._patch,
    ("DELETE", True): Handler._delete,
    ("DELETE", False): Handler._delete_all,
}


def _is_watch(request: Request, route: Route) -> bool:
    return request.method == "GET" and not route.subresource and request.param("watch") in ("true", "1", "True")


def _accepted(request: Request, *, is_list: bool = False) -> Accepted:
    return negotiate(request.headers.get("accept", ""), is_list=is_list)


def _decoded(request: Request) -> tuple[WireWriteOptions, Obj]:
    """The options and the object of a write."""
    options = write_options(request)
    headers = request.headers
    decoded = decode_checked(
        request.body,
        headers.get("content-type", ""),
        headers.get("content-encoding", ""),
        duplicates=options.field_validation != "Ignore",
    )
    if not isinstance(decoded.value, dict):
        raise bad_request("the body must be an object")
    return replace(options, duplicates=decoded.duplicates), decoded.value


def _optional_body(request: Request) -> Obj | None:
    if not request.body:
        return None
    headers = request.headers
    value = decode_checked(request.body, headers.get("content-type", ""), headers.get("content-encoding", "")).value
    return value if isinstance(value, dict) else None


def _body(status: int, request: Request, accepted: Accepted, body: bytes) -> Response:
    if accepted.media == JSON and _wants_pretty(request):
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2) + b"\n"
    return Response(status, body, accepted.media)


def _wants_pretty(request: Request) -> bool:
    if "pretty" in request.query:
        return request.param("pretty").lower() not in ("false", "0")
    return request.headers.get("user-agent", "").startswith(("curl/", "Wget/", "Mozilla/"))
