"""Admission of ClusterResourceSet and its records."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.addons.admission import admit_cluster_resource_set, admit_cluster_resource_set_binding
from capstan.api.kinds import Admission, AdmissionRequest

SELECTOR = {"matchLabels": {"cni": "flannel"}}


def resource_set(**spec: Any) -> dict[str, Any]:
    resources = [{"kind": "ConfigMap", "name": "cni"}]
    return {"metadata": {"name": "cni"}, "spec": {"clusterSelector": SELECTOR, "resources": resources} | spec}


def refused(admission: Admission) -> dict[str, str]:
    return {cause.field: cause.message for cause in admission.causes}


def test_the_strategy_is_apply_once_where_nothing_is_said() -> None:
    admission = admit_cluster_resource_set(AdmissionRequest("CREATE", None, resource_set()))
    assert admission.causes == ()
    assert admission.object is not None and admission.object["spec"]["strategy"] == "ApplyOnce"


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        ({}, "selector must not be empty"),
        ({"matchLabels": {"-": "x"}}, "name part must consist of"),
        ({"matchExpressions": [{"key": "a", "operator": "In"}]}, "values set can't be empty"),
        ({"matchExpressions": [{"key": "a", "operator": "Is"}]}, "not a valid label selector operator"),
    ],
)
def test_a_selector_is_one_and_selects_something(selector: dict[str, Any], why: str) -> None:
    request = AdmissionRequest("CREATE", None, resource_set(clusterSelector=selector))
    assert why in refused(admit_cluster_resource_set(request))["spec.clusterSelector"]


def test_selector_and_strategy_never_change() -> None:
    old = resource_set(strategy="ApplyOnce")

    def update(**spec: Any) -> list[str]:
        request = AdmissionRequest("UPDATE", old, resource_set(**{"strategy": "ApplyOnce", **spec}))
        return sorted(refused(admit_cluster_resource_set(request)))

    assert update(resources=[{"kind": "Secret", "name": "x"}]) == []
    assert update(strategy="Reconcile") == ["spec.strategy"]
    assert update(clusterSelector={"matchLabels": {"other": "x"}}) == ["spec.clusterSelector"]


def test_a_record_stays_with_its_cluster() -> None:
    def update(before: str, after: str) -> list[str]:
        old, new = ({"metadata": {"name": "x"}, "spec": {"clusterName": name}} for name in (before, after))
        return sorted(refused(admit_cluster_resource_set_binding(AdmissionRequest("UPDATE", old, new))))

    assert update("one", "one") == update("", "one") == []
    assert update("one", "two") == ["spec.clusterName"]
