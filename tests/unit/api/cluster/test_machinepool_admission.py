"""Admission of MachinePool."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.cluster.admission import admit_machine_pool
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.rules.fields import value_at, with_value


def pool(**inner: Any) -> dict[str, Any]:
    spec = {"clusterName": "homelab", "bootstrap": {"dataSecretName": "x"}, "infrastructureRef": {}} | inner
    return {"metadata": {"name": "pool"}, "spec": {"clusterName": "homelab", "template": {"spec": spec}}}


def admit(new: dict[str, Any], old: dict[str, Any] | None = None) -> Admission:
    return admit_machine_pool(AdmissionRequest("UPDATE" if old else "CREATE", old, new))


def test_defaults() -> None:
    after = admit(pool(version="1.34.1")).object
    assert after is not None
    assert after["metadata"]["labels"] == {"cluster.x-k8s.io/cluster-name": "homelab"}
    assert after["spec"]["replicas"] == 1
    assert value_at(after, "spec.template.spec.version") == "v1.34.1"
    assert value_at(after, "spec.template.spec.deletion.nodeDeletionTimeoutSeconds") == 10


@pytest.mark.parametrize(
    ("inner", "field"),
    [
        ({"bootstrap": {}}, "spec.template.spec.bootstrap"),
        ({"version": "v1.34"}, "spec.template.spec.version"),
        ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, "spec.template.spec.taints"),
        ({"clusterName": "other"}, "spec.clusterName"),
    ],
)
def test_what_is_refused(inner: dict[str, Any], field: str) -> None:
    assert [cause.field for cause in admit(pool(**inner)).causes] == [field]


def test_a_pool_stays_with_its_cluster_and_can_always_be_deleted() -> None:
    moved = with_value(with_value(pool(), "spec.clusterName", "b"), "spec.template.spec.clusterName", "b")
    assert [cause.field for cause in admit(moved, pool()).causes] == ["spec.clusterName"]
    assert admit_machine_pool(AdmissionRequest("DELETE", pool(version="bad"), None)).causes == ()
