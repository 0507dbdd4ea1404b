"""MachineSet: what its conditions say, word for word, and what clients of v1beta1 read."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.controllers.lab import machine_set
from tests.unit.controllers.world import BOOTSTRAP, CONTROL_PLANE, INFRA, START

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machineset import MachineSet
from capstan.api.objects import GroupKind, Obj
from capstan.api.rules.contract import External
from capstan.api.struct import decode
from capstan.controllers.machineset.snapshot import MachineSetSnapshot, Template
from capstan.controllers.machineset.status import compute_status
from capstan.runtime.plan import Outcomes

LONG_AGO = "2026-01-01T11:40:00Z"
JUST_NOW = "2026-01-01T11:59:00Z"
TYPES = {"Healthy": "HealthCheckSucceeded", "Remediated": "OwnerRemediated"}


def a_machine(name: str, legacy: Obj | None = None, conditions: Obj | None = None, **meta: Any) -> Machine:
    """`conditions` are by type: "False", or (status, reason, message)."""
    found = []
    for type, stated in (conditions or {}).items():
        value, reason, message = stated if isinstance(stated, tuple) else (stated, type, "")
        found.append({"type": TYPES.get(type, type), "status": value, "reason": reason, "message": message})
    status: Obj = {"conditions": found, "nodeRef": {"name": name}}
    if meta.get("deletionTimestamp"):
        status["deletion"] = {"nodeDrainStartTime": meta["deletionTimestamp"]}
    if legacy:
        status["deprecated"] = {"v1beta1": {"conditions": [{"type": "Ready", **legacy}]}}
    return decode({"metadata": {"name": name, **meta}, "status": status}, Machine)


def template(group: str, kind: str, is_there: bool) -> Template:
    found = {"metadata": {"name": "workers"}} if is_there else None
    return Template(External(GroupKind(group, kind), "workers", object=found))


def snapshot(
    replicas: int | None,
    *machines: Machine,
    deleting: bool = False,
    there: tuple[bool, bool] = (True, True),
    **parts: Any,
) -> MachineSetSnapshot:
    declared = machine_set("pool", 1)
    declared["spec"]["replicas"] = replicas
    if deleting:
        declared["metadata"]["deletionTimestamp"] = JUST_NOW
    return MachineSetSnapshot(
        machine_set=decode(declared, MachineSet),
        now=START,
        cluster=decode({"metadata": {"name": "homelab"}}, Cluster),
        machines=machines,
        bootstrap=template(BOOTSTRAP, "LabConfigTemplate", there[0]),
        infrastructure=template(INFRA, "LabMachineTemplate", there[1]),
        **parts,
    )


def said(found: MachineSetSnapshot, type: str) -> tuple[str, str, str]:
    conditions = compute_status(found, Outcomes()).status.conditions
    return next((c.status, c.reason, c.message) for c in conditions if c.type == type)


def control_plane(**status: Any) -> External:
    obj = {"metadata": {"name": "homelab", "namespace": "default"}, "spec": {"version": "v1.34.2"}, "status": status}
    return External(GroupKind(CONTROL_PLANE, "LabControlPlane"), "homelab", object=obj)


GOING = a_machine("a", deletionTimestamp=JUST_NOW)
STALE = a_machine("b", deletionTimestamp=LONG_AGO)
DRAINS = a_machine(
    "c",
    conditions={
        "Deleting": (
            "True",
            "DrainingNode",
            "* Pod x: cannot evict pod as it would violate the pod's disruption budget.",
        )
    },
    deletionTimestamp=LONG_AGO,
)
SICK = a_machine("s", conditions={"Healthy": "False"})
AWAITED = a_machine(
    "w", conditions={"Healthy": "False", "Remediated": ("False", "WaitingForRemediation", "Waiting for remediation")}
)
HEALED = a_machine(
    "h", conditions={"Healthy": "True", "Remediated": ("False", "WaitingForRemediation", "Waiting for remediation")}
)
BLOCKED = "Scaling up from 0 to 2 replicas is blocked because:\n* "


@pytest.mark.parametrize(
    ("found", "type", "expected"),
    [
        (snapshot(None), "ScalingUp", ("Unknown", "WaitingForReplicasSet", "Waiting for spec.replicas set")),
        (snapshot(None), "ScalingDown", ("Unknown", "WaitingForReplicasSet", "Waiting for spec.replicas set")),
        (snapshot(0), "ScalingUp", ("False", "NotScalingUp", "")),
        (
            snapshot(0, there=(True, False)),
            "ScalingUp",
            (
                "False",
                "NotScalingUp",
                "Scaling up would be blocked because LabMachineTemplate does not exist: create LabMachineTemplate "
                "workers, or correct the reference in spec.template.spec",
            ),
        ),
        (snapshot(0, deleting=True, there=(False, False)), "ScalingUp", ("False", "NotScalingUp", "")),
        (
            snapshot(2, control_plane=control_plane(version="v1.34.1"), there=(False, True)),
            "ScalingUp",
            (
                "True",
                "ScalingUp",
                f'{BLOCKED}LabControlPlane default/homelab is upgrading ("ControlPlaneIsStable" preflight check '
                "failed)\n* no CustomResourceDefinition serves LabMachine\n* LabConfigTemplate does not exist: create "
                "LabConfigTemplate workers, or correct the reference in spec.template.spec",
            ),
        ),
        (snapshot(1, GOING), "ScalingDown", ("False", "NotScalingDown", "")),
        (snapshot(0, GOING), "ScalingDown", ("True", "ScalingDown", "Scaling down from 1 to 0 replicas")),
        (
            snapshot(0, GOING, STALE),
            "ScalingDown",
            (
                "True",
                "ScalingDown",
                "Scaling down from 2 to 0 replicas\n* Machine b is in deletion since more than 15m",
            ),
        ),
        (snapshot(2, deleting=True), "Deleting", ("True", "Deleting", "Deletion completed")),
        (snapshot(2, GOING, deleting=True), "Deleting", ("True", "Deleting", "Deleting 1 Machine")),
        (
            snapshot(2, STALE, DRAINS, deleting=True),
            "Deleting",
            (
                "True",
                "Deleting",
                "Deleting 2 Machines\n* Machines b, c are in deletion since more than 15m, delay likely due to "
                "PodDisruptionBudgets",
            ),
        ),
        (snapshot(0), "MachinesReady", ("True", "NoReplicas", "")),
        (snapshot(0), "MachinesUpToDate", ("True", "NoReplicas", "")),
        (snapshot(1, HEALED), "Remediating", ("False", "NotRemediating", "")),
        (
            snapshot(1, SICK),
            "Remediating",
            ("False", "NotRemediating", "Machine s is not healthy (not to be remediated by MachineSet)"),
        ),
        (
            snapshot(2, SICK, AWAITED),
            "Remediating",
            ("True", "Remediating", "* Machine w: Waiting for remediation"),
        ),
    ],
)
def test_conditions_word_for_word(found: MachineSetSnapshot, type: str, expected: tuple[str, str, str]) -> None:
    assert said(found, type) == expected


READY, UP_TO_DATE = ("True", "Ready", ""), ("True", "UpToDate", "")
DRAINING = """Drain not completed yet (started at 2026-01-01T11:50:00Z):
* Pods one, two: deletionTimestamp set, but still not removed from the Node
* Pod three: cannot evict pod as it would violate the pod's disruption budget. The disruption budget b needs 20 healthy
* Pod four: failed to evict Pod, some other error 1
* Pod five: waiting for completion
After above Pods have been removed from the Node, the following Pods will be evicted: six"""
LONG = "is in deletion since more than 15m"
PENDING = "in-place-updates.internal.cluster.x-k8s.io/pending-acknowledge-move"


def stale(name: str, message: str = "") -> Machine:
    told = {"Deleting": ("True", "DrainingNode", message)} if message else {}
    return a_machine(name, conditions=told, deletionTimestamp=LONG_AGO)


def ready(name: str, status: str, reason: str, message: str) -> Machine:
    return a_machine(name, conditions={"Ready": (status, reason, message)})


def up_to_date(name: str, status: str, reason: str, message: str = "") -> Machine:
    return a_machine(name, conditions={"UpToDate": (status, reason, message)})


DEFERRED = a_machine(
    "d",
    conditions={"Healthy": "False", "Remediated": ("False", "RemediationDeferred", "* the control plane is upgrading")},
)
OLD = "This is not up-to-date message"


@pytest.mark.parametrize(
    ("machines", "type", "expected"),
    [
        # Machines on their way out, and what holds them; three are named.
        (
            [stale("s1", DRAINING), a_machine("m2")],
            "ScalingDown",
            (
                2,
                f"Machine s1 {LONG}, delay likely due to "
                "PodDisruptionBudgets, Pods not terminating, Pod eviction errors, Pods not completed yet",
            ),
        ),
        (
            [stale("s3"), stale("s1"), stale("s2"), a_machine("m")],
            "ScalingDown",
            (4, "Machines s1, s2, s3 are in deletion since more than 15m"),
        ),
        (
            [stale("s5"), stale("s4"), stale("s2"), stale("s3"), stale("s1"), a_machine("m")],
            "ScalingDown",
            (6, "Machines s1, s2, s3, ... (2 more) are in deletion since more than 15m"),
        ),
    ],
)
def test_who_takes_long_to_go_is_named(machines: list[Machine], type: str, expected: tuple[int, str]) -> None:
    count, line = expected
    message = f"Scaling down from {count} to 1 replicas\n* {line}"
    assert said(snapshot(1, *machines), type) == ("True", "ScalingDown", message)


def test_a_drain_that_has_just_begun_has_nothing_to_explain() -> None:
    fresh = decode(
        {
            "metadata": {"name": "s1", "deletionTimestamp": LONG_AGO},
            "status": {
                "deletion": {"nodeDrainStartTime": "2026-01-01T11:56:00Z"},
                "conditions": [{"type": "Deleting", "status": "True", "reason": "DrainingNode", "message": DRAINING}],
            },
        },
        Machine,
    )
    assert said(snapshot(0, fresh, deleting=True), "Deleting")[2] == f"Deleting 1 Machine\n* Machine s1 {LONG}"


def test_machines_that_nobody_has_counted_yet_are_not_too_many() -> None:
    handed_over = a_machine("m2", annotations={PENDING: ""})
    assert said(snapshot(1, a_machine("m1"), handed_over), "ScalingDown") == ("False", "NotScalingDown", "")


@pytest.mark.parametrize(
    ("machines", "type", "expected"),
    [
        ([ready("m1", *READY)], "MachinesReady", READY),
        ([ready("m1", *READY), ready("m2", *READY)], "MachinesReady", READY),
        (
            [ready("m1", *READY), a_machine("m2")],
            "MachinesReady",
            ("Unknown", "ReadyUnknown", "* Machine m2: Condition Ready not yet reported"),
        ),
        (
            [
                ready("m1", *READY),
                ready("m2", "False", "SomeReason", "HealthCheckSucceeded: Some message"),
                ready("m3", "Unknown", "SomeUnknownReason", "Some unknown message"),
                ready("m4", "False", "Deleting", "Deleting: Machine deletion in progress, stage: DrainingNode"),
            ],
            "MachinesReady",
            (
                "False",
                "NotReady",
                "* Machine m2: HealthCheckSucceeded: Some message\n"
                "* Machine m4: Deleting: Machine deletion in progress, stage: DrainingNode\n"
                "* Machine m3: Some unknown message",
            ),
        ),
        ([up_to_date("m1", "True", "some-reason")], "MachinesUpToDate", UP_TO_DATE),
        (
            [up_to_date("m1", "Unknown", "r", "some unknown message")],
            "MachinesUpToDate",
            ("Unknown", "UpToDateUnknown", "* Machine m1: some unknown message"),
        ),
        (
            [up_to_date("m1", "False", "r", "some message")],
            "MachinesUpToDate",
            ("False", "NotUpToDate", "* Machine m1: some message"),
        ),
        (
            [a_machine("m1", creationTimestamp=LONG_AGO), a_machine("m2", creationTimestamp="2026-01-01T11:59:55Z")],
            "MachinesUpToDate",
            ("Unknown", "UpToDateUnknown", "* Machine m1: Condition UpToDate not yet reported"),
        ),
        (
            [
                up_to_date("u1", "True", "r"),
                up_to_date("u2", "True", "r"),
                up_to_date("n1", "False", "r", OLD),
                up_to_date("n2", "False", "r", OLD),
                a_machine("x1", creationTimestamp=LONG_AGO),
                a_machine("x2", creationTimestamp=LONG_AGO),
            ],
            "MachinesUpToDate",
            (
                "False",
                "NotUpToDate",
                f"* Machines n1, n2: {OLD}\n* Machines x1, x2: Condition UpToDate not yet reported",
            ),
        ),
        ([a_machine("m1"), a_machine("m2")], "Remediating", ("False", "NotRemediating", "")),
        (
            [SICK, AWAITED, DEFERRED],
            "Remediating",
            (
                "True",
                "Remediating",
                "* Machine d:\n  * the control plane is upgrading\n* Machine w: Waiting for remediation",
            ),
        ),
        (
            [SICK, a_machine("t", conditions={"Healthy": "False"}), a_machine("u")],
            "Remediating",
            ("False", "NotRemediating", "Machines s, t are not healthy (not to be remediated by MachineSet)"),
        ),
    ],
)
def test_what_machines_say_is_merged(machines: list[Machine], type: str, expected: tuple[str, str, str]) -> None:
    assert said(snapshot(len(machines), *machines), type) == expected


ALL = {"Ready": "True", "Available": "True", "UpToDate": "True"}
UPDATING = {"in-place-updates.internal.cluster.x-k8s.io/update-in-progress": ""}


@pytest.mark.parametrize(
    ("machines", "expected"),
    [
        ([], (0, 0, 0, 0)),
        ([a_machine(s, conditions={"Ready": s}) for s in ("True", "False", "Unknown")], (3, 1, 0, 0)),
        ([a_machine(s, conditions={"Available": s}) for s in ("True", "False", "Unknown")], (3, 0, 1, 0)),
        ([a_machine(s, conditions={"UpToDate": s}) for s in ("True", "False", "Unknown")], (3, 0, 0, 1)),
        ([a_machine("m", conditions=ALL)], (1, 1, 1, 1)),
        ([a_machine("m", conditions=ALL, annotations=UPDATING)], (1, 0, 0, 0)),
    ],
)
def test_only_what_is_true_counts(machines: list[Machine], expected: tuple[int, int, int, int]) -> None:
    status = compute_status(snapshot(1, *machines), Outcomes()).status
    counted = (status.replicas, status.ready_replicas, status.available_replicas, status.up_to_date_replicas)
    assert counted == expected


def test_a_hook_that_waits_for_the_machine_means_that_it_is_updating() -> None:
    hook = {"runtime.cluster.x-k8s.io/pending-hooks": "UpdateMachine"}
    status = compute_status(snapshot(1, a_machine("m", conditions=ALL, annotations=hook)), Outcomes()).status
    assert (status.replicas, status.ready_replicas) == (1, 0)


def test_versions_are_those_that_run_else_those_that_are_asked_for() -> None:
    def versioned(name: str, asked: str, runs: str = "") -> Machine:
        info = {"nodeInfo": {"kubeletVersion": runs}} if runs else {}
        return decode({"metadata": {"name": name}, "spec": {"version": asked}, "status": info}, Machine)

    machines = versioned("a", "v1.31.1"), versioned("b", "v1.32.0", "v1.31.1"), versioned("c", "v1.32.0")
    status = compute_status(snapshot(3, *machines), Outcomes()).status
    assert [(v.version, v.replicas) for v in status.versions] == [("v1.31.1", 2), ("v1.32.0", 1)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (snapshot(0), ("True", "", "", "")),
        (
            snapshot(2, control_plane=control_plane(version="v1.34.1"), there=(False, False)),
            (
                "False",
                "Error",
                "PreflightCheckFailed",
                'LabControlPlane default/homelab is upgrading ("ControlPlaneIsStable" preflight check failed)',
            ),
        ),
        (
            snapshot(2, there=(False, True)),
            ("False", "Error", "BootstrapTemplateCloningFailed", "LabConfigTemplate workers does not exist"),
        ),
    ],
)
def test_why_machines_are_not_created_is_told_to_clients_of_v1beta1(
    found: MachineSetSnapshot, expected: tuple[str, str, str, str]
) -> None:
    assert legacies(found)["MachinesCreated"] == expected


def legacies(found: MachineSetSnapshot) -> dict[str, tuple[str, str, str, str]]:
    conditions = compute_status(found, Outcomes()).status.deprecated.v1beta1.conditions
    return {c.type: (c.status, c.severity, c.reason, c.message) for c in conditions}


def test_older_conditions_tell_whose_problem_it_is_and_when_it_is_really_done() -> None:
    bad = {"status": "False", "severity": "Error", "reason": "NoRoom", "message": "the storage is full"}
    machines = a_machine("a", {"status": "True"}), a_machine("b", bad), a_machine("c")
    told = legacies(snapshot(3, *machines))
    assert told["MachinesReady"] == ("False", "Error", "NoRoom @ Machine/b", "1 of 3 completed")
    assert told["Ready"][:3] == ("False", "Error", "NoRoom @ Machine/b")
    assert "Resized" not in told, "the Machines are made, their nodes are not ready"
    ready = a_machine("a", {"status": "True"}, {"NodeReady": "True"})
    told = legacies(snapshot(1, ready))
    assert told["Resized"] == told["MachinesReady"] == told["Ready"] == ("True", "", "", "")
    assert legacies(snapshot(2, ready))["Resized"] == (
        "False",
        "Warning",
        "ScalingUp",
        "Scaling up MachineSet to 2 replicas (actual 1)",
    )


def test_machines_are_only_made_when_the_control_plane_can_be_read() -> None:
    missing = External(GroupKind(CONTROL_PLANE, "LabControlPlane"), "homelab")
    _, _, message = said(snapshot(2, control_plane=missing), "ScalingUp")
    assert message.splitlines()[1] == "* LabControlPlane homelab does not exist"
