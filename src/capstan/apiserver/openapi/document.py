"""The OpenAPI v3 document of one group version: paths, and the schemas that they refer to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from capstan.apiserver.openapi.metatypes import (
    API_VERSION,
    KIND,
    META,
    META_TYPES,
    SCALE_TYPES,
    described_ref,
    ref,
)
from capstan.apiserver.openapi.operations import paths_of
from capstan.apiserver.resources import Served, ServedVersion

Obj = dict[str, Any]

# Groups of Kubernetes itself have published names that clients know; these do not follow from the group.
_KNOWN_PREFIXES = {
    "": "io.k8s.api.core",
    "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration.k8s.io": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
}


def group_version_document(resources: Iterable[tuple[Served, ServedVersion]], server_version: str) -> Obj:
    """The document of the resources of one group version."""
    paths: Obj = {}
    schemas: Obj = dict(META_TYPES)
    for served, version in resources:
        name = definition_name(served, version.name)
        paths.update(paths_of(served, version, name))
        schemas[name] = object_definition(served, version)
        schemas[f"{name}List"] = list_definition(served, version, name)
        if version.scale is not None:
            schemas.update(SCALE_TYPES)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": server_version},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": _SECURITY},
    }


_SECURITY = {
    "BearerToken": {
        "type": "apiKey",
        "description": "A bearer token.",
        "name": "authorization",
        "in": "header",
    }
}


def definition_name(served: Served, version: str) -> str:
    """`io.x-k8s.cluster.v1beta2.Machine`: the group backwards, the version, the kind."""
    prefix = _KNOWN_PREFIXES.get(served.group)
    if prefix is None and served.builtin:
        prefix = f"io.k8s.api.{served.group.partition('.')[0]}"
    elif prefix is None:
        prefix = ".".join(reversed(served.group.split(".")))
    return f"{prefix}.{version}.{served.kind}"


def object_definition(served: Served, version: ServedVersion) -> Obj:
    """The published schema of a kind: its structural schema, with ObjectMeta in its place."""
    schema = version.schema()
    gvk = [{"group": served.group, "version": version.name, "kind": served.kind}]
    if schema is None:
        return {"type": "object", "x-kubernetes-group-version-kind": gvk}
    own = schema.get("properties", {})
    properties = {
        **{
            name: published_schema(part) for name, part in own.items() if name not in ("apiVersion", "kind", "metadata")
        },
        "apiVersion": own.get("apiVersion") or API_VERSION,
        "kind": own.get("kind") or KIND,
        "metadata": described_ref(
            f"{META}.ObjectMeta", "Standard object's metadata: its name and its identity, its labels and owners."
        ),
    }
    published: Obj = {**schema, "properties": dict(sorted(properties.items())), "x-kubernetes-group-version-kind": gvk}
    if version.selectable:
        fields = [{"fieldPath": path.lstrip(".")} for path in version.selectable]
        published["x-kubernetes-selectable-fields"] = fields
    return published


def published_schema(schema: Mapping[str, Any]) -> Obj:
    """A node as it is published: properties in order; embedded resources have the metadata of every object."""
    shown: Obj = dict(schema)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        shown["properties"] = {name: published_schema(properties[name]) for name in sorted(properties)}
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            shown[part] = published_schema(schema[part])
    if schema.get("x-kubernetes-embedded-resource"):
        metadata = described_ref(f"{META}.ObjectMeta", "The name of the object, its labels and annotations.")
        embedded = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata}
        shown["properties"] = {**shown.get("properties", {}), **embedded}
        stated = shown.get("required") or ()
        shown["required"] = [*stated, *(name for name in ("kind", "apiVersion") if name not in stated)]
    return shown


def list_definition(served: Served, version: ServedVersion, name: str) -> Obj:
    """The schema of lists of a kind."""
    kind = served.kind_of_list
    return {
        "type": "object",
        "description": f"{kind} is a list of {served.kind}",
        "required": ["items"],
        "properties": {
            "apiVersion": API_VERSION,
            "items": {"type": "array", "items": ref(name), "description": f"List of {served.plural}."},
            "kind": KIND,
            "metadata": described_ref(f"{META}.ListMeta", "The revision of the list, and how to get the next page."),
        },
        "x-kubernetes-group-version-kind": [{"group": served.group, "version": version.name, "kind": kind}],
    }
