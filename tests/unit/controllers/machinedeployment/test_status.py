"""MachineDeployment: what its conditions say, word for word, its phase, and what clients of v1beta1 read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.controllers.lab import deployment
from tests.unit.controllers.machineset.test_status import GOING, JUST_NOW, SICK, STALE, a_machine
from tests.unit.controllers.world import BOOTSTRAP, INFRA, START

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.objects import GroupKind, Obj
from capstan.api.rules.contract import External
from capstan.api.struct import decode, encode
from capstan.controllers.machinedeployment.plan.shape import new_machine_set
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.controllers.machinedeployment.status import compute_status
from capstan.runtime.plan import Outcomes

SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "34%"}}


def a_set(declared: Obj, replicas: int, available: int, legacy: Obj | None = None) -> MachineSet:
    """The current set of a deployment, as it reports of itself."""
    made = encode(new_machine_set(decode(declared, MachineDeployment), "abcde"))
    status: Obj = {"replicas": replicas, "readyReplicas": available, "availableReplicas": available}
    older: Obj = {"readyReplicas": available, "availableReplicas": available}
    if legacy:
        older["conditions"] = [{"type": "Ready", **legacy}]
    status["deprecated"] = {"v1beta1": older}
    return decode({**made, "spec": {**made["spec"], "replicas": replicas}, "status": status}, MachineSet)


def snapshot(
    replicas: int | None,
    have: tuple[int, int] | None = (0, 0),
    *machines: Machine,
    deleting: bool = False,
    missing: tuple[str, ...] = (),
    legacy: Obj | None = None,
    **spec: Any,
) -> MachineDeploymentSnapshot:
    """`have` is how many Machines its set has, and how many are available; None for no set."""
    declared = deployment("workers", 1, **spec)
    declared["spec"]["replicas"] = replicas
    if deleting:
        declared["metadata"]["deletionTimestamp"] = JUST_NOW
    found = {
        kind: External(GroupKind(group, kind), "workers", object=None if kind in missing else {"metadata": {}})
        for group, kind in ((BOOTSTRAP, "LabConfigTemplate"), (INFRA, "LabMachineTemplate"))
    }
    return MachineDeploymentSnapshot(
        deployment=decode(declared, MachineDeployment),
        now=START,
        cluster=decode({"metadata": {"name": "homelab"}}, Cluster),
        machine_sets=() if have is None else (a_set(declared, *have, legacy),),
        machines=machines,
        bootstrap=found["LabConfigTemplate"],
        infrastructure=found["LabMachineTemplate"],
    )


BOTH = ("LabConfigTemplate", "LabMachineTemplate")
ADVICE = (
    "LabConfigTemplate and LabMachineTemplate do not exist: create LabConfigTemplate workers and LabMachineTemplate "
    "workers, or correct the reference in spec.template.spec"
)


@pytest.mark.parametrize(
    ("found", "type", "expected"),
    [
        (snapshot(None), "Available", ("Unknown", "WaitingForReplicasSet", "Waiting for spec.replicas set")),
        (
            snapshot(3, None),
            "Available",
            ("Unknown", "WaitingForAvailableReplicasSet", "Waiting for status.availableReplicas set"),
        ),
        (snapshot(3, (3, 2), rollout={"strategy": SURGE}), "Available", ("True", "Available", "")),
        (
            snapshot(3, (3, 1), rollout={"strategy": SURGE}),
            "Available",
            (
                "False",
                "NotAvailable",
                "1 available replicas, at least 2 required (spec.strategy.rollout.maxUnavailable is 34%, "
                "spec.replicas is 3)",
            ),
        ),
        (
            snapshot(3, (3, 1), rollout={"strategy": {"type": "OnDelete"}}),
            "Available",
            ("False", "NotAvailable", "1 available replicas, at least 3 required"),
        ),
        (snapshot(3, (3, 3), deleting=True), "Available", ("True", "Available", "")),
        (snapshot(3, (2, 2), deleting=True), "Available", ("False", "NotAvailable", "Deletion in progress")),
        (snapshot(3, (1, 1)), "ScalingUp", ("True", "ScalingUp", "Scaling up from 1 to 3 replicas")),
        (
            snapshot(3, None, missing=BOTH),
            "ScalingUp",
            ("True", "ScalingUp", f"Scaling up from 0 to 3 replicas is blocked because {ADVICE}"),
        ),
        (
            snapshot(1, (1, 1), missing=BOTH),
            "ScalingUp",
            ("False", "NotScalingUp", f"Scaling up would be blocked because {ADVICE}"),
        ),
        (
            snapshot(1, (2, 2), GOING, STALE),
            "ScalingDown",
            (
                "True",
                "ScalingDown",
                "Scaling down from 2 to 1 replicas\n* Machine b is in deletion since more than 15m",
            ),
        ),
        (
            snapshot(1, (1, 0), SICK),
            "Remediating",
            (
                "False",
                "NotRemediating",
                "Machine s is not healthy (not to be remediated by MachineDeployment/MachineSet)",
            ),
        ),
        (snapshot(1, (1, 0), GOING, deleting=True), "Deleting", ("True", "Deleting", "Deleting 1 Machine")),
        (snapshot(1, (0, 0), deleting=True), "Deleting", ("True", "Deleting", "Deleting 1 MachineSets")),
        (snapshot(1, None, deleting=True), "Deleting", ("True", "Deleting", "Deletion completed")),
        (
            snapshot(
                3,
                (3, 3),
                a_machine("a", conditions={"UpToDate": ("False", "NotUpToDate", "* Failure domain a, b required")}),
                a_machine(
                    "b",
                    conditions={
                        "UpToDate": (
                            "False",
                            "NotUpToDate",
                            "* Failure domain a, b required\n* Version v1, v2 required",
                        )
                    },
                ),
                a_machine("c", conditions={"UpToDate": "True"}),
            ),
            "RollingOut",
            (
                "True",
                "RollingOut",
                "Rolling out 2 not up-to-date replicas\n* Version v1, v2 required\n* Failure domain a, b required",
            ),
        ),
    ],
)
def test_conditions_word_for_word(found: MachineDeploymentSnapshot, type: str, expected: tuple[str, str, str]) -> None:
    conditions = compute_status(found, Outcomes()).status.conditions
    assert next((c.status, c.reason, c.message) for c in conditions if c.type == type) == expected


@pytest.mark.parametrize(
    ("found", "phase"),
    [
        (snapshot(None), "Unknown"),
        (snapshot(2, (2, 0)), "Running"),
        (snapshot(2, (1, 1)), "ScalingUp"),
        (snapshot(2, (3, 3)), "ScalingDown"),
        (snapshot(2, (2, 2), deleting=True), "ScalingDown"),
    ],
)
def test_phases(found: MachineDeploymentSnapshot, phase: str) -> None:
    assert compute_status(found, Outcomes()).status.phase == phase


def test_clients_of_v1beta1_read_what_the_set_says_and_what_is_asked_for() -> None:
    bad = {"status": "False", "severity": "Error", "reason": "NoRoom", "message": "full"}
    old = compute_status(snapshot(3, (3, 1), legacy=bad), Outcomes()).status.deprecated.v1beta1
    assert (old.updated_replicas, old.available_replicas, old.unavailable_replicas) == (3, 1, 2)
    told = {c.type: (c.status, c.severity, c.reason, c.message) for c in old.conditions}
    assert told["MachineSetReady"][:2] == ("False", "Error")
    assert told["MachineSetReady"][2] == "NoRoom"
    short = "Minimum availability requires 3 replicas, current 1 available"
    assert told["Available"] == told["Ready"] == ("False", "Warning", "WaitingForAvailableMachines", short)
    none = compute_status(snapshot(3, None), Outcomes()).status.deprecated.v1beta1
    found = next(c for c in none.conditions if c.type == "MachineSetReady")
    told_of = ("False", "Info", "WaitingForMachineSet", "MachineSet not found")
    assert (found.status, found.severity, found.reason, found.message) == told_of
    enough = compute_status(snapshot(3, (3, 3)), Outcomes()).status.deprecated.v1beta1
    assert next(c.status for c in enough.conditions if c.type == "Available") == "True"


@pytest.mark.parametrize(
    ("current", "others", "expected"),
    [
        ((2, 2, 2, 2), [], (2, 2, 2, 0)),
        ((2, 2, 1, 1), [], (2, 1, 1, 1)),
        ((2, 2, 2, 3), [], (2, 2, 3, 0)),
        ((2, 1, 1, 1), [(3, 3, 3, 2)], (1, 4, 3, 2)),
        ((2, 2, 2, 2), [(0, 0, 0, 0)], (2, 2, 2, 0)),
    ],
    ids=["all run", "one comes", "one goes", "two sets", "an empty set"],
)
def test_the_older_counters_add_up_those_of_the_sets(
    current: tuple[int, ...], others: list[tuple[int, ...]], expected: tuple[int, ...]
) -> None:
    """Of each set: how many it is to have, has, are ready, are available."""

    def counting(found: MachineSet, numbers: tuple[int, ...], name: str) -> MachineSet:
        wanted, have, ready, available = numbers
        made = encode(found)
        older = {"v1beta1": {"readyReplicas": ready, "availableReplicas": available}}
        return decode(
            {
                **made,
                "metadata": {**made["metadata"], "name": name},
                "spec": {**made["spec"], "replicas": wanted},
                "status": {"replicas": have, "deprecated": older},
            },
            MachineSet,
        )

    found = snapshot(2, (2, 2))
    first = found.machine_sets[0]
    template = decode({**encode(first), "spec": {"template": {"spec": {"version": "v1.0.0"}}}}, MachineSet)
    sets = [counting(first, current, "now"), *(counting(template, other, "old") for other in others)]
    old = compute_status(replace(found, machine_sets=tuple(sets)), Outcomes()).status.deprecated.v1beta1
    assert (old.updated_replicas, old.ready_replicas, old.available_replicas, old.unavailable_replicas) == expected


def counted(*statuses: Obj) -> tuple[int | None, ...]:
    sets = [
        decode({"metadata": {"name": f"s{at}"}, "status": status}, MachineSet) for at, status in enumerate(statuses)
    ]
    status = compute_status(replace(snapshot(3, None), machine_sets=tuple(sets)), Outcomes()).status
    return (status.replicas, status.ready_replicas, status.available_replicas, status.up_to_date_replicas)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], (None, None, None, None)),
        ([{}], (None, None, None, None)),
        ([{"replicas": 1}], (1, None, None, None)),
        (
            [
                {"replicas": 6, "readyReplicas": 5, "availableReplicas": 3, "upToDateReplicas": 3},
                {"replicas": 3, "readyReplicas": 2, "availableReplicas": 2, "upToDateReplicas": 1},
                {},
            ],
            # None of them has the present template.
            (9, 7, 5, 0),
        ),
    ],
)
def test_what_no_set_has_counted_yet_is_not_stated(statuses: list[Obj], expected: tuple[int | None, ...]) -> None:
    assert counted(*statuses) == expected


def test_versions_of_all_sets_are_added_up() -> None:
    first = [{"version": "v1.31.1", "replicas": 4}, {"version": "v1.32.0", "replicas": 2}]
    second = [{"version": "v1.32.0", "replicas": 3}]
    sets = [decode({"metadata": {"name": "s"}, "status": {"versions": v}}, MachineSet) for v in (first, second)]
    status = compute_status(replace(snapshot(3, None), machine_sets=tuple(sets)), Outcomes()).status
    assert [(v.version, v.replicas) for v in status.versions] == [("v1.31.1", 4), ("v1.32.0", 5)]


@pytest.mark.parametrize(
    ("machines", "expected"),
    [
        ([], ("False", "NotRollingOut", "")),
        ([a_machine("a", conditions={"UpToDate": "True"})] * 2, ("False", "NotRollingOut", "")),
        (
            [
                a_machine("a", conditions={"UpToDate": "True"}),
                a_machine("b", conditions={"UpToDate": ("Unknown", "InternalError", "")}),
                a_machine(
                    "d",
                    conditions={
                        "UpToDate": (
                            "False",
                            "NotUpToDate",
                            "* Failure domain failure-domain1, failure-domain2 required\n"
                            "* InfrastructureMachine is not up-to-date",
                        )
                    },
                ),
                a_machine(
                    "c", conditions={"UpToDate": ("False", "NotUpToDate", "* Version v1.25.0, v1.26.0 required")}
                ),
            ],
            (
                "True",
                "RollingOut",
                "Rolling out 2 not up-to-date replicas\n"
                "* Version v1.25.0, v1.26.0 required\n"
                "* Failure domain failure-domain1, failure-domain2 required\n"
                "* InfrastructureMachine is not up-to-date",
            ),
        ),
    ],
)
def test_what_rolls_out_begins_with_versions(machines: list[Machine], expected: tuple[str, str, str]) -> None:
    conditions = compute_status(snapshot(3, (3, 3), *machines), Outcomes()).status.conditions
    assert next((c.status, c.reason, c.message) for c in conditions if c.type == "RollingOut") == expected
