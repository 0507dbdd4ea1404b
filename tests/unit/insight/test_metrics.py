"""The state of objects as metrics: names, labels and values as kube-state-metrics has them for Cluster API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME
from capstan.insight.metrics.exposition import state_text
from capstan.insight.metrics.families import KINDS, Conditions

PLACE = {"name": "m", "namespace": "default", "uid": "u-1"}
READY = {"type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": "2026-01-01T00:00:00Z"}


def an_object(**parts: Any) -> Obj:
    meta = {**PLACE, "creationTimestamp": "2026-01-01T00:00:10Z", **parts.pop("metadata", {})}
    return {"metadata": meta, "spec": {"clusterName": "homelab", **parts.pop("spec", {})}, **parts}


def told(kind: str, *objects: Obj) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample, without the labels that all have."""

    def of(_group: str, asked: str) -> Iterable[Obj]:
        return objects if asked == kind else ()

    found = {}
    for family in text_string_to_metric_families(state_text(of)):
        assert family.documentation and family.type == "gauge"
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k not in (*PLACE, "cluster_name")}
            place = (sample.name, tuple(sorted(labels.items())))
            assert place not in found, "a series is told once"
            assert {k: sample.labels.get(k) for k in PLACE} == PLACE
            found[place] = sample.value
    return found


def test_a_machine() -> None:
    machine = an_object(
        metadata={
            "labels": {"cluster.x-k8s.io/control-plane-name": "cp"},
            "annotations": {"cluster.x-k8s.io/paused": ""},
        },
        spec={"version": "v1.34.1", "providerID": 'odd"id\\', "bootstrap": {"configRef": {"kind": "TalosConfig"}}},
        status={
            "phase": "Running",
            "nodeRef": {"name": "node"},
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "Hostname", "address": "m"}],
            "certificatesExpiryDate": "2027-01-01T00:00:00Z",
            "conditions": [READY],
        },
    )
    found = told("Machine", machine)
    assert found["capi_machine_created", ()] == 1767225610.0
    info = dict(next(labels for name, labels in found if name == "capi_machine_info"))
    assert info == {
        "version": "v1.34.1",
        "provider_id": 'odd"id\\',
        "bootstrap_reference_kind": "TalosConfig",
        "control_plane_name": "cp",
    }
    assert found["capi_machine_annotation_paused", ()] == 1.0
    assert found["capi_machine_addresses", (("address", "10.0.0.1"), ("type", "InternalIP"))] == 1.0
    assert found["capi_machine_status_noderef", (("node_name", "node"),)] == 1.0
    assert found["capi_machine_status_certificatesexpirydate", ()] == 1798761600.0
    phases = {dict(labels)["phase"]: v for (name, labels), v in found.items() if name == "capi_machine_status_phase"}
    assert phases["Running"] == 1.0 and sum(phases.values()) == 1.0 and len(phases) == 9
    states = {s: found["capi_machine_status_condition", (("status", s), ("type", "Ready"))] for s in ("True", "False")}
    assert states == {"True": 1.0, "False": 0.0}
    since = "capi_machine_status_condition_last_transition_time"
    assert found[since, (("status", "True"), ("type", "Ready"))] == 1767225600.0


def test_a_deployment_counts() -> None:
    rolling = {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}}
    deployment = an_object(
        spec={"replicas": 3, "paused": True, "rollout": {"strategy": rolling}}, status={"replicas": 2}
    )
    found = {name: value for (name, labels), value in told("MachineDeployment", deployment).items() if not labels}
    assert found == {
        "capi_machinedeployment_created": 1767225610.0,
        "capi_machinedeployment_info": 1.0,
        "capi_machinedeployment_spec_paused": 1.0,
        "capi_machinedeployment_spec_replicas": 3.0,
        "capi_machinedeployment_spec_strategy_rollingupdate_max_surge": 0.25,
        "capi_machinedeployment_spec_strategy_rollingupdate_max_unavailable": 0.0,
        "capi_machinedeployment_status_replicas": 2.0,
        "capi_machinedeployment_status_replicas_available": 0.0,
        "capi_machinedeployment_status_replicas_ready": 0.0,
        "capi_machinedeployment_status_replicas_uptodate": 0.0,
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_kind_is_served_and_says_its_conditions(kind: Any) -> None:
    assert SCHEME.by_kind(kind.group, kind.kind) is not None
    assert any(isinstance(family, Conditions) for family in kind.families)
    found = told(kind.kind, an_object(status={"conditions": [READY]}))
    assert found[f"{kind.prefix}_status_condition", (("status", "True"), ("type", "Ready"))] == 1.0


def test_nothing_is_told_of_nothing() -> None:
    assert state_text(lambda _group, _kind: ()) == ""
