"""MachineDrainRule: what is refused, and that both versions are the same."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.cluster.admission import admit_machine_drain_rule
from capstan.api.cluster.conversion import convert_machinedrainrule
from capstan.api.kinds import AdmissionRequest
from capstan.api.objects import Obj

BAD = {"matchExpressions": [{"key": "a", "operator": "Like"}]}


def rule(drain: Obj, **parts: Any) -> Obj:
    meta = {"name": "r", "namespace": "default"}
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "MachineDrainRule",
        "metadata": meta,
        "spec": {"drain": drain, **parts},
    }


@pytest.mark.parametrize(
    ("obj", "fields"),
    [
        (rule({"behavior": "Drain", "order": 5}), []),
        (rule({"behavior": "Drain"}, pods=[{"selector": {"matchLabels": {"app": "web"}}}]), []),
        (rule({"behavior": "Skip", "order": 0}), ["spec.drain.order"]),
        (rule({"behavior": "WaitCompleted", "order": 1}), ["spec.drain.order"]),
        (rule({"behavior": "Skip"}, machines=[{"selector": BAD}]), ["spec.machines[0].selector"]),
        (rule({"behavior": "Skip"}, machines=[{"clusterSelector": BAD}]), ["spec.machines[0].clusterSelector"]),
        (rule({"behavior": "Skip"}, pods=[{"selector": {}}, {"selector": BAD}]), ["spec.pods[1].selector"]),
        (rule({"behavior": "Skip"}, pods=[{"namespaceSelector": BAD}]), ["spec.pods[0].namespaceSelector"]),
    ],
)
def test_refusals(obj: Obj, fields: list[str]) -> None:
    assert [c.field for c in admit_machine_drain_rule(AdmissionRequest("CREATE", None, obj)).causes] == fields
    assert [c.field for c in admit_machine_drain_rule(AdmissionRequest("UPDATE", obj, obj)).causes] == fields


def test_a_deletion_is_not_looked_at() -> None:
    assert not admit_machine_drain_rule(AdmissionRequest("DELETE", rule({"behavior": "Skip", "order": 1}), None)).causes


def test_versions_differ_in_their_name_only() -> None:
    obj = rule({"behavior": "Drain", "order": 5}, pods=[{"selector": {}}])
    older = convert_machinedrainrule(obj, "v1beta1")
    assert older == {**obj, "apiVersion": "cluster.x-k8s.io/v1beta1"}
    assert convert_machinedrainrule(older, "v1beta2") == obj
