"""What one request asks for, in the words that rights, limits, metrics and the audit log share."""

from __future__ import annotations

from dataclasses import dataclass

from capstan.api.verbs import User
from capstan.apiserver.exchange import Request
from capstan.apiserver.routing import Route, parse_route

_HEALTH = frozenset(("healthz", "livez", "readyz"))
_BY_METHOD = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_READS = frozenset(("get", "list", "watch"))
_TRUE = frozenset(("true", "1", "True", "TRUE", "t", "T"))


@dataclass(slots=True, eq=False)
class RequestInfo:
    """`verb` is Kubernetes' for a resource, else the method in lower case. `user` is filled in when it is known
    who asks; `level` when it is known in which room there is a place."""

    verb: str
    path: str
    route: Route | None
    is_health: bool = False
    user: User | None = None
    level: str = "exempt"

    @property
    def is_read(self) -> bool:
        return self.verb in _READS or (self.route is None and self.verb in ("get", "head", "options"))

    @property
    def is_watch(self) -> bool:
        return self.verb == "watch" and self.route is not None

    @property
    def scope(self) -> str:
        """As metrics name it: one object, a namespace's, or everything."""
        route = self.route
        if route is None:
            return ""
        if route.name:
            return "resource"
        return "namespace" if route.namespace else "cluster"


def request_info(request: Request) -> RequestInfo:
    path = request.path
    if len(path) > 300:
        route = parse_route.__wrapped__(path)
    else:
        route = parse_route(path)
    if route is None or not route.plural:
        first = path.split("/", 2)[1] if path.startswith("/") else ""
        return RequestInfo(request.method.lower(), path, None, is_health=first in _HEALTH)
    return RequestInfo(_verb(request, route), path, route)


def _verb(request: Request, route: Route) -> str:
    if request.method in ("GET", "HEAD"):
        if "watch" in request.query and not route.subresource and request.param("watch") in _TRUE:
            return "watch"
        return "get" if route.name else "list"
    if request.method == "DELETE" and not route.name:
        return "deletecollection"
    return _BY_METHOD.get(request.method, request.method.lower())
