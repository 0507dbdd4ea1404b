"""A definition to start from, and short ways to change one."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.customresources import with_defaults

CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.io"},
    "spec": {
        "group": "example.io",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": False,
                "deprecated": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            },
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer"},
                                    "list": {"type": "array", "items": {"type": "string"}},
                                },
                            }
                        },
                    }
                },
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
                },
                "selectableFields": [{"jsonPath": ".spec.size"}],
            },
            {"name": "v2alpha1", "served": False, "storage": False, "schema": {"openAPIV3Schema": {"type": "object"}}},
        ],
    },
}


def changed(change: dict[str, Any], crd: dict[str, Any] | None = None) -> dict[str, Any]:
    """The definition after replacing values at dotted paths; a None removes."""
    made = copy.deepcopy(crd or CRD)
    for path, value in change.items():
        *parents, last = path.split("|") if "|" in path else path.split(".")
        node: Any = made
        for part in parents:
            node = node[int(part)] if part.isdigit() else node.setdefault(part, {})
        if value is None:
            del node[int(last) if last.isdigit() else last]
        else:
            node[int(last) if last.isdigit() else last] = value
    return with_defaults(made)


def told(faults: Iterable[FieldCause], prefix: str = "") -> dict[str, str]:
    """What is said of each field, a line for each refusal."""
    found: dict[str, str] = {}
    for fault in faults:
        field = fault.field.removeprefix(prefix)
        found[field] = f"{found.get(field, '')}{fault.message}\n"
    return found


def single(schema: dict[str, Any], **version: Any) -> dict[str, Any]:
    """A definition with one version that has this schema."""
    one = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **version}
    return changed({"spec.versions": [one]})
