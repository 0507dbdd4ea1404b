"""Reads what a server says that it serves: the list of one version of a group, or the document of all groups."""

from __future__ import annotations

from typing import Final

from capstan.api.objects import Obj, Resource

#: Asks for all groups at once; a server that does not know the form answers with the list of groups.
AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def listed_resources(body: Obj) -> list[Resource]:
    """The kinds of an APIResourceList, without subresources."""
    group, _, version = str(body.get("groupVersion", "")).rpartition("/")
    return [
        Resource(group, version, entry["name"], entry["kind"], bool(entry.get("namespaced")))
        for entry in body.get("resources") or ()
        if "/" not in entry["name"]
    ]


def aggregated_resources(body: Obj, group: str, version: str) -> list[Resource]:
    """The kinds of one version of a group in an APIGroupDiscoveryList; none when it is not there."""
    return [
        Resource(group, version, entry["resource"], entry["responseKind"]["kind"], entry.get("scope") == "Namespaced")
        for item in body.get("items") or ()
        if (item.get("metadata") or {}).get("name", "") == group
        for found in item.get("versions") or ()
        if found["version"] == version
        for entry in found.get("resources") or ()
        if entry.get("responseKind")
    ]
