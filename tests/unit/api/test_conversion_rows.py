"""The tables of cluster-api-core.md 14, row by row: where a field is in the older version, and where in the stored one.

A row is one field with its value on both sides. It is read both ways, in an object that has nothing else.
"""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.conversion import DATA_ANNOTATION
from capstan.api.objects import Obj
from capstan.api.rules.fields import value_at, with_value
from capstan.api.scheme import SCHEME

CORE = "cluster.x-k8s.io"
TEMPLATE = {"apiVersion": "example.org/v1", "kind": "KTemplate", "name": "t"}
PLACED = TEMPLATE | {"namespace": "ns"}
OBJECT = {"apiVersion": "example.org/v1beta1", "kind": "K", "name": "k", "namespace": "ns"}
CONTRACT = {"apiGroup": "example.org", "kind": "K", "name": "k"}
OLD_CONDITION = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z"}]
NEW_CONDITION = [{**OLD_CONDITION[0], "reason": "Ready", "message": ""}]
NODE = [{"type": "Ready", "status": "False", "timeout": "5m0s"}]
NODE_SECONDS = [{"type": "Ready", "status": "False", "timeoutSeconds": 300}]
TIME = "2026-01-02T03:04:05Z"

Row = tuple[str, Any, str, Any]


def same(path: str, value: Any) -> Row:
    return (path, value, path, value)


CONDITIONS: list[Row] = [
    ("status.conditions", OLD_CONDITION, "status.deprecated.v1beta1.conditions", OLD_CONDITION),
    ("status.v1beta2.conditions", NEW_CONDITION, "status.conditions", NEW_CONDITION),
]
FAILURES: list[Row] = [
    ("status.failureReason", "Bad", "status.deprecated.v1beta1.failureReason", "Bad"),
    ("status.failureMessage", "bad", "status.deprecated.v1beta1.failureMessage", "bad"),
]


def counters(old: tuple[str, ...], new: tuple[str, ...]) -> list[Row]:
    return [
        *((f"status.{name}", 3, f"status.deprecated.v1beta1.{name}", 3) for name in old),
        *((f"status.v1beta2.{name}", 4, f"status.{name}", 4) for name in new),
    ]


def timeouts(spoke: str, hub: str) -> list[Row]:
    names = ("nodeDrainTimeout", "nodeVolumeDetachTimeout", "nodeDeletionTimeout")
    return [(f"{spoke}{name}", "1m30s", f"{hub}deletion.{name}Seconds", 90) for name in names]


def machine_spec(at: str) -> list[Row]:
    return [
        *timeouts(at, at),
        same(f"{at}version", "v1.34.0"),
        same(f"{at}providerID", "x://1"),
        same(f"{at}failureDomain", "a"),
        same(f"{at}bootstrap.dataSecretName", "s"),
        (f"{at}bootstrap.configRef", OBJECT, f"{at}bootstrap.configRef", CONTRACT),
        (f"{at}infrastructureRef", OBJECT, f"{at}infrastructureRef", CONTRACT),
    ]


def health_check(spoke: str, hub: str) -> list[Row]:
    return [
        (f"{spoke}unhealthyConditions", NODE, f"{hub}checks.unhealthyNodeConditions", NODE_SECONDS),
        (f"{spoke}unhealthyMachineConditions", NODE, f"{hub}checks.unhealthyMachineConditions", NODE_SECONDS),
        (f"{spoke}nodeStartupTimeout", "10m0s", f"{hub}checks.nodeStartupTimeoutSeconds", 600),
        (f"{spoke}maxUnhealthy", "40%", f"{hub}remediation.triggerIf.unhealthyLessThanOrEqualTo", "40%"),
        (f"{spoke}unhealthyRange", "[1-3]", f"{hub}remediation.triggerIf.unhealthyInRange", "[1-3]"),
        (f"{spoke}remediationTemplate", PLACED, f"{hub}remediation.templateRef", TEMPLATE),
    ]


def listed(at: str, rows: list[Row], **more: Any) -> list[Row]:
    """The same rows inside the only item of a list."""
    made = []
    for spoke, old, hub, new in rows:
        item = {"name": "i", "class": "c", **more}
        made.append((at, [with_value(item, spoke, old)], at, [with_value(item, hub, new)]))
    return made


WORKERS: list[Row] = [
    *timeouts("", ""),
    *health_check("machineHealthCheck.", "healthCheck."),
    (
        "strategy",
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "10%"}},
        "rollout.strategy",
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "10%"}},
    ),
    ("strategy", {"rollingUpdate": {"deletePolicy": "Oldest"}}, "deletion.order", "Oldest"),
    ("strategy", {"remediation": {"maxInFlight": 2}}, "healthCheck.remediation.maxInFlight", 2),
    same("failureDomain", "a"),
    same("minReadySeconds", 5),
]
SCHEMA = {"openAPIV3Schema": {"type": "string"}}
INITIALIZED: list[Row] = [
    ("status.bootstrapReady", True, "status.initialization.bootstrapDataSecretCreated", True),
    ("status.infrastructureReady", True, "status.initialization.infrastructureProvisioned", True),
]

ROWS: dict[str, list[Row]] = {
    "Cluster": [
        same("spec.paused", True),
        same("spec.clusterNetwork.apiServerPort", 6443),
        same("spec.clusterNetwork.serviceDomain", "cluster.local"),
        same("spec.clusterNetwork.services", {"cidrBlocks": ["10.0.0.0/8"]}),
        ("spec.controlPlaneRef", OBJECT, "spec.controlPlaneRef", CONTRACT),
        ("spec.infrastructureRef", OBJECT, "spec.infrastructureRef", CONTRACT),
        same("spec.availabilityGates", [{"conditionType": "A", "polarity": "Negative"}]),
        ("spec.topology.class", "c", "spec.topology.classRef.name", "c"),
        ("spec.topology.classNamespace", "n", "spec.topology.classRef.namespace", "n"),
        (
            "spec.topology.controlPlane.machineHealthCheck.enable",
            False,
            "spec.topology.controlPlane.healthCheck.enabled",
            False,
        ),
        *health_check("spec.topology.controlPlane.machineHealthCheck.", "spec.topology.controlPlane.healthCheck."),
        *timeouts("spec.topology.controlPlane.", "spec.topology.controlPlane."),
        same("spec.topology.controlPlane.rollout.after", TIME),
        *listed("spec.topology.workers.machineDeployments", [*WORKERS, same("rollout.after", TIME)]),
        *listed("spec.topology.workers.machinePools", [*timeouts("", ""), same("minReadySeconds", 5)]),
        ("status.controlPlaneReady", True, "status.initialization.controlPlaneInitialized", True),
        ("status.infrastructureReady", True, "status.initialization.infrastructureProvisioned", True),
        (
            "status.failureDomains",
            {"b": {}, "a": {"controlPlane": True, "attributes": {"k": "v"}}},
            "status.failureDomains",
            [{"name": "a", "controlPlane": True, "attributes": {"k": "v"}}, {"name": "b", "controlPlane": False}],
        ),
        ("status.v1beta2.controlPlane", {"replicas": 3}, "status.controlPlane", {"replicas": 3}),
        ("status.v1beta2.workers", {"replicas": 3}, "status.workers", {"replicas": 3}),
        *CONDITIONS,
        *FAILURES,
    ],
    "ClusterClass": [
        ("spec.infrastructure.ref", PLACED, "spec.infrastructure.templateRef", TEMPLATE),
        ("spec.controlPlane.ref", PLACED, "spec.controlPlane.templateRef", TEMPLATE),
        (
            "spec.controlPlane.machineInfrastructure.ref",
            PLACED,
            "spec.controlPlane.machineInfrastructure.templateRef",
            TEMPLATE,
        ),
        ("spec.infrastructureNamingStrategy.template", "n", "spec.infrastructure.naming.template", "n"),
        ("spec.controlPlane.namingStrategy.template", "n", "spec.controlPlane.naming.template", "n"),
        *health_check("spec.controlPlane.machineHealthCheck.", "spec.controlPlane.healthCheck."),
        *timeouts("spec.controlPlane.", "spec.controlPlane."),
        *(
            row
            for at, rows in (
                ("spec.workers.machineDeployments", WORKERS),
                ("spec.workers.machinePools", [*timeouts("", ""), same("minReadySeconds", 5)]),
            )
            for row in listed(
                at,
                [
                    *rows,
                    ("template.metadata.labels", {"a": "b"}, "metadata.labels", {"a": "b"}),
                    ("template.bootstrap.ref", PLACED, "bootstrap.templateRef", TEMPLATE),
                    ("template.infrastructure.ref", PLACED, "infrastructure.templateRef", TEMPLATE),
                    ("namingStrategy.template", "n", "naming.template", "n"),
                ],
            )
        ),
        *listed(
            "spec.patches",
            [
                ("external.generateExtension", "g", "external.generatePatchesExtension", "g"),
                ("external.validateExtension", "v", "external.validateTopologyExtension", "v"),
                same("external.discoverVariablesExtension", "d"),
                same("enabledIf", "true"),
                same("definitions", [{"selector": {"matchResources": {"controlPlane": True}}}]),
                same("definitions", [{"selector": {"matchResources": {"infrastructureCluster": True}}}]),
            ],
        ),
        *listed(
            "spec.variables",
            [("metadata.labels", {"a": "b"}, "deprecatedV1Beta1Metadata.labels", {"a": "b"}), same("required", False)],
        ),
        *listed(
            "status.variables",
            [
                same("definitionsConflict", True),
                (
                    "definitions",
                    [{"from": "inline", "required": True, "metadata": {"labels": {"a": "b"}}, "schema": SCHEMA}],
                    "definitions",
                    [
                        {
                            "from": "inline",
                            "required": True,
                            "deprecatedV1Beta1Metadata": {"labels": {"a": "b"}},
                            "schema": SCHEMA,
                        }
                    ],
                ),
            ],
        ),
        *CONDITIONS,
    ],
    "Machine": [
        *machine_spec("spec."),
        *INITIALIZED,
        (
            "status.nodeRef",
            {"kind": "Node", "apiVersion": "v1", "name": "n"},
            "status.nodeRef",
            {"name": "n"},
        ),
        same("status.deletion.nodeDrainStartTime", TIME),
        same("status.deletion.waitForNodeVolumeDetachStartTime", TIME),
        same("status.lastUpdated", TIME),
        same("status.certificatesExpiryDate", TIME),
        *CONDITIONS,
        *FAILURES,
    ],
    "MachineSet": [
        *machine_spec("spec.template.spec."),
        ("spec.deletePolicy", "Newest", "spec.deletion.order", "Newest"),
        ("spec.machineNamingStrategy.template", "n", "spec.machineNaming.template", "n"),
        ("spec.minReadySeconds", 5, "spec.template.spec.minReadySeconds", 5),
        *counters(
            ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"),
            ("readyReplicas", "availableReplicas", "upToDateReplicas"),
        ),
        *CONDITIONS,
        *FAILURES,
    ],
    "MachineDeployment": [
        *machine_spec("spec.template.spec."),
        ("spec.strategy", {"type": "OnDelete"}, "spec.rollout.strategy", {"type": "OnDelete"}),
        (
            "spec.strategy",
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
            "spec.rollout.strategy",
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        ),
        ("spec.strategy.rollingUpdate.deletePolicy", "Oldest", "spec.deletion.order", "Oldest"),
        ("spec.strategy.remediation.maxInFlight", "10%", "spec.remediation.maxInFlight", "10%"),
        ("spec.rolloutAfter", TIME, "spec.rollout.after", TIME),
        ("spec.minReadySeconds", 0, "spec.template.spec.minReadySeconds", 0),
        ("spec.machineNamingStrategy.template", "n", "spec.machineNaming.template", "n"),
        same("spec.paused", True),
        *counters(
            ("updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"),
            ("readyReplicas", "availableReplicas", "upToDateReplicas"),
        ),
        *CONDITIONS,
    ],
    "MachineHealthCheck": [
        *health_check("spec.", "spec."),
        *(same(f"status.{name}", 3) for name in ("expectedMachines", "currentHealthy", "remediationsAllowed")),
        *CONDITIONS,
    ],
    "MachinePool": [
        *machine_spec("spec.template.spec."),
        ("spec.minReadySeconds", 0, "spec.template.spec.minReadySeconds", 0),
        *INITIALIZED,
        *counters(
            ("readyReplicas", "availableReplicas", "unavailableReplicas"),
            ("readyReplicas", "availableReplicas", "upToDateReplicas"),
        ),
        *CONDITIONS,
        *FAILURES,
    ],
    "MachineDrainRule": [
        same("spec.drain.order", 3),
        same("spec.machines", [{"selector": {"matchLabels": {"a": "b"}}}]),
    ],
    "ClusterResourceSet": [
        same("spec.strategy", "Reconcile"),
        same("spec.resources", [{"kind": "Secret", "name": "s"}]),
        *CONDITIONS,
    ],
    "ClusterResourceSetBinding": [
        same("spec.bindings", [{"clusterResourceSetName": "s", "resources": [{"applied": False, "name": "n"}]}])
    ],
    "IPAddress": [same("spec.prefix", 24), same("spec.poolRef", CONTRACT)],
    "IPAddressClaim": [same("spec.poolRef", CONTRACT), same("status.addressRef", {"name": "a"}), *CONDITIONS],
    "ExtensionConfig": [
        same("spec.clientConfig.url", "https://a"),
        same("spec.clientConfig.service.port", 443),
        same("status.handlers", [{"name": "h", "timeoutSeconds": 5, "failurePolicy": "Fail"}]),
        *CONDITIONS,
    ],
}

#: What a status has besides its row, because the other version always has it.
ALWAYS = ("bootstrapReady", "infrastructureReady", "controlPlaneReady")


def objects(kind: str, row: Row) -> tuple[Obj, Obj]:
    known = next(k for k in SCHEME.kinds if k.kind == kind)
    older = next(v.name for v in known.versions if not v.storage and v.name in ("v1beta1", "v1alpha1"))
    older = "v1beta1" if known.version("v1beta1") else older
    head = {"kind": kind, "metadata": {"name": "x", "namespace": "ns"}}
    spoke = with_value({"apiVersion": f"{known.group}/{older}", **head}, row[0], row[1])
    hub = with_value({"apiVersion": f"{known.group}/{known.storage.name}", **head}, row[2], row[3])
    return spoke, hub


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        pytest.param(kind, row, id=f"{kind}-{row[0]}-{place}")
        for kind, rows in ROWS.items()
        for place, row in enumerate(rows)
    ],
)
def test_row(kind: str, row: Row) -> None:
    spoke, hub = objects(kind, row)
    convert = next(k for k in SCHEME.kinds if k.kind == kind).convert
    up = convert(spoke, hub["apiVersion"].rpartition("/")[2])
    without_type = kind != "Machine" and "strategy" in row[0] and "type" not in str(row[1])
    assert up["apiVersion"] == hub["apiVersion"]
    assert value_at(up, row[2]) == row[3] or without_type
    down = convert(hub, spoke["apiVersion"].rpartition("/")[2])
    assert value_at(down, row[0]) == row[1]
    # Nothing of the row is left at its old place.
    if row[0] != row[2]:
        other_side = {path for path in (row[0],) if value_at(hub, path) is None}
        assert all(value_at(up, path) is None for path in other_side)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("Cluster", {"spec": {"topology": {"class": "c", "rolloutAfter": TIME}}}),
        ("Cluster", {"spec": {"topology": {"class": "c", "variables": [{"name": "a", "definitionFrom": "p"}]}}}),
        ("MachineDeployment", {"spec": {"revisionHistoryLimit": 3}}),
        ("MachineDeployment", {"spec": {"progressDeadlineSeconds": 3}}),
    ],
)
def test_what_is_dropped(kind: str, written: Obj) -> None:
    known = next(k for k in SCHEME.kinds if k.kind == kind)
    spoke = {"apiVersion": f"{CORE}/v1beta1", "kind": kind, "metadata": {"name": "x"}, **written}
    up = str(known.convert(spoke, "v1beta2"))
    assert not [
        word for word in ("rolloutAfter", "definitionFrom", "revisionHistory", "progressDeadline") if word in up
    ]


def core(kind: str, version: str = "v1beta2", **parts: Any) -> Obj:
    return {"apiVersion": f"{CORE}/{version}", "kind": kind, "metadata": {"name": "x", "namespace": "ns"}, **parts}


def convert(obj: Obj, version: str) -> Obj:
    return next(k for k in SCHEME.kinds if k.kind == obj["kind"]).convert(obj, version)


@pytest.mark.parametrize("kind", ["MachineSet", "MachineDeployment", "MachinePool"])
def test_the_deprecated_block_is_always_there(kind: str) -> None:
    up = convert(core(kind, "v1beta1", status={"replicas": 1}), "v1beta2")
    assert set(value_at(up, "status.deprecated.v1beta1").values()) == {0}
    down = convert(core(kind, status={"replicas": 1}), "v1beta1")
    assert "v1beta2" not in down["status"], "only with conditions or counters"


@pytest.mark.parametrize("kind", ["Cluster", "Machine", "MachineHealthCheck"])
def test_the_deprecated_block_is_there_for_what_is_in_it(kind: str) -> None:
    up = convert(core(kind, "v1beta1", status={"observedGeneration": 2}), "v1beta2")
    assert "deprecated" not in up["status"]


@pytest.mark.parametrize(
    ("kind", "empty"),
    [
        ("Cluster", {"clusterNetwork": {"services": {"cidrBlocks": []}}, "availabilityGates": [], "paused": True}),
        ("Machine", {"readinessGates": [], "clusterName": "c"}),
        ("MachineDeployment", {"template": {"metadata": {}, "spec": {}}, "machineNamingStrategy": {}}),
        ("ClusterClass", {"controlPlane": {"metadata": {}, "readinessGates": []}, "patches": [], "workers": {}}),
    ],
)
def test_empty_parts_of_the_older_version_are_no_parts_of_the_newer(kind: str, empty: Obj) -> None:
    from capstan.apiserver.schemas import struct_validator

    known = next(k for k in SCHEME.kinds if k.kind == kind)
    up = convert(core(kind, "v1beta1", spec=empty), "v1beta2")
    faults = struct_validator(known.storage.struct).apply(up).causes
    assert [fault for fault in faults if "at least" in fault.message or "should have" in fault.message] == []
    missing = {fault.reason for fault in faults}
    assert missing <= {"FieldValueRequired"}


def test_the_phase_of_a_machine_is_its_controllers() -> None:
    hub = core("Machine", spec={}, status={"phase": "Updating"})
    down = convert(hub, "v1beta1")
    assert down["status"]["phase"] == "Running"
    edited = {**down, "status": {**down["status"], "phase": "Failed"}}
    assert convert(edited, "v1beta2") == hub


def test_an_old_claim_keeps_the_newer_conditions_and_forgets_the_label() -> None:
    hub: Obj = {
        "apiVersion": "ipam.cluster.x-k8s.io/v1beta2",
        "kind": "IPAddressClaim",
        "metadata": {"name": "x", "namespace": "ns"},
        "spec": {"clusterName": "lab"},
        "status": {"conditions": NEW_CONDITION, "deprecated": {"v1beta1": {"conditions": OLD_CONDITION}}},
    }
    down = convert(hub, "v1alpha1")
    assert down["status"] == {"conditions": OLD_CONDITION}
    assert DATA_ANNOTATION in down["metadata"]["annotations"]
    assert convert(down, "v1beta2") == hub
    assert DATA_ANNOTATION not in convert(hub, "v1beta1")["metadata"].get("annotations", {})
    labelled = {**hub, "metadata": {**hub["metadata"], "labels": {f"{CORE}/cluster-name": "lab"}}}
    assert convert(convert(labelled, "v1alpha1"), "v1beta2") == labelled


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        (core("Machine", spec={"version": "", "providerID": "", "failureDomain": ""}), "spec"),
        (core("Cluster", spec={"clusterNetwork": {"apiServerPort": 0}}), "spec"),
        (core("MachineSet", spec={"machineNaming": {"template": ""}}), "spec"),
        (core("ClusterClass", spec={"infrastructure": {"naming": {"template": ""}}}), "spec"),
        (core("ClusterClass", spec={"patches": [{"name": "p", "enabledIf": ""}]}), "spec.patches"),
    ],
)
def test_empty_texts_are_left_out_on_the_way_down(obj: Obj, path: str) -> None:
    assert value_at(convert(obj, "v1beta1"), path) in ({}, [{"name": "p"}])
