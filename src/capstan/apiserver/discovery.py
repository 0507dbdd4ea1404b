"""Discovery documents: aggregated and legacy, made from what is served and kept until that changes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence

import orjson

from capstan.api.kubernetes.kinds import GROUP_ORDER
from capstan.api.objects import Obj
from capstan.apiserver.exchange import JSON, Request, Response, json_response
from capstan.apiserver.health import HEALTH_CHECKS
from capstan.apiserver.negotiation import clauses
from capstan.apiserver.resources import Registry, Served, ServedVersion, no_such_resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
#: What `/` names beside the groups.
_STANDING_PATHS = (
    "/.well-known/openid-configuration",
    "/apis",
    "/healthz",
    "/livez",
    "/livez/ping",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/openid/v1/jwks",
    "/readyz",
    "/version",
)
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_RANK = {None: 2, "beta": 1, "alpha": 0}


def version_priority(version: str) -> tuple[int, int, int, str]:
    """Sorts with the most stable and newest first (kube-apiserver's version priority)."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (1, 0, 0, version)
    major, stage, minor = match.groups()
    return (-_RANK[stage] - 1, -int(major), -int(minor or 0), "")


class Discovery:
    """The documents of one server's registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._made_for = -1
        self._kept: dict[str, tuple[bytes, str]] = {}

    def answer(self, request: Request, address: str) -> Response:
        """For `/`, `/api`, `/apis` and below. Raises 404 for groups and versions that are not served."""
        path = request.path.rstrip("/") or "/"
        if path in ("/api", "/apis") and _wants_aggregated(request.headers.get("accept", "")):
            return self._cached(request, path, address, aggregated=True)
        return self._cached(request, path, address, aggregated=False)

    def _cached(self, request: Request, path: str, address: str, *, aggregated: bool) -> Response:
        if self._made_for != self._registry.generation:
            self._made_for = self._registry.generation
            self._kept = {}
        key = f"{path} {aggregated} {address}"
        kept = self._kept.get(key)
        if kept is None:
            body = orjson.dumps(self._document(path, address, aggregated=aggregated))
            kept = self._kept[key] = (body, '"' + hashlib.sha256(body).hexdigest().upper() + '"')
        body, tag = kept
        headers = {"Cache-Control": "public", "ETag": tag, "Vary": "Accept"}
        content_type = AGGREGATED if aggregated else JSON
        if aggregated and request.headers.get("if-none-match") == tag:
            return Response(304, b"", content_type, headers)
        return Response(200, body, content_type, headers)

    def _document(self, path: str, address: str, *, aggregated: bool) -> Obj:
        if path == "/":
            return {"paths": sorted(self._paths())}
        if path == "/api":
            return self._aggregated(("",)) if aggregated else self._core_versions(address)
        if path == "/apis":
            groups = [group for group in self._groups() if group]
            return self._aggregated(groups) if aggregated else self._group_list(groups)
        parts = path.strip("/").split("/")
        if parts[0] == "api" and len(parts) == 2:
            return self._resource_list("", parts[1])
        if parts[0] == "apis" and len(parts) == 2 and parts[1] in self._groups():
            return {"kind": "APIGroup", "apiVersion": "v1", **self._group(parts[1])}
        if parts[0] == "apis" and len(parts) == 3:
            return self._resource_list(parts[1], parts[2])
        raise no_such_resource()

    def _paths(self) -> Iterator[str]:
        yield from _STANDING_PATHS
        yield from (f"{endpoint}/{check}" for endpoint in ("/healthz", "/readyz") for check in HEALTH_CHECKS)
        for group in self._groups():
            root = f"/apis/{group}" if group else "/api"
            yield root
            yield from (f"{root}/{version}" for version in self._versions(group))

    def _groups(self) -> Sequence[str]:
        """Kubernetes' own in the order of its priorities, then the others by name."""
        found = {served.group for served in self._registry.all()}
        own = [group for group in ("", *GROUP_ORDER) if group in found]
        return [*own, *sorted(found.difference(own))]

    def _versions(self, group: str) -> Sequence[str]:
        names = {v.name for served in self._registry.all() if served.group == group for v in served.versions}
        return sorted(names, key=version_priority)

    def _served(self, group: str, version: str) -> Sequence[tuple[Served, ServedVersion]]:
        kinds = [s for s in self._registry.all() if s.group == group]
        return [(s, v) for s in sorted(kinds, key=lambda s: s.plural) if (v := s.version(version)) is not None]

    def _aggregated(self, groups: Sequence[str]) -> Obj:
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": [
                {
                    "metadata": {"name": group} if group else {},
                    "versions": [
                        {
                            "version": version,
                            "freshness": "Current",
                            "resources": [_aggregated_resource(s, v) for s, v in self._served(group, version)],
                        }
                        for version in self._versions(group)
                    ],
                }
                for group in groups
            ],
        }

    def _core_versions(self, address: str) -> Obj:
        return {
            "kind": "APIVersions",
            "versions": list(self._versions("")),
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
        }

    def _group(self, group: str) -> Obj:
        versions = [{"groupVersion": f"{group}/{v}", "version": v} for v in self._versions(group)]
        return {"name": group, "versions": versions, "preferredVersion": versions[0]}

    def _group_list(self, groups: Sequence[str]) -> Obj:
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [self._group(group) for group in groups]}

    def _resource_list(self, group: str, version: str) -> Obj:
        found = self._served(group, version)
        if not found:
            raise no_such_resource()
        resources = [entry for served, v in found for entry in _legacy_resources(served, v)]
        group_version = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _wants_aggregated(accept: str) -> bool:
    return any(
        clause.parameters.get("g") == "apidiscovery.k8s.io"
        and clause.parameters.get("v") == "v2"
        and clause.parameters.get("as") == "APIGroupDiscoveryList"
        for clause in clauses(accept)
    )


def _subresources(served: Served, version: ServedVersion) -> list[tuple[str, Obj, list[str]]]:
    own = {"group": served.group, "version": version.name, "kind": served.kind}
    found = []
    if served.prefix == "/namespaces":
        found.append(("finalize", own, ["update"]))
    if version.scale is not None:
        found.append(("scale", {"group": "autoscaling", "version": "v1", "kind": "Scale"}, ["get", "patch", "update"]))
    if version.status:
        found.append(("status", own, ["get", "patch", "update"]))
    found += [(name, own, ["get", "patch", "update"]) for name in version.subresources]
    for name, action in served.actions.items():
        if name:
            answer = own if action.kind is None else _kind_of(action.kind)
            found.append((name, answer, ["create"]))
    return sorted(found, key=lambda one: one[0])


def _kind_of(served: Served) -> Obj:
    return {"group": served.group, "version": served.versions[0].name, "kind": served.kind}


def _aggregated_resource(served: Served, version: ServedVersion) -> Obj:
    resource: Obj = {
        "resource": served.plural,
        "responseKind": {"group": served.group, "version": version.name, "kind": served.kind},
        "scope": "Namespaced" if served.namespaced else "Cluster",
        "singularResource": served.singular,
        "verbs": list(served.verbs),
    }
    if served.short_names:
        resource["shortNames"] = list(served.short_names)
    if served.categories:
        resource["categories"] = list(served.categories)
    subresources = [
        {"subresource": name, "responseKind": kind, "verbs": verbs}
        for name, kind, verbs in _subresources(served, version)
    ]
    if subresources:
        resource["subresources"] = subresources
    return resource


def _storage_hash(served: Served) -> str:
    """Eight bytes that differ when objects are kept in another version (kube-apiserver's way of making them)."""
    kept = f"{served.group}/{served.storage}/{served.kind}"
    return base64.b64encode(hashlib.sha256(kept.encode()).digest()[:8]).decode()


def _legacy_resources(served: Served, version: ServedVersion) -> list[Obj]:
    main: Obj = {
        "name": served.plural,
        "singularName": served.singular,
        "namespaced": served.namespaced,
        "kind": served.kind,
        "verbs": list(served.verbs),
        "storageVersionHash": _storage_hash(served),
    }
    if served.short_names:
        main["shortNames"] = list(served.short_names)
    if served.categories:
        main["categories"] = list(served.categories)
    entries = [main]
    for name, kind, verbs in _subresources(served, version):
        entry: Obj = {
            "name": f"{served.plural}/{name}",
            "singularName": "",
            "namespaced": served.namespaced,
            "kind": kind["kind"],
            "verbs": verbs,
        }
        if kind["group"] != served.group:
            entry["group"], entry["version"] = kind["group"], kind["version"]
        entries.append(entry)
    return entries


def version_response(git_version: str) -> Response:
    """`/version`. Major and minor are plain integers."""
    major, minor, *_ = git_version.lstrip("v").split(".")
    return json_response(
        200,
        {
            "major": major,
            "minor": minor,
            "gitVersion": git_version,
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "",
            "platform": "linux/amd64",
        },
    )
