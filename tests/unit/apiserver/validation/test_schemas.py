"""Schemas as a whole: which compile, and how fast they check."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from capstan.apiserver.validation import SchemaError, Validator
from tests.unit.apiserver.validation.checks import schema_with

CRDS = Path(__file__).resolve().parents[5] / "shared" / "data" / "crds"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "(?=a)"},
        {"type": "text"},
        {"type": "array", "x-kubernetes-list-type": "map"},
    ],
)
def test_schemas_that_cannot_be_compiled(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        Validator(schema_with(v=schema))


def test_every_shipped_definition_compiles() -> None:
    if not CRDS.is_dir():
        pytest.skip(f"no definitions at {CRDS}")
    count = 0
    for file in sorted(CRDS.glob("*.json")):
        for version in orjson.loads(file.read_bytes())["spec"]["versions"]:
            Validator(version["schema"]["openAPIV3Schema"])
            count += 1
    assert count > 40


def _machine_deployment() -> dict[str, Any]:
    template = {
        "metadata": {"labels": {f"label{i}": "x" * 40 for i in range(20)}, "annotations": {"note": "y" * 1500}},
        "spec": {
            "clusterName": "homelab",
            "version": "v1.34.0",
            "failureDomain": "pve1",
            "bootstrap": {
                "configRef": {"apiGroup": "bootstrap.cluster.x-k8s.io", "kind": "TalosConfigTemplate", "name": "x"}
            },
            "infrastructureRef": {
                "apiGroup": "infrastructure.cluster.x-k8s.io",
                "kind": "ProxmoxMachineTemplate",
                "name": "x",
            },
            "readinessGates": [{"conditionType": f"Gate{i}"} for i in range(10)],
        },
    }
    conditions = [
        {
            "type": f"Condition{i}",
            "status": "True",
            "reason": "Fine",
            "message": "all is well " * 3,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for i in range(10)
    ]
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "MachineDeployment",
        "metadata": {"name": "web", "namespace": "default", "labels": {"a": "b"}, "uid": "u" * 36},
        "spec": {
            "clusterName": "homelab",
            "replicas": 3,
            "selector": {"matchLabels": {"a": "b"}},
            "template": template,
            "rollout": {
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}}
            },
        },
        "status": {"conditions": conditions, "replicas": 3, "observedGeneration": 2},
    }


def test_a_real_object_of_5_kb_validates_quickly() -> None:
    file = CRDS / "machinedeployments.cluster.x-k8s.io.json"
    if not file.is_file():
        pytest.skip(f"no definitions at {CRDS}")
    versions = json.loads(file.read_text())["spec"]["versions"]
    schema = next(v["schema"]["openAPIV3Schema"] for v in versions if v["name"] == "v1beta2")
    validator = Validator(schema)
    obj = _machine_deployment()
    assert 4500 < len(orjson.dumps(obj)) < 8000
    assert validator.apply(obj, mode="Strict").causes == ()
    old = orjson.loads(orjson.dumps(obj))
    best = min(_timed(validator, obj, old) for _ in range(30))
    # The aim is 300 us; the bound leaves room for a busy machine.
    assert best < 0.003, f"{best * 1e6:.0f} us"
    bad = {**obj, "spec": {**obj["spec"], "replicas": "x"}}
    assert next(c.field for c in validator.apply(bad, mode="Strict").causes) == "spec.replicas"


def _timed(validator: Validator, obj: dict[str, Any], old: dict[str, Any]) -> float:
    start = time.perf_counter()
    validator.apply(obj, mode="Strict")
    return time.perf_counter() - start
