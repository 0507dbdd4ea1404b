"""Paths of the Kubernetes API taken apart: which resource, object and subresource a URL names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Route:
    """A path under `/api/v1` or `/apis/<group>/<version>`. Without a plural it is the discovery of that version."""

    group: str
    version: str
    namespace: str = ""
    plural: str = ""
    name: str = ""
    subresource: str = ""


@lru_cache(4096)
def parse_route(path: str) -> Route | None:
    """The resource that a path names; None when it has no such form. Empty and dot segments name nothing.

    `/namespaces/x/y` is y in x, but `/namespaces/x/status` and `/namespaces/x/finalize` are subresources of x.
    Clients ask for the same paths again and again: the last ones are remembered. Very long ones should not be.
    """
    parts = path.strip("/").split("/") if path != "/" else []
    if any(part in ("", ".", "..") for part in parts) or "//" in path:
        return None
    if len(parts) >= 2 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 3 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if len(rest) >= 3 and rest[0] == "namespaces" and not (len(rest) == 3 and rest[2] in ("status", "finalize")):
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3:
        return None
    plural, name, subresource = (*rest, "", "", "")[:3]
    return Route(group, version, namespace, plural, name, subresource)
