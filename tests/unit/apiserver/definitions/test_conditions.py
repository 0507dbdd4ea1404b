"""The status of definitions: names that are accepted or taken, and what else the server says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from capstan.apiserver.customresources import kind_of_crd, with_defaults
from capstan.apiserver.definitions.conditions import TakenNames, defined_status, terminating
from tests.unit.apiserver.definitions.crd import CRD, changed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def _by_type(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}


def _taken(**names: Any) -> TakenNames:
    taken = TakenNames()
    taken.add(names)
    return taken


def test_a_definition_whose_names_are_free_is_established() -> None:
    crd = with_defaults(CRD)
    status = defined_status(crd, TakenNames(), NOW)
    assert _by_type(status) == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert status["storedVersions"] == ["v1"]
    assert status["acceptedNames"] == crd["spec"]["names"]
    assert defined_status({**crd, "status": status}, TakenNames(), LATER) == status


def test_each_name_that_is_taken_is_told() -> None:
    crd = with_defaults(CRD)
    for taken, reason in (
        (_taken(plural="widgets"), "PluralConflict"),
        (_taken(singular="widget"), "SingularConflict"),
        (_taken(shortNames=["wd"]), "ShortNamesConflict"),
        (_taken(kind="Widget"), "KindConflict"),
        (_taken(listKind="WidgetList"), "ListKindConflict"),
        (_taken(kind="WidgetList"), "ListKindConflict"),
    ):
        status = defined_status(crd, taken, NOW)
        assert _by_type(status) == {"NamesAccepted": ("False", reason), "Established": ("False", "NotAccepted")}
        assert "is already in use" in status["conditions"][0]["message"]


def test_a_rename_that_clashes_keeps_the_names_and_stays_established() -> None:
    crd = with_defaults(CRD)
    crd = {**crd, "status": defined_status(crd, TakenNames(), NOW)}
    renamed = {**changed({"spec.names.shortNames": ["wd", "taken"]}), "status": crd["status"]}
    status = defined_status(renamed, _taken(plural="taken"), LATER)
    assert _by_type(status) == {
        "NamesAccepted": ("False", "ShortNamesConflict"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert status["acceptedNames"]["shortNames"] == ["wd"]
    assert kind_of_crd({**renamed, "status": status}).short_names == ("wd",)
    # Names that it had before are its own.
    assert _by_type(defined_status({**renamed, "status": status}, TakenNames(), LATER))["NamesAccepted"][0] == "True"


def test_a_changed_storage_version_is_stored_too() -> None:
    crd = {
        **changed({"spec.versions.0.storage": True, "spec.versions.1.storage": False}),
        "metadata": {"generation": 2},
    }
    crd["status"] = {"storedVersions": ["v1"]}
    status = defined_status(crd, TakenNames(), NOW)
    assert status["storedVersions"] == ["v1", "v1beta1"]
    assert status["observedGeneration"] == 2


def test_a_schema_that_is_not_structural_is_told_until_it_is() -> None:
    bad = changed({"spec.versions.1.schema.openAPIV3Schema.properties.spec": {}})
    status = defined_status({**bad, "metadata": {"generation": 1}}, TakenNames(), NOW)
    (condition,) = [c for c in status["conditions"] if c["type"] == "NonStructuralSchema"]
    assert (condition["status"], condition["reason"]) == ("True", "Violations")
    assert condition["message"].startswith("spec.versions[1].schema.openAPIV3Schema.properties[spec].type: Required")
    again = {**bad, "metadata": {"generation": 1}, "status": status}
    assert defined_status(again, TakenNames(), LATER) == status
    good = {**with_defaults(CRD), "metadata": {"generation": 2}, "status": status}
    assert "NonStructuralSchema" not in _by_type(defined_status(good, TakenNames(), LATER))


def test_the_approval_of_a_protected_group_is_a_condition() -> None:
    for annotation, expected in (
        ("", ("False", "MissingAnnotation")),
        ("unapproved", ("False", "UnapprovedAnnotation")),
        ("https://github.com/x", ("True", "ApprovedAnnotation")),
        ("yes", ("False", "InvalidAnnotation")),
    ):
        crd = changed({"spec.group": "x.k8s.io"})
        crd["metadata"] = {"annotations": {"api-approved.kubernetes.io": annotation}}
        found = _by_type(defined_status(crd, TakenNames(), NOW))
        assert found["KubernetesAPIApprovalPolicyConformant"] == expected


def test_a_deletion_keeps_what_was_said_before() -> None:
    crd = with_defaults(CRD)
    crd = {**crd, "status": defined_status(crd, TakenNames(), NOW)}
    status = terminating(crd, True, "InstanceDeletionInProgress", "busy", LATER)
    assert [c["type"] for c in status["conditions"]] == ["NamesAccepted", "Established", "Terminating"]


def test_the_kind_of_a_definition() -> None:
    crd = with_defaults(CRD)
    kind = kind_of_crd(crd)
    assert (kind.group, kind.kind, kind.plural, kind.singular) == ("example.io", "Widget", "widgets", "widget")
    assert (kind.kind_of_list, kind.storage, kind.custom) == ("WidgetList", "v1", True)
    assert [v.name for v in kind.versions] == ["v1", "v1beta1"]
    version = kind.versions[0]
    assert version.status
    assert version.scale is not None
    assert version.scale.spec_replicas == ".spec.size"
    assert (version.columns[0].json_path, version.selectable) == (".spec.size", (".spec.size",))
    assert version.schema() is crd["spec"]["versions"][1]["schema"]["openAPIV3Schema"]
    assert kind.versions[1].deprecation_warning == "example.io/v1beta1 Widget is deprecated; use example.io/v1 Widget"
