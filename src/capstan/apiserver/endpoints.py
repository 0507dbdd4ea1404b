"""What a request to a resource does: reads, lists, watches and writes as HTTP, one method for each verb."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import orjson

from capstan.api.errors import ApiError, bad_request
from capstan.api.objects import Obj
from capstan.api.verbs import Answer, User
from capstan.apiserver.authorization import selected_name
from capstan.apiserver.backend import StoredAnswer
from capstan.apiserver.compression import GZIP_BYTES
from capstan.apiserver.decode import decode_checked, decode_patch, repeated_lines
from capstan.apiserver.exchange import JSON, Request, Response
from capstan.apiserver.negotiation import Accepted, negotiate, negotiate_watch
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
from capstan.apiserver.requestinfo import RequestInfo
from capstan.apiserver.resources import Registry, Target, no_such_resource
from capstan.apiserver.routing import Route
from capstan.apiserver.scale import scale_of
from capstan.apiserver.schemas import deprecation
from capstan.apiserver.verbs import ServerVerbs
from capstan.apiserver.watch import Event, Watch
from capstan.apiserver.websocket import check_handshake, is_handshake

#: So many events of a watch's start are sent at a time.
_EVENTS_AT_ONCE = 250


class Resources(Protocol):
    """What the endpoints need of a server."""

    registry: Registry

    def verbs(self, user: User) -> ServerVerbs: ...

    def now(self) -> datetime: ...

    def watch_seconds(self) -> int:
        """After how long a watch ends that did not say."""
        ...


class Endpoints:
    """One per server."""

    def __init__(self, server: Resources) -> None:
        self._server = server
        self._watches: dict[Watch, None] = {}
        server.registry.on_change(self._end_orphaned)

    def end_watches(self) -> None:
        """Every running watch ends regularly: clients come back with the resourceVersion that they have."""
        for watch in tuple(self._watches):
            watch.close()

    def _end_orphaned(self) -> None:
        """Watches of a kind that is no longer served in their version end, and those of one that is defined anew:
        what they show follows the schema that they began with."""
        for watch in tuple(self._watches):
            target = watch.target
            served = self._server.registry.by_plural(target.served.group, target.served.plural)
            renewed = served is not target.served and target.served.custom
            if served is None or renewed or served.version(target.version.name) is None:
                watch.close()

    async def answer(self, request: Request, info: RequestInfo, user: User) -> Response:
        route = info.route
        assert route is not None
        served = self._server.registry.by_plural(route.group, route.plural)
        version = None if served is None else served.version(route.version)
        if served is None or version is None:
            raise no_such_resource()
        if route.namespace and not served.namespaced:
            raise no_such_resource()
        if route.name and served.namespaced and not route.namespace:
            raise no_such_resource()
        verbs = self._server.verbs(user)
        verb = _VERBS.get((info.verb, bool(route.name)))
        if verb is None:
            message = f"the server does not allow {request.method} on the requested resource"
            raise ApiError(405, "MethodNotAllowed", message)
        response = await verb(self, request, route, Target(served, version, route.namespace), verbs)
        if version.deprecated:
            text = deprecation(served, version)
            response.warnings = (text, *(w for w in response.warnings if w != text))
        return response

    async def _get(self, request: Request, route: Route, target: Target, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        verbs.check("get", target, route.name, route.subresource)
        entry = await verbs.get_entry(target, route.name, request.param("resourceVersion"))
        shape = Shape(target, accepted, include_object(request.param("includeObject")), self._server.now())
        if route.subresource == "scale":
            obj = await verbs.get(target.served.resource(route.version), route.namespace, route.name)
            return _body(200, request, accepted, orjson.dumps(scale_of(target, obj)))
        return _body(200, request, accepted, entry_bytes(shape, entry))

    async def _list(self, request: Request, route: Route, target: Target, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request, is_list=True)
        options = list_options(request)
        verbs.check("list", target, selected_name(options.field_selector))
        page = await verbs.list_entries(target, options)
        shape = Shape(target, accepted, include_object(request.param("includeObject")), self._server.now())
        return _body(200, request, accepted, list_bytes(shape, page))

    async def _watch(self, request: Request, route: Route, target: Target, verbs: ServerVerbs) -> Response:
        options = list_options(request)
        accepted = negotiate_watch(request.headers.get("accept", ""), tables=not options.send_initial_events)
        if is_handshake(request):
            check_handshake(request)
        if route.name:
            options = replace(options, field_selector=f"metadata.name={route.name}")
        if options.timeout_seconds is None:
            options = replace(options, timeout_seconds=self._server.watch_seconds())
        verbs.check("watch", target, selected_name(options.field_selector))
        shape = Shape(target, accepted, include_object(request.param("includeObject")), self._server.now())
        watch = verbs.open_watch(target, options)
        first = await watch.start()
        frames = Frames(shape, self._server.now)

        def finished() -> None:
            self._watches.pop(watch, None)
            watch.close()

        self._watches[watch] = None
        response = Response(200, stream=self._events(watch, frames, first), finished=finished)
        response.may_gzip = options.send_initial_events and _is_long(first)
        return response

    async def _events(self, watch: Watch, frames: Frames, first: Sequence[Event]) -> AsyncIterator[bytes]:
        """A watch as lines: what it begins with in parts that fit a buffer, then what happens."""
        try:
            for start in range(0, len(first), _EVENTS_AT_ONCE):
                yield frames.encode(first[start : start + _EVENTS_AT_ONCE])
                if start:
                    await asyncio.sleep(0)
            while (events := await watch.next()) is not None:
                yield frames.encode(events)
        except ApiError as error:
            yield error_frame(error)

    async def _create(self, request: Request, route: Route, target: Target, verbs: ServerVerbs) -> Response:
        verbs.check("create", target)
        accepted = _accepted(request, transforms=not target.served.is_virtual)
        options, body = _decoded(request)
        answer = await verbs.create_target(target, body, options)
        return self._written(request, accepted, target, answer, 201)

    async def _act(self, request: Request, route: Route, target: Target, verbs: ServerVerbs) -> Response:
        """A create of a subresource: it stores nothing, and has no table."""
        verbs.check("create", target, route.name, route.subresource)
        accepted = _accepted(request, transforms=False)
        options, body = _decoded(request)
        answer = await verbs.act_target(target, route.name, route.subresource, body, options)
        return self._written(request, accepted, target, answer, 201)

    async def _update(self, request: Request, route: Route, target: Target, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        verbs.check("update", target, route.name, route.subresource)
        options, body = _decoded(request)
        answer = await verbs.update_target(target, route.name, body, options, route.subresource)
        return self._written(request, accepted, target, answer, 201 if answer.created else 200)

    async def _patch(self, request: Request, route: Route, target: Target, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        verbs.check("patch", target, route.name, route.subresource)
        options = write_options(request)
        headers = request.headers
        patch_type, decoded = decode_patch(
            request.body,
            headers.get("content-type", ""),
            headers.get("content-encoding", ""),
            duplicates=options.field_validation != "Ignore",
        )
        if decoded.lines and options.field_validation == "Strict":
            raise repeated_lines(decoded)
        options = replace(options, duplicates=decoded.duplicates, applies=patch_type == "apply")
        answer = await verbs.patch_target(target, route.name, patch_type, decoded.value, options, route.subresource)
        return self._written(request, accepted, target, answer, 201 if answer.created else 200)

    async def _delete(self, request: Request, route: Route, target: Target, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request)
        verbs.check("delete", target, route.name, route.subresource)
        if route.subresource:
            raise ApiError(405, "MethodNotAllowed", "a subresource cannot be deleted")
        options = delete_options(request, _optional_body(request))
        answer = await verbs.delete_target(target, route.name, options)
        return self._written(request, accepted, target, answer, 200)

    async def _delete_all(self, request: Request, route: Route, target: Target, verbs: ServerVerbs) -> Response:
        accepted = _accepted(request, is_list=True)
        verbs.check("deletecollection", target, selected_name(request.param("fieldSelector")))
        how = delete_options(request, _optional_body(request))
        resource = target.served.resource(route.version)
        deleted = await verbs.delete_collection(resource, route.namespace, list_options(request), how)
        body = {
            "kind": target.served.kind_of_list,
            "apiVersion": target.api_version,
            "metadata": {"resourceVersion": deleted.resource_version},
            "items": list(deleted.items),
        }
        return _body(200, request, accepted, orjson.dumps(body))

    def _written(self, request: Request, accepted: Accepted, target: Target, answer: Answer, status: int) -> Response:
        shape = Shape(target, accepted, include_object(request.param("includeObject")), self._server.now())
        if isinstance(answer, StoredAnswer):
            body, name = entry_bytes(shape, answer.entry), answer.entry.name
        else:
            body, name = _rendered(shape, answer.object), (answer.object.get("metadata") or {}).get("name") or ""
        response = _body(status, request, accepted, body)
        response.warnings = answer.warnings
        response.object_name = str(name)
        return response


_Endpoint = Callable[[Endpoints, Request, Route, Target, ServerVerbs], Awaitable[Response]]

#: By verb, and by whether one object is named.
_VERBS: dict[tuple[str, bool], _Endpoint] = {
    ("get", True): Endpoints._get,
    ("list", False): Endpoints._list,
    ("watch", True): Endpoints._watch,
    ("watch", False): Endpoints._watch,
    ("create", False): Endpoints._create,
    ("create", True): Endpoints._act,
    ("update", True): Endpoints._update,
    ("patch", True): Endpoints._patch,
    ("delete", True): Endpoints._delete,
    ("deletecollection", False): Endpoints._delete_all,
}


def _rendered(shape: Shape, obj: Obj) -> bytes:
    """What a write answered that is no stored object; a Scale is shown in one form only."""
    if obj.get("kind") == "Scale" and obj.get("apiVersion") == "autoscaling/v1":
        return orjson.dumps(obj)
    return object_bytes(shape, obj)


def _is_long(events: Sequence[Event]) -> bool:
    size = 0
    for event in events:
        size += len(event.entry.value) if event.entry is not None else 0
        if size >= GZIP_BYTES:
            return True
    return False


def _accepted(request: Request, *, is_list: bool = False, transforms: bool = True) -> Accepted:
    return negotiate(request.headers.get("accept", ""), is_list=is_list, transforms=transforms)


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
    if decoded.duplicates:
        options = replace(options, duplicates=decoded.duplicates)
    return options, decoded.value


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
