"""Users' definitions: what is refused and why, and the kind that they make."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from capstan.apiserver.customresources import (
    definition_faults,
    established_status,
    kind_of_crd,
    with_defaults,
)
from capstan.apiserver.structural import structural_faults

CRDS = Path(__file__).resolve().parents[4] / "shared" / "data" / "crds"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

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
                        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
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


def _faults(change: dict[str, Any]) -> dict[str, str]:
    """The faults of the definition after replacing values at dotted paths."""
    crd = copy.deepcopy(CRD)
    for path, value in change.items():
        *parents, last = path.split(".")
        node: Any = crd
        for part in parents:
            node = node[int(part)] if part.isdigit() else node[part]
        node[int(last) if last.isdigit() else last] = value
    return {f.field: f.message for f in definition_faults(with_defaults(crd))}


def test_a_valid_definition_makes_a_kind() -> None:
    crd = with_defaults(CRD)
    assert definition_faults(crd) == ()
    kind = kind_of_crd(crd)
    assert (kind.group, kind.kind, kind.plural, kind.singular) == ("example.io", "Widget", "widgets", "widget")
    assert kind.kind_of_list == "WidgetList"
    assert kind.custom
    assert [v.name for v in kind.versions] == ["v1", "v1beta1"]
    assert kind.storage == "v1"
    version = kind.versions[0]
    assert version.status
    assert version.scale is not None
    assert version.scale.spec_replicas == ".spec.size"
    assert version.columns[0].json_path == ".spec.size"
    assert version.selectable == (".spec.size",)
    assert version.schema() is crd["spec"]["versions"][1]["schema"]["openAPIV3Schema"]
    assert kind.versions[1].deprecated


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metadata.name": "gadgets.example.io"}, "metadata.name"),
        ({"spec.group": "", "metadata.name": "widgets."}, "spec.group"),
        ({"spec.group": "nodots", "metadata.name": "widgets.nodots"}, "spec.group"),
        (
            {"spec.group": "x.k8s.io", "metadata.name": "widgets.x.k8s.io"},
            "metadata.annotations[api-approved.kubernetes.io]",
        ),
        ({"spec.names.kind": ""}, "spec.names.kind"),
        ({"spec.names.listKind": "Widget"}, "spec.names.listKind"),
        ({"spec.names.shortNames": ["A B"]}, "spec.names.shortNames[0]"),
        ({"spec.scope": "Galaxy"}, "spec.scope"),
        ({"spec.versions": []}, "spec.versions"),
        ({"spec.versions.0.storage": True}, "spec.versions"),
        ({"spec.versions.0.name": "v1"}, "spec.versions"),
        ({"spec.versions.0.schema": {}}, "spec.versions[0].schema.openAPIV3Schema"),
        (
            {"spec.versions.1.additionalPrinterColumns.0.type": "text"},
            "spec.versions[1].additionalPrinterColumns[0].type",
        ),
        (
            {"spec.versions.1.additionalPrinterColumns.0.jsonPath": ".a["},
            "spec.versions[1].additionalPrinterColumns[0].jsonPath",
        ),
        (
            {"spec.versions.1.subresources.scale.specReplicasPath": ".status.x"},
            "spec.versions[1].subresources.scale.specReplicasPath",
        ),
        ({"spec.versions.1.selectableFields.0.jsonPath": ".a[0]"}, "spec.versions[1].selectableFields[0].jsonPath"),
        ({"spec.conversion": {"strategy": "Webhook"}}, "spec.conversion.strategy"),
        ({"spec.conversion": {"strategy": "Magic"}}, "spec.conversion.strategy"),
        ({"spec.preserveUnknownFields": True}, "spec.preserveUnknownFields"),
    ],
)
def test_what_is_refused(change: dict[str, Any], field: str) -> None:
    assert field in _faults(change)


def test_what_cannot_change() -> None:
    old = with_defaults(CRD)
    new = copy.deepcopy(old)
    new["spec"]["scope"] = "Cluster"
    new["spec"]["names"]["kind"] = "Gadget"
    assert [f.field for f in definition_faults(new, old)] == ["spec.scope", "spec.names.kind"]
    assert definition_faults(old, old) == ()


@pytest.mark.parametrize(
    ("node", "field"),
    [
        ({"properties": {"a": {}}}, "s.properties[a].type"),
        ({"properties": {"a": {"type": "array"}}}, "s.properties[a].items"),
        ({"properties": {"a": {"type": "thing"}}}, "s.properties[a].type"),
        ({"properties": {"a": {"$ref": "#/x", "type": "string"}}}, "s.properties[a].$ref"),
        (
            {"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
            "s.additionalProperties",
        ),
        ({"anyOf": [{"type": "string"}]}, "s.anyOf[0].type"),
        ({"not": {"properties": {"a": {"default": 1}}}}, "s.not.properties[a].default"),
        (
            {"properties": {"a": {"type": "string", "x-kubernetes-int-or-string": True}}},
            "s.properties[a].type",
        ),
        (
            {"properties": {"a": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "map"}}},
            "s.properties[a].x-kubernetes-list-map-keys",
        ),
        (
            {
                "properties": {
                    "a": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["k"],
                        "items": {"type": "object", "properties": {"k": {"type": "string"}}},
                    }
                }
            },
            "s.properties[a].items.properties[k].default",
        ),
        ({"properties": {"a": {"type": "string", "pattern": "(?<=x)"}}}, "s"),
    ],
)
def test_schemas_that_are_not_structural(node: dict[str, Any], field: str) -> None:
    assert field in [f.field for f in structural_faults({"type": "object", **node}, "s")]


def test_every_shipped_definition_is_valid() -> None:
    if not CRDS.is_dir():
        pytest.skip(f"no definitions at {CRDS}")
    for file in sorted(CRDS.glob("*.json")):
        crd = with_defaults(orjson.loads(file.read_bytes()))
        crd["spec"]["conversion"] = {"strategy": "None"}
        crd["metadata"].setdefault("annotations", {})["api-approved.kubernetes.io"] = "yes"
        assert definition_faults(crd) == (), file.name
        assert kind_of_crd(crd).versions


def test_status_is_established_unless_a_name_is_taken() -> None:
    crd = with_defaults(CRD)
    status = established_status(crd, [], NOW)
    assert {c["type"]: c["status"] for c in status["conditions"]} == {"NamesAccepted": "True", "Established": "True"}
    assert status["storedVersions"] == ["v1"]
    assert status["acceptedNames"]["singular"] == "widget"
    again = established_status({**crd, "status": status}, [kind_of_crd(crd)], datetime(2027, 1, 1, tzinfo=UTC))
    assert again == status
    other = with_defaults(copy.deepcopy(CRD))
    other["spec"]["names"] = {"plural": "gizmos", "kind": "Gizmo", "singular": "wd"}
    clash = established_status(other, [kind_of_crd(crd)], NOW)
    assert {c["type"]: c["status"] for c in clash["conditions"]} == {"NamesAccepted": "False", "Established": "False"}
    assert '"wd" is already in use' in clash["conditions"][0]["message"]
