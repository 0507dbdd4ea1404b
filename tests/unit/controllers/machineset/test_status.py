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
        status, reason, message = stated if isinstance(stated, tuple) else (stated, type, "")
        found.append({"type": TYPES.get(type, type), "status": status, "reason": reason, "message": message})
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
