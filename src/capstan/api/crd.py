"""The CustomResourceDefinition of each kind, as Capstan's own server shows it and as it installs elsewhere."""

from __future__ import annotations

from capstan.api.kinds import Column, Kind, Version
from capstan.api.objects import Obj
from capstan.api.schema import made_schema

CRD_API_VERSION = "apiextensions.k8s.io/v1"


def crd_of(kind: Kind) -> Obj:
    """The CustomResourceDefinition object of a kind, without status. Its conversion strategy is None: on Capstan's
    own server conversion happens in the process."""
    group_resource = kind.resource().group_resource
    return {
        "apiVersion": CRD_API_VERSION,
        "kind": "CustomResourceDefinition",
        "metadata": {"name": group_resource, "labels": dict(kind.labels)},
        "spec": {
            "group": kind.group,
            "names": names_of(kind),
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [version_of(version) for version in kind.versions],
            "conversion": {"strategy": "None"},
        },
    }


def names_of(kind: Kind) -> Obj:
    """`spec.names` of the definition; also what an established definition has in `status.acceptedNames`."""
    names: Obj = {
        "plural": kind.plural,
        "singular": kind.singular or kind.kind.lower(),
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
    }
    if kind.short_names:
        names["shortNames"] = list(kind.short_names)
    if kind.categories:
        names["categories"] = list(kind.categories)
    return names


def version_of(version: Version) -> Obj:
    """One entry of `spec.versions`. Its schema is not kept: definitions are large, and rarely looked at."""
    shown: Obj = {
        "name": version.name,
        "served": version.served,
        "storage": version.storage,
        "schema": {"openAPIV3Schema": made_schema(version.struct)},
    }
    if version.deprecated:
        shown["deprecated"] = True
    if version.deprecation_warning:
        shown["deprecationWarning"] = version.deprecation_warning
    if version.columns:
        shown["additionalPrinterColumns"] = [_column(column) for column in version.columns]
    subresources = _subresources(version)
    if subresources:
        shown["subresources"] = subresources
    return shown


def _column(column: Column) -> Obj:
    shown: Obj = {"name": column.name, "jsonPath": column.json_path, "type": column.type}
    if column.priority:
        shown["priority"] = column.priority
    if column.description:
        shown["description"] = column.description
    if column.format:
        shown["format"] = column.format
    return shown


def _subresources(version: Version) -> Obj:
    shown: Obj = {}
    if version.status:
        shown["status"] = {}
    if version.scale:
        shown["scale"] = {
            "specReplicasPath": version.scale.spec_replicas,
            "statusReplicasPath": version.scale.status_replicas,
        }
        if version.scale.label_selector:
            shown["scale"]["labelSelectorPath"] = version.scale.label_selector
    return shown
