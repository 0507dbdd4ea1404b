"""Each condition of a Machine, word for word, by what its host, its Node and its owners say (2.3, 2.8)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.controllers.machine.build import (
    REACHED,
    at,
    cluster,
    machine,
    missing,
    node,
    provider,
    said,
    snapshot,
    unreadable,
)

from capstan.api.cluster.machine import Machine, MachineStatus
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.meta import Condition
from capstan.api.objects import Obj
from capstan.api.rules.conditions import put_conditions
from capstan.api.struct import decode
from capstan.controllers.machine.plan.drain.stage import Stage
from capstan.controllers.machine.snapshot import MachineSnapshot
from capstan.controllers.machine.status import compute_status
from capstan.controllers.machine.status.readiness import (
    available_condition,
    ready_condition,
    up_to_date_condition,
    updating_condition,
)
from capstan.runtime.plan import Outcomes

Told = tuple[str, str, str]


def seen(found: MachineSnapshot) -> Machine:
    after = compute_status(found, Outcomes())
    assert after is not None
    return after


def told(found: MachineSnapshot, type: str) -> Told:
    condition = next(c for c in seen(found).status.conditions if c.type == type)
    return condition.status, condition.reason, condition.message


# Providers

DONE = {"initialization": {"infrastructureProvisioned": True, "bootstrapDataSecretCreated": True}}
WRONG = "failed to convert status.conditions from {} to []metav1.Condition: status must be set for the Ready condition"
ADVICE = "{0} does not exist: create {0} m, or correct the reference to it"


@pytest.mark.parametrize(
    ("part", "kind", "type", "flag"),
    [
        ("bootstrap", "LabConfig", "BootstrapConfigReady", "dataSecretCreated"),
        ("infrastructure", "LabMachine", "InfrastructureReady", "provisioned"),
    ],
)
def test_what_a_provider_reports(part: str, kind: str, type: str, flag: str) -> None:
    def of(found: Any, *, deleting: bool = False, done: bool = False) -> MachineSnapshot:
        given = machine(deleting=1 if deleting else None, status=DONE if done else {})
        return snapshot(given, **{part: found})

    advice = ("False", "ObjectDoesNotExist", ADVICE.format(kind))
    gone = ("False", "ObjectDeleted", f"{kind} has been deleted while the Machine still exists")
    not_yet = provider(kind, status={"initialization": {flag: False}})
    rows: list[tuple[MachineSnapshot, Told]] = [
        (of(provider(kind, said("Ready", "True", "m", ""))), ("True", "Ready", "m")),
        (of(provider(kind, said("Ready", "False", "m", "SomeReason"))), ("False", "SomeReason", "m")),
        (of(not_yet), ("False", "NotReady", f"{kind} status.initialization.{flag} is false")),
        (of(not_yet, done=True), ("True", "Ready", "")),
        (of(provider(kind, {"type": "Ready"})), ("Unknown", "InvalidConditionReported", WRONG.format(kind))),
        (of(unreadable(kind)), ("Unknown", "InternalError", "Waiting: no answer")),
        (of(unreadable(kind), deleting=True), ("Unknown", "InternalError", "Waiting: no answer")),
        (of(missing(kind), deleting=True, done=True), ("False", "ObjectDeleted", f"{kind} has been deleted")),
        (of(missing(kind), deleting=True), advice),
        (of(missing(kind), done=True), gone if part == "infrastructure" else advice),
        (of(missing(kind)), advice),
    ]
    for number, (found, expected) in enumerate(rows):
        assert told(found, type) == expected, number


def test_a_data_secret_of_the_users_own_is_enough() -> None:
    own = machine(spec={"bootstrap": {"dataSecretName": "mine"}})
    assert told(snapshot(own, bootstrap=None), "BootstrapConfigReady") == ("True", "DataSecretProvided", "")


# The Node

CALM = [said(name, "False") for name in ("MemoryPressure", "DiskPressure", "PIDPressure")]
WELL = [said("Ready", "True", "kubelet is posting ready status"), *CALM]
ALL = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (WELL, ("True", "NodeHealthy", "")),
        (
            [said(name, "Unknown", "Foo") for name in ALL],
            ("Unknown", "NodeHealthyUnknown", "* Node.AllConditions: Foo"),
        ),
        (
            [
                said("Ready", "False", "kubelet is not ready"),
                said("MemoryPressure", "True", "kubelet has no memory"),
                said("DiskPressure", "True", "kubelet has no disk"),
                said("PIDPressure", "True", "kubelet has no PIDs"),
            ],
            (
                "False",
                "NodeNotHealthy",
                "* Node.Ready: kubelet is not ready\n* Node.MemoryPressure: kubelet has no memory\n"
                "* Node.DiskPressure: kubelet has no disk\n* Node.PIDPressure: kubelet has no PIDs",
            ),
        ),
        (
            [said("Ready", "False", "not ready"), *CALM],
            ("False", "NodeNotHealthy", "* Node.Ready: not ready"),
        ),
        (
            [said("Ready", "Unknown", "gone"), *CALM],
            ("Unknown", "NodeHealthyUnknown", "* Node.Ready: gone"),
        ),
        (CALM, ("Unknown", "NodeHealthyUnknown", "* Node.Ready: Condition not yet reported")),
        (
            [said("Ready", "False"), *CALM[:2], said("PIDPressure", "Unknown")],
            ("False", "NodeNotHealthy", "* Node.Ready: Condition is False\n* Node.PIDPressure: Condition is Unknown"),
        ),
    ],
)
def test_node_healthy(conditions: list[Obj], expected: Told) -> None:
    assert told(snapshot(node=node(*conditions)), "NodeHealthy") == expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (WELL, ("True", "NodeReady", "")),
        (
            [said("Ready", "False", "kubelet is NOT ready")],
            ("False", "NodeNotReady", "* Node.Ready: kubelet is NOT ready"),
        ),
        ([said("Ready", "Unknown", "")], ("Unknown", "NodeReadyUnknown", "")),
        (CALM, ("Unknown", "NodeReadyUnknown", "* Node.Ready: Condition not yet reported")),
    ],
)
def test_node_ready(conditions: list[Obj], expected: Told) -> None:
    assert told(snapshot(node=node(*conditions)), "NodeReady") == expected


def initialized(ago: float) -> Obj:
    condition = said("ControlPlaneInitialized", "True", lastTransitionTime=at(minutes=ago))
    return {**REACHED, "conditions": [condition]}


KNOWN = {
    "conditions": [said("NodeHealthy", "True", "old", "NodeHealthy"), said("NodeReady", "True", "old", "NodeReady")]
}
OLD_HEALTH: Told = ("True", "NodeHealthy", "old")
JOINED = {"nodeRef": {"name": "n"}}
SILENT: Any = {"nodes_problem": "no answer", "node": None}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            snapshot(cluster=cluster(status={})),
            (
                "Unknown",
                "InspectionFailed",
                "Waiting for Cluster status.initialization.infrastructureProvisioned to be true",
            ),
        ),
        (
            snapshot(cluster=cluster(status={"initialization": {"infrastructureProvisioned": True}})),
            ("Unknown", "InspectionFailed", "Waiting for Cluster control plane to be initialized"),
        ),
        (snapshot(machine(deleting=1, status=JOINED)), ("False", "NodeDeleted", "Node n has been deleted")),
        (snapshot(machine(deleting=1)), ("Unknown", "NodeDoesNotExist", "Node does not exist")),
        (
            snapshot(machine(status=JOINED)),
            ("False", "NodeDeleted", "Node n has been deleted while the Machine still exists"),
        ),
        (
            snapshot(machine(spec={"providerID": "foo://n"})),
            ("Unknown", "InspectionFailed", "Waiting for a Node with spec.providerID foo://n to exist"),
        ),
        (snapshot(), ("Unknown", "InspectionFailed", "Waiting for LabMachine to report spec.providerID")),
        (
            snapshot(machine(status=KNOWN), cluster=cluster(status=initialized(4)), is_connecting=True, **SILENT),
            OLD_HEALTH,
        ),
        (
            snapshot(cluster=cluster(status=initialized(4)), is_connecting=True, **SILENT),
            ("Unknown", "ConnectionDown", "Remote connection not established yet"),
        ),
    ],
)
def test_why_a_node_is_not_known(found: MachineSnapshot, expected: Told) -> None:
    assert told(found, "NodeHealthy") == expected
    ready = told(found, "NodeReady")
    assert ready == (expected if expected != OLD_HEALTH else ("True", "NodeReady", "old"))


@pytest.mark.parametrize(
    ("status", "ago", "initialized_ago", "expected"),
    [
        (KNOWN, 3, 4, OLD_HEALTH),
        ({}, 3, 4, ("Unknown", "ConnectionDown", f"Last successful probe at {at(minutes=3)}")),
        (KNOWN, 6, 7, ("Unknown", "ConnectionDown", f"Last successful probe at {at(minutes=6)}")),
        (KNOWN, 6, 4, OLD_HEALTH),
        (KNOWN, None, 7, ("Unknown", "ConnectionDown", "")),
    ],
    ids=["kept", "never seen", "for too long", "reached since", "never heard of"],
)
def test_a_cluster_that_falls_silent(status: Obj, ago: float | None, initialized_ago: float, expected: Told) -> None:
    found = snapshot(
        machine(status=status),
        cluster=cluster(status=initialized(initialized_ago)),
        last_seen=None if ago is None else machine(creationTimestamp=at(minutes=ago)).metadata.creation_timestamp,
        **SILENT,
    )
    assert told(found, "NodeHealthy") == expected


# Updating, UpToDate

PROGRESS = "in-place-updates.internal.cluster.x-k8s.io/update-in-progress"
HOOKS = "runtime.cluster.x-k8s.io/pending-hooks"
GOES_ON: Told = ("True", "InPlaceUpdating", "In-place update in progress")


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({}, ("False", "NotUpdating", "")),
        ({HOOKS: "Other"}, ("False", "NotUpdating", "")),
        ({PROGRESS: ""}, GOES_ON),
        ({PROGRESS: "", HOOKS: "UpdateMachine"}, GOES_ON),
        ({HOOKS: "Other,UpdateMachine"}, GOES_ON),
    ],
)
@pytest.mark.parametrize("deleting", [None, 1])
def test_updating(annotations: dict[str, str], expected: Told, deleting: int | None) -> None:
    found = snapshot(machine(annotations=annotations, deleting=deleting))
    condition = updating_condition(found, Outcomes())
    assert (condition.status, condition.reason, condition.message) == expected
    phase = "Updating" if expected == GOES_ON else "Pending"
    assert seen(found).status.phase == ("Deleting" if deleting else phase)


def template(version: str) -> Obj:
    refs = {
        "bootstrap": {"configRef": {"apiGroup": "b", "kind": "LabConfigTemplate", "name": "t"}},
        "infrastructureRef": {"apiGroup": "i", "kind": "LabMachineTemplate", "name": "t"},
    }
    return {"template": {"spec": {"clusterName": "homelab", "version": version, **refs}}}


def owned(
    wanted: str = "v1.31.0", has: str = "v1.31.0", *, made: float = 1, after: float | None = None, **parts: Any
) -> MachineSnapshot:
    """By a set that was made so many hours ago, of a deployment that rolls out `after` (hours ago)."""
    rollout = {} if after is None else {"rollout": {"after": at(hours=after)}}
    owner = decode({"spec": {**template(has)}, "metadata": {"creationTimestamp": at(hours=made)}}, MachineSet)
    deployment = decode({"spec": {**template(wanted), **rollout}}, MachineDeployment)
    status = parts.pop("status", {})
    given = machine(spec={"version": "v1.31.0"}, status=status)
    return snapshot(given, machine_set=owner, deployment=deployment, **parts)


def updating(message: str = "") -> Condition:
    return Condition(type="Updating", status="True", reason="InPlaceUpdating", message=message)


CALMLY = Condition(type="Updating", status="False", reason="NotUpdating")
EXPIRED = "* MachineDeployment spec.rolloutAfter expired"


@pytest.mark.parametrize(
    ("found", "update", "expected"),
    [
        (snapshot(), CALMLY, None),
        (snapshot(machine_set=decode({"spec": template("v1.31.0")}, MachineSet)), CALMLY, None),
        (owned(), CALMLY, ("True", "UpToDate", "")),
        (owned(), updating(), ("False", "Updating", "* In-place update in progress")),
        (
            owned(),
            updating("In-place update in progress: x"),
            ("False", "Updating", "* In-place update in progress: x"),
        ),
        (
            owned(status={"nodeInfo": {"kubeletVersion": "v1.30.0"}}),
            CALMLY,
            ("False", "Updating", "* Node.status.nodeInfo.kubeletVersion v1.30.0, v1.31.0 required"),
        ),
        (owned("v1.31.0", "v1.30.0"), CALMLY, ("False", "NotUpToDate", "* Version v1.30.0, v1.31.0 required")),
        (owned("v1.31.0", "v1.30.0"), updating(), ("False", "NotUpToDate", "* Version v1.30.0, v1.31.0 required")),
        (owned(after=-1), CALMLY, ("True", "UpToDate", "")),
        (owned(after=1), CALMLY, ("True", "UpToDate", "")),
        (owned(made=2, after=1), CALMLY, ("False", "NotUpToDate", EXPIRED)),
        (owned(made=1, after=2), CALMLY, ("True", "UpToDate", "")),
        (
            owned("v1.30.0", "v1.31.0", made=2, after=1),
            CALMLY,
            ("False", "NotUpToDate", f"* Version v1.31.0, v1.30.0 required\n{EXPIRED}"),
        ),
    ],
)
def test_up_to_date(found: MachineSnapshot, update: Condition, expected: Told | None) -> None:
    condition = up_to_date_condition(found, update)
    assert (condition and (condition.status, condition.reason, condition.message)) == expected


# Ready, Available

GOOD = [
    said("BootstrapConfigReady", "True"),
    said("InfrastructureReady", "True"),
    said("NodeHealthy", "True"),
    said("Deleting", "False", reason="NotDeleting"),
    said("Updating", "False", reason="NotUpdating"),
]
IN_STAGE = "* Deleting: Machine deletion in progress, stage: {}"
DRAIN = (
    "Drain not completed yet (started at 2024-10-09T16:13:59Z):\n"
    "* Pods a: deletionTimestamp set, but still not removed from the Node\n"
    "* Pod b: cannot evict pod as it would violate the pod's disruption budget. The disruption budget b needs 20\n"
    "* Pod c: failed to evict Pod, some other error 1\n"
    "* Pod d: waiting for completion"
)
LATE = (
    "* Deleting: Machine deletion in progress since more than 15m, stage: DrainingNode, delay likely due to "
    "PodDisruptionBudgets, Pods not terminating, Pod eviction errors, Pods not completed yet"
)
GATES = [{"conditionType": "MyGate"}, {"conditionType": "MyNegative", "polarity": "Negative"}]
PODS = [{"conditionType": name} for name in ("APIServerSomething", "ControllerManagerSomething", "EtcdSomething")]


def changed(*conditions: Obj) -> list[Obj]:
    names = {c["type"] for c in conditions}
    return [*(c for c in GOOD if c["type"] not in names), *conditions]


@pytest.mark.parametrize(
    ("found", "stage", "conditions", "expected"),
    [
        (machine(), "", GOOD, ("True", "Ready", "")),
        (
            machine(deleting=0),
            "WaitingForPreDrainHook",
            changed(
                said("BootstrapConfigReady", "False", reason="ObjectDoesNotExist"),
                said("InfrastructureReady", "False", reason="ObjectDeleted"),
                said("NodeHealthy", "False", reason="NodeDeleted"),
            ),
            ("False", "NotReady", IN_STAGE.format("WaitingForPreDrainHook")),
        ),
        (
            machine(),
            "",
            changed(said("Updating", "True", "In-place update in progress")),
            ("False", "NotReady", "* Updating: In-place update in progress"),
        ),
        (machine(deleting=0), "DrainingNode", GOOD, ("False", "NotReady", IN_STAGE.format("DrainingNode"))),
        (
            machine(deleting=16, status={"deletion": {"nodeDrainStartTime": at(minutes=6)}}),
            "DrainingNode",
            GOOD,
            ("False", "NotReady", LATE),
        ),
        (
            machine(deleting=16, status={"deletion": {"nodeDrainStartTime": at(minutes=4)}}),
            "DrainingNode",
            GOOD,
            ("False", "NotReady", LATE.partition(", delay")[0]),
        ),
        (
            machine(deleting=16, status={"deletion": {"waitForNodeVolumeDetachStartTime": at(minutes=6)}}),
            "WaitingForVolumeDetach",
            GOOD,
            (
                "False",
                "NotReady",
                "* Deleting: Machine deletion in progress since more than 15m, stage: WaitingForVolumeDetach",
            ),
        ),
        (
            machine(),
            "",
            changed(said("HealthCheckSucceeded", "False", "Some message")),
            ("False", "NotReady", "* HealthCheckSucceeded: Some message"),
        ),
        (
            machine(spec={"readinessGates": GATES}),
            "",
            changed(said("MyGate", "False", "Some message"), said("MyNegative", "True", "Some other message")),
            ("False", "NotReady", "* MyGate: Some message\n* MyNegative: Some other message"),
        ),
        (
            machine(spec={"readinessGates": PODS}),
            "",
            changed(
                *(said(gate["conditionType"], "False", "Some control plane message") for gate in PODS[:2]),
                said("EtcdSomething", "False", "Some etcd message"),
            ),
            (
                "False",
                "NotReady",
                "* Control plane components: Some control plane message\n* EtcdSomething: Some etcd message",
            ),
        ),
        (
            machine(),
            "",
            [],
            (
                "Unknown",
                "ReadyUnknown",
                "\n".join(
                    f"* {type}: Condition not yet reported"
                    for type in ("Deleting", "Updating", "BootstrapConfigReady", "InfrastructureReady", "NodeHealthy")
                ),
            ),
        ),
    ],
)
def test_ready(found: Machine, stage: str, conditions: list[Obj], expected: Told) -> None:
    reported = decode({"conditions": conditions}, MachineStatus).conditions
    deleting = Condition(type="Deleting", status="True", reason=stage, message=DRAIN)
    where = Stage(stage, DRAIN) if stage else None
    ready = ready_condition(
        snapshot(found), put_conditions((), reported, generation=1, now=snapshot().now), where, deleting
    )
    assert (ready.status, ready.reason, ready.message) == expected


FOO = "* BootstrapConfigReady: Foo"


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        ({"HealthCheckSucceeded": "Foo"}, "* HealthCheckSucceeded: Foo"),
        (
            {"APIServerX": "w", "ControllerManagerX": "w", "SchedulerX": "w", "EtcdX": "w"},
            "* Control plane components: w\n* EtcdX: w",
        ),
        (
            {"APIServerX": "w", "ControllerManagerX": "other", "SchedulerX": "w"},
            "* APIServerX: w\n* ControllerManagerX: other\n* SchedulerX: w",
        ),
        ({"APIServerX": "w", "EtcdX": "other"}, "* APIServerX: w\n* EtcdX: other"),
        (
            {"APIServerX": "w", "SchedulerX": "w", "EtcdPodHealthy": "w", "EtcdX": "other"},
            "* Control plane components: w\n* EtcdX: other",
        ),
        (
            {"APIServerX": "w", "SchedulerX": "w", "EtcdPodHealthy": "other"},
            "* APIServerX: w\n* SchedulerX: w\n* EtcdPodHealthy: other",
        ),
        ({"EtcdPodHealthyX": "w", "APIServerX": "w"}, "* EtcdPodHealthyX: w\n* APIServerX: w"),
    ],
)
def test_components_that_say_the_same(gates: dict[str, str], expected: str) -> None:
    found = machine(spec={"readinessGates": [{"conditionType": name} for name in gates]})
    listed = changed(said("BootstrapConfigReady", "False", "Foo"), *(said(n, "False", m) for n, m in gates.items()))
    reported = decode({"conditions": listed}, MachineStatus).conditions
    ready = ready_condition(snapshot(found), reported, None, CALMLY)
    assert ready.message == f"{FOO}\n{expected}"


@pytest.mark.parametrize(
    ("conditions", "needed", "expected"),
    [
        ([said("Ready", "False")], 10, ("False", "NotReady", "")),
        ([said("Ready", "Unknown")], 0, ("False", "NotReady", "")),
        ([said("Ready", "True", lastTransitionTime=at(seconds=5))], 10, ("False", "WaitingForMinReadySeconds", "")),
        ([said("Ready", "True", lastTransitionTime=at(seconds=10))], 10, ("True", "Available", "")),
        ([said("Ready", "True", lastTransitionTime=at(seconds=0))], 0, ("True", "Available", "")),
    ],
)
def test_available(conditions: list[Obj], needed: int, expected: Told) -> None:
    reported = decode({"conditions": conditions}, MachineStatus).conditions
    found = available_condition(snapshot(machine(spec={"minReadySeconds": needed})), reported)
    assert (found.status, found.reason, found.message) == expected


# Phase

HOST = {"initialization": {"infrastructureProvisioned": True, "bootstrapDataSecretCreated": True}}
DATA = {"initialization": {"bootstrapDataSecretCreated": True}}


@pytest.mark.parametrize(
    ("found", "phase"),
    [
        (machine(), "Pending"),
        (machine(status=DATA), "Provisioning"),
        (machine(status=HOST, spec={"providerID": "x://n"}), "Provisioned"),
        (machine(status={**HOST, **JOINED}, spec={"providerID": "x://n"}), "Running"),
        (machine(status={**DATA, **JOINED}, spec={"providerID": "x://n"}), "Provisioned"),
        (machine(status={**HOST, **JOINED}, annotations={PROGRESS: ""}), "Updating"),
        (machine(status={**HOST, **JOINED}, annotations={PROGRESS: ""}, deleting=1), "Deleting"),
    ],
)
def test_phase(found: Machine, phase: str) -> None:
    after = seen(snapshot(found)).status
    assert after.phase == phase
    assert after.last_updated == snapshot().now.replace(microsecond=0)
