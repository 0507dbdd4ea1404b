"""Users' definitions: what is refused, under which field and in which words."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from capstan.apiserver.customresources import kind_of_crd, with_defaults
from capstan.apiserver.definitions.rules import definition_faults
from tests.unit.apiserver.definitions.crd import CRD, changed, single, told

CRDS = Path(__file__).resolve().parents[5] / "shared" / "data" / "crds"
_V1 = "spec.versions[1]"


def _faults(change: dict[str, Any]) -> dict[str, str]:
    return told(definition_faults(changed(change)))


def test_a_valid_definition_is_not_refused() -> None:
    assert definition_faults(with_defaults(CRD)) == ()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"metadata.name": "gadgets.example.io"}, "metadata.name", 'must be spec.names.plural+"."+spec.group'),
        ({"metadata.name": "W.example.io"}, "metadata.name", "a lowercase RFC 1123 subdomain must consist of"),
        ({"spec.group": "", "metadata.name": "widgets."}, "spec.group", "Required value"),
        ({"spec.group": "nodots"}, "spec.group", "should be a domain with at least one dot"),
        ({"spec.group": "No.Caps"}, "spec.group", "a lowercase RFC 1123 subdomain"),
        ({"spec.names.kind": ""}, "spec.names.kind", "Required value"),
        ({"spec.names.kind": "1x"}, "spec.names.kind", "may have mixed case, but should otherwise match: a DNS-1035"),
        ({"spec.names.plural": "Widgets"}, "spec.names.plural", "a DNS-1035 label must consist of"),
        ({"spec.names.singular": "w" * 64}, "spec.names.singular", "must be no more than 63 characters"),
        ({"spec.names.listKind": "Widget"}, "spec.names.listKind", "kind and listKind may not be the same"),
        ({"spec.names.shortNames": ["ok", "A B"]}, "spec.names.shortNames[1]", "a DNS-1035 label"),
        ({"spec.names.categories": ["All!"]}, "spec.names.categories[0]", "a DNS-1035 label"),
        ({"spec.scope": ""}, "spec.scope", "Required value"),
        (
            {"spec.scope": "Galaxy"},
            "spec.scope",
            'Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"',
        ),
        ({"spec.versions": []}, "spec.versions", "must have exactly one version marked as storage version"),
        ({"spec.versions.0.storage": True}, "spec.versions", "must have exactly one version marked as storage version"),
        ({"spec.versions.0.name": "v1"}, "spec.versions", "must contain unique version names"),
        ({"spec.versions.0.name": "V1"}, "spec.versions[0].name", "a DNS-1035 label"),
        ({"spec.versions.0.schema": {}}, "spec.versions[0].schema.openAPIV3Schema", "Required value"),
        (
            {"spec.versions.1.deprecationWarning": "old"},
            f"{_V1}.deprecationWarning",
            "can only be set for deprecated versions",
        ),
        ({"spec.versions.0.deprecationWarning": ""}, "spec.versions[0].deprecationWarning", "must not be an empty"),
        (
            {"spec.versions.0.deprecationWarning": "a\nb"},
            "spec.versions[0].deprecationWarning",
            "non-printable character found at index 1",
        ),
        (
            {"spec.versions.0.deprecationWarning": "x" * 257},
            "spec.versions[0].deprecationWarning",
            "must be <= 256 characters long",
        ),
        (
            {"spec.versions.1.additionalPrinterColumns.0.type": "text"},
            f"{_V1}.additionalPrinterColumns[0].type",
            "must be one of boolean,date,integer,number,string",
        ),
        (
            {"spec.versions.1.additionalPrinterColumns.0.format": "roman"},
            f"{_V1}.additionalPrinterColumns[0].format",
            "must be one of binary,byte,date,date-time,double,float,int32,int64,password",
        ),
        (
            {"spec.versions.1.additionalPrinterColumns.0.jsonPath": "spec.size"},
            f"{_V1}.additionalPrinterColumns[0].JSONPath",
            "must be a simple json path starting with .",
        ),
        (
            {"spec.versions.1.additionalPrinterColumns.0.name": ""},
            f"{_V1}.additionalPrinterColumns[0].name",
            "Required value",
        ),
        (
            {"spec.versions.1.subresources.scale.specReplicasPath": ".status.x"},
            f"{_V1}.subresources.scale.specReplicasPath",
            "should be a json path under .spec",
        ),
        (
            {"spec.versions.1.subresources.scale.statusReplicasPath": ".spec.x"},
            f"{_V1}.subresources.scale.statusReplicasPath",
            "should be a json path under .status",
        ),
        (
            {"spec.versions.1.subresources.scale.labelSelectorPath": ".metadata.x"},
            f"{_V1}.subresources.scale.labelSelectorPath",
            "should be a json path under either .spec or .status",
        ),
        (
            {"spec.versions.1.selectableFields.0.jsonPath": ".spec.nothing"},
            f"{_V1}.selectableFields[0].jsonPath",
            "is an invalid path: does not refer to a valid field",
        ),
        (
            {"spec.versions.1.selectableFields.0.jsonPath": ".spec['size']"},
            f"{_V1}.selectableFields[0].jsonPath",
            "is an invalid path: array notation is not allowed",
        ),
        (
            {"spec.versions.1.selectableFields.0.jsonPath": ".spec.list"},
            f"{_V1}.selectableFields[0].jsonPath",
            "must point to a field of type string, boolean or integer",
        ),
        (
            {"spec.versions.1.selectableFields": [{"jsonPath": ".spec.size"}, {"jsonPath": ".spec.size"}]},
            f"{_V1}.selectableFields[1].jsonPath",
            'Duplicate value: ".spec.size"',
        ),
        (
            {"spec.preserveUnknownFields": True},
            "spec.preserveUnknownFields",
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        ),
    ],
)
def test_what_is_refused(change: dict[str, Any], field: str, words: str) -> None:
    assert words in _faults(change)[field]


def test_at_most_eight_selectable_fields() -> None:
    properties = {f"f{i}": {"type": "string"} for i in range(9)}
    schema = {"type": "object", "properties": properties}
    crd = single(schema, selectableFields=[{"jsonPath": f".f{i}"} for i in range(9)])
    assert [(f.field, f.message) for f in definition_faults(crd)] == [
        ("spec.selectableFields", "Too many: 9: must have at most 8 items")
    ]


def test_what_all_versions_say_alike_is_told_once_and_at_the_top() -> None:
    crd = single({"type": "object", "properties": {"a": {}}})
    assert [f.field for f in definition_faults(crd)] == ["spec.validation.openAPIV3Schema.properties[a].type"]
    versions: list[dict[str, Any]] = [
        {"name": n, "served": True, "storage": n == "v1", "schema": {}} for n in ("v1", "v2")
    ]
    for version in versions:
        version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": {"a": {}}}}
    assert len(definition_faults(changed({"spec.versions": versions}))) == 1


_WEBHOOK: dict[str, Any] = {
    "strategy": "Webhook",
    "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"url": "https://example.com/convert"}},
}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"strategy": "Magic"}, "strategy", 'Unsupported value: "Magic": supported values: "None", "Webhook"'),
        ({"webhook": {}}, "webhookClientConfig", "required when strategy is set to Webhook"),
        (
            {"webhook": {"clientConfig": {}}},
            "webhookClientConfig",
            "exactly one of url or service is required",
        ),
        (
            {"strategy": "None"},
            "webhookClientConfig",
            "should not be set when strategy is not set to Webhook",
        ),
        ({"webhook": {"clientConfig": {"url": "http://x/"}}}, "webhookClientConfig.url", "the only allowed URL scheme"),
        ({"webhook": {"clientConfig": {"url": "https:///x"}}}, "webhookClientConfig.url", "host must be specified"),
        ({"webhook": {"clientConfig": {"url": "https://u:p@x/"}}}, "webhookClientConfig.url", "user information"),
        ({"webhook": {"clientConfig": {"url": "https://x/?a"}}}, "webhookClientConfig.url", "query parameters"),
        ({"webhook": {"clientConfig": {"url": "https://x/#a"}}}, "webhookClientConfig.url", "fragments are not"),
        (
            {"webhook": {"clientConfig": {"service": {"name": "s"}}}},
            "webhookClientConfig.service.namespace",
            "service namespace is required",
        ),
        (
            {"webhook": {"clientConfig": {"service": {"name": "s", "namespace": "n", "port": 0}}}},
            "webhookClientConfig.service.port",
            "port is not valid",
        ),
        (
            {"webhook": {"clientConfig": {"service": {"name": "s", "namespace": "n", "path": "x"}}}},
            "webhookClientConfig.service.path",
            "must start with a '/'",
        ),
        ({"webhook": {"clientConfig": {"url": "https://x/"}}}, "conversionReviewVersions", "Required value"),
        (
            {"webhook": {"conversionReviewVersions": ["v9"]}},
            "conversionReviewVersions",
            "must include at least one of v1, v1beta1",
        ),
        (
            {"webhook": {"conversionReviewVersions": ["v1", "v1"]}},
            "conversionReviewVersions[1]",
            "duplicate version",
        ),
    ],
)
def test_conversion(change: dict[str, Any], field: str, words: str) -> None:
    assert definition_faults(changed({"spec.conversion": _WEBHOOK})) == ()
    assert words in _faults({"spec.conversion": {**_WEBHOOK, **change}})[f"spec.conversion.{field}"]


def test_a_service_gets_the_usual_port() -> None:
    config = {"clientConfig": {"service": {"namespace": "n", "name": "s"}}, "conversionReviewVersions": ["v1"]}
    crd = changed({"spec.conversion": {"strategy": "Webhook", "webhook": config}})
    assert crd["spec"]["conversion"]["webhook"]["clientConfig"]["service"]["port"] == 443


def test_a_bad_ca_bundle_is_refused_once_the_definition_is_in_use() -> None:
    bad = base64.b64encode(b"no certificate").decode()
    webhook = {**_WEBHOOK["webhook"], "clientConfig": {"url": "https://x/", "caBundle": bad}}
    new = changed({"spec.conversion": {"strategy": "Webhook", "webhook": webhook}})
    established = {"conditions": [{"type": "Established", "status": "True"}], "storedVersions": ["v1"]}
    old = {**changed({"spec.conversion": _WEBHOOK}), "status": established}
    assert definition_faults(new) == ()
    faults = definition_faults({**new, "status": established}, old)
    assert [f.field for f in faults] == ["spec.conversion.webhookClientConfig.caBundle"]
    # One that was bad before stops no other change.
    assert definition_faults({**new, "status": established}, {**new, "status": established}) == ()


@pytest.mark.parametrize(
    ("group", "annotation", "words"),
    [
        ("x.k8s.io", None, "Required value: protected groups must have approval annotation"),
        ("kubernetes.io", None, "Required value: protected groups must have approval annotation"),
        ("x.k8s.io", "yes", 'with either a URL or a reason starting with "unapproved"'),
        ("x.k8s.io", "unapproved, experimental", ""),
        ("x.k8s.io", "https://github.com/kubernetes/kubernetes/pull/1", ""),
        ("x-k8s.io", None, ""),
    ],
)
def test_groups_of_kubernetes_itself_need_an_approval(group: str, annotation: str | None, words: str) -> None:
    change: dict[str, Any] = {"spec.group": group, "metadata.name": f"widgets.{group}"}
    if annotation:
        change["metadata|annotations"] = {"api-approved.kubernetes.io": annotation}
    found = definition_faults(changed(change))
    if not words:
        assert found == ()
        return
    assert found[0].field == "metadata.annotations[api-approved.kubernetes.io]"
    assert words in found[0].message


def test_an_update_without_approval_stays_allowed_where_there_was_none() -> None:
    crd = changed({"spec.group": "x.k8s.io", "metadata.name": "widgets.x.k8s.io"})
    crd = {**crd, "status": {"storedVersions": ["v1"]}}
    assert definition_faults(crd, crd) == ()


def test_what_cannot_change() -> None:
    old = {**with_defaults(CRD), "status": {"storedVersions": ["v1"]}}
    new = {**changed({"spec.scope": "Cluster", "spec.names.kind": "Gadget"}), "status": old["status"]}
    assert definition_faults(new, old) == ()
    old["status"] = {**old["status"], "conditions": [{"type": "Established", "status": "True"}]}
    assert [f.field for f in definition_faults(new, old)] == ["spec.scope", "spec.names.kind"]
    other = {**changed({"spec.names.plural": "gizmos", "spec.group": "x.io"}), "status": old["status"]}
    assert {"spec.group", "spec.names.plural"} <= {f.field for f in definition_faults(other, old)}


def test_a_version_that_objects_may_be_kept_in_stays() -> None:
    old = {**with_defaults(CRD), "status": {"storedVersions": ["v1beta1", "v1"]}}
    new = {**changed({"spec.versions.0": None}), "status": old["status"]}
    (fault,) = definition_faults(new, old)
    assert fault.field == "status.storedVersions[0]"
    assert fault.message.startswith('Invalid value: "v1beta1": missing from spec.versions; v1beta1 was previously')


def test_every_shipped_definition_is_valid_as_it_is() -> None:
    if not CRDS.is_dir():
        pytest.skip(f"no definitions at {CRDS}")
    for file in sorted(CRDS.glob("*.json")):
        crd = with_defaults(orjson.loads(file.read_bytes()))
        assert definition_faults(crd) == (), file.name
        assert kind_of_crd(crd).versions
