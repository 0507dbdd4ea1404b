"""Each condition and counter of a Cluster, word for word, by what its providers and descendants report (1.4, 1.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

import pytest
from tests.unit.controllers.lab import cluster
from tests.unit.controllers.world import CONTROL_PLANE, INFRA, START

from capstan.api.cluster.cluster import Cluster, ClusterStatus
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machinepool import MachinePool
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.replicas import ReplicaCounts
from capstan.api.meta import TypedObject
from capstan.api.objects import GroupKind, Obj, Resource
from capstan.api.rules.conditions import put_conditions
from capstan.api.rules.contract import External
from capstan.api.struct import decode
from capstan.controllers.cluster.plan.deletion import plan_deletion
from capstan.controllers.cluster.snapshot import ClusterSnapshot
from capstan.controllers.cluster.status import compute_status
from capstan.controllers.cluster.status.providers import available_condition
from capstan.runtime.plan import Delete, Outcomes

T = TypeVar("T", bound=TypedObject)
LABEL = "cluster.x-k8s.io/cluster-name"
CP_LABEL = "cluster.x-k8s.io/control-plane"
OWNER = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "name": "homelab", "uid": "c"}
BEFORE = (START - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")


def said(type: str, status: str, message: str = "", reason: str = "Foo") -> Obj:
    return {"type": type, "status": status, "reason": reason, "message": message}


def child(kind: type[T], name: str, *conditions: Obj, own: bool = False, labels: Obj | None = None, **fields: Any) -> T:
    meta: Obj = {"name": name, "uid": name, "labels": labels or {}, "creationTimestamp": BEFORE}
    if own:
        meta["ownerReferences"] = [OWNER]
    status = {"conditions": list(conditions), **fields.pop("status", {})}
    return decode({"metadata": meta, "status": status, **fields}, kind)


def control_plane_machine(name: str, *conditions: Obj, **fields: Any) -> Machine:
    return child(Machine, name, *conditions, labels={CP_LABEL: ""}, **fields)


def provider(kind: str, *conditions: Obj, contract: str = "v1beta2", **fields: Any) -> External:
    """The infra cluster or control plane `homelab`, as it is there."""
    group = CONTROL_PLANE if kind == "LabControlPlane" else INFRA
    status = {**({"conditions": list(conditions)} if conditions else {}), **fields.pop("status", {})}
    obj = {"kind": kind, "metadata": {"name": "homelab", "uid": kind}, "status": status, **fields}
    resource = Resource(group, "v1", kind.lower() + "s", kind)
    return External(GroupKind(group, kind), "homelab", resource, contract, obj)


def missing(kind: str) -> External:
    return External(GroupKind(INFRA, kind), "homelab")


def unreadable(kind: str) -> External:
    return External(GroupKind(INFRA, kind), "homelab", problem="no answer", problem_reason="InternalError")


NO_REFS: Obj = {"infrastructureRef": None, "controlPlaneRef": None}
TOPOLOGY: Obj = {**NO_REFS, "topology": {"classRef": {"name": "x"}, "version": "v1.34.1"}}


def snapshot(
    *, spec: Obj | None = None, status: Obj | None = None, deleting: bool = False, **parts: Any
) -> ClusterSnapshot:
    declared = cluster(**(spec or {}))
    declared["spec"] = {name: value for name, value in declared["spec"].items() if value is not None}
    declared["metadata"] |= {"uid": "c", "finalizers": ["cluster.cluster.x-k8s.io"]}
    if deleting:
        declared["metadata"]["deletionTimestamp"] = BEFORE
    if spec is None:
        parts = {"infrastructure": provider("LabCluster"), "control_plane": provider("LabControlPlane"), **parts}
    return ClusterSnapshot(cluster=decode({**declared, "status": status or {}}, Cluster), now=START, **parts)


def seen(found: ClusterSnapshot) -> Cluster:
    after = compute_status(found, Outcomes())
    assert after is not None
    return after


DONE = {"initialization": {"infrastructureProvisioned": True, "controlPlaneInitialized": True}}
ADVICE = "{0} does not exist: create {0} homelab, or correct the reference to it"
WRONG = "failed to convert status.conditions from {} to []metav1.Condition: status must be set for the {} condition"
TOPOLOGY_WAITS = "Waiting for cluster topology to be reconciled"


@pytest.mark.parametrize(
    ("part", "kind", "type", "source", "flag"),
    [
        ("infrastructure", "LabCluster", "InfrastructureReady", "Ready", "provisioned"),
        ("control_plane", "LabControlPlane", "ControlPlaneAvailable", "Available", "controlPlaneInitialized"),
    ],
)
def test_what_a_provider_reports(part: str, kind: str, type: str, source: str, flag: str) -> None:
    rows: list[tuple[ClusterSnapshot, tuple[str, str, str]]] = [
        (snapshot(spec=TOPOLOGY), ("False", "ObjectDoesNotExist", TOPOLOGY_WAITS)),
        (snapshot(spec=TOPOLOGY, deleting=True), ("False", "ObjectDoesNotExist", "")),
        (snapshot(**{part: provider(kind, said(source, "False", "m"))}), ("False", "Foo", "m")),
        (snapshot(**{part: provider(kind, said(source, "True", "m", ""))}), ("True", source, "m")),
        (
            snapshot(**{part: provider(kind, status={"initialization": {flag: False}})}),
            ("False", f"Not{source}", f"{kind} status.initialization.{flag} is false"),
        ),
        (snapshot(**{part: provider(kind, status={"initialization": {flag: True}})}), ("True", source, "")),
        (snapshot(status=DONE), ("True", source, "")),
        (
            snapshot(**{part: provider(kind, {"type": source})}),
            ("Unknown", "InvalidConditionReported", WRONG.format(kind, source)),
        ),
        (snapshot(**{part: unreadable(kind)}), ("Unknown", "InternalError", "Waiting: no answer")),
        (snapshot(**{part: unreadable(kind)}, deleting=True), ("Unknown", "InternalError", "Waiting: no answer")),
        (
            snapshot(**{part: missing(kind)}, deleting=True, status=DONE),
            ("False", "ObjectDeleted", f"{kind} has been deleted"),
        ),
        (snapshot(**{part: missing(kind)}, deleting=True), ("False", "ObjectDoesNotExist", ADVICE.format(kind))),
        (
            snapshot(**{part: missing(kind)}, status=DONE),
            ("False", "ObjectDeleted", f"{kind} has been deleted while the cluster still exists"),
        ),
        (snapshot(**{part: missing(kind)}), ("False", "ObjectDoesNotExist", ADVICE.format(kind))),
    ]
    for number, (found, expected) in enumerate(rows):
        told = next(c for c in seen(found).status.conditions if c.type == type)
        assert (told.status, told.reason, told.message) == expected, number


FIRST_NODE = "Waiting for the first control plane machine to have status.nodeRef set"
INITIALIZED = {"initialization": {"controlPlaneInitialized": True}}
READY, UP = said("Ready", "True"), said("UpToDate", "True")
OLD = said("UpToDate", "False", "This is not up-to-date message")
SICK, WELL = said("HealthCheckSucceeded", "False"), said("HealthCheckSucceeded", "True")
LEAVES = said("OwnerRemediated", "False", "Machine is deleting")


def rolling(number: int, type: str = "RollingOut") -> Obj:
    return said(type, "True", f"{type} {number}")


CONDITIONS = [
    # ControlPlaneInitialized
    (snapshot(spec=TOPOLOGY), "ControlPlaneInitialized", ("Unknown", "ObjectDoesNotExist", TOPOLOGY_WAITS)),
    (snapshot(spec=TOPOLOGY, deleting=True), "ControlPlaneInitialized", ("Unknown", "ObjectDoesNotExist", "")),
    (
        snapshot(control_plane=missing("LabControlPlane")),
        "ControlPlaneInitialized",
        ("Unknown", "ObjectDoesNotExist", ADVICE.format("LabControlPlane")),
    ),
    (
        snapshot(control_plane=unreadable("LabControlPlane")),
        "ControlPlaneInitialized",
        ("Unknown", "InternalError", "Waiting: no answer"),
    ),
    (snapshot(), "ControlPlaneInitialized", ("False", "NotInitialized", "Control plane not yet initialized")),
    (
        snapshot(control_plane=provider("LabControlPlane", status=INITIALIZED)),
        "ControlPlaneInitialized",
        ("True", "Initialized", ""),
    ),
    (
        snapshot(control_plane=provider("LabControlPlane", contract="v1beta1", status={"initialized": True})),
        "ControlPlaneInitialized",
        ("True", "Initialized", ""),
    ),
    (
        snapshot(spec=NO_REFS, machines=(control_plane_machine("cp"), child(Machine, "w", status={"nodeRef": {}}))),
        "ControlPlaneInitialized",
        ("False", "NotInitialized", FIRST_NODE),
    ),
    (
        snapshot(
            spec=NO_REFS,
            machines=(control_plane_machine("cp1"), control_plane_machine("cp2", status={"nodeRef": {"name": "n"}})),
        ),
        "ControlPlaneInitialized",
        ("True", "Initialized", ""),
    ),
    (
        snapshot(status={"conditions": [said("ControlPlaneInitialized", "True", reason="Initialized")]}),
        "ControlPlaneInitialized",
        ("True", "Initialized", ""),
    ),
    # RemoteConnectionProbe
    (snapshot(), "RemoteConnectionProbe", ("False", "ProbeFailed", "Remote connection not established yet")),
    (
        snapshot(status={"conditions": [said("RemoteConnectionProbe", "False", "Foo")]}),
        "RemoteConnectionProbe",
        ("False", "Foo", "Foo"),
    ),
    (
        snapshot(probed=True, probe_problem="x", probe_unsure=True),
        "RemoteConnectionProbe",
        ("False", "ProbeFailed", "Remote connection not established yet"),
    ),
    (
        snapshot(probed=True, probe_problem="x"),
        "RemoteConnectionProbe",
        ("False", "ProbeFailed", "Remote connection probe failed"),
    ),
    (
        snapshot(probed=True, probe_problem="x", probe_last_seen=START),
        "RemoteConnectionProbe",
        (
            "False",
            "ProbeFailed",
            f"Remote connection probe failed, probe last succeeded at {START:%Y-%m-%dT%H:%M:%SZ}",
        ),
    ),
    (snapshot(probed=True), "RemoteConnectionProbe", ("True", "ProbeSucceeded", "")),
    # WorkersAvailable
    (snapshot(), "WorkersAvailable", ("True", "NoWorkers", "")),
    (
        snapshot(deployments=(child(MachineDeployment, "md1"),)),
        "WorkersAvailable",
        ("Unknown", "AvailableUnknown", "* MachineDeployment md1: Condition Available not yet reported"),
    ),
    (
        snapshot(deployments=(child(MachineDeployment, "md1", said("Available", "False", "3 of 4")),)),
        "WorkersAvailable",
        ("False", "NotAvailable", "* MachineDeployment md1: 3 of 4"),
    ),
    (
        snapshot(deployments=(child(MachineDeployment, "md1", said("Available", "True")),)),
        "WorkersAvailable",
        ("True", "Available", ""),
    ),
    # RollingOut; sets do not count
    (snapshot(control_plane=missing("LabControlPlane")), "RollingOut", ("False", "NotRollingOut", "")),
    (
        snapshot(deployments=(child(MachineDeployment, "md1"),)),
        "RollingOut",
        ("Unknown", "RollingOutUnknown", "* MachineDeployment md1: Condition RollingOut not yet reported"),
    ),
    (
        snapshot(
            control_plane=provider("LabControlPlane", rolling(3)),
            pools=(child(MachinePool, "mp1", rolling(5)),),
            deployments=(child(MachineDeployment, "md1", rolling(4)),),
            machine_sets=(child(MachineSet, "ms1", rolling(6), own=True),),
        ),
        "RollingOut",
        (
            "True",
            "RollingOut",
            "* LabControlPlane homelab: RollingOut 3\n* MachineDeployment md1: RollingOut 4\n"
            "* MachinePool mp1: RollingOut 5",
        ),
    ),
    (
        snapshot(
            pools=(child(MachinePool, "mp1", rolling(3)),),
            deployments=(child(MachineDeployment, "md1", rolling(5)),),
        ),
        "RollingOut",
        ("True", "RollingOut", "* MachineDeployment md1: RollingOut 5\n* MachinePool mp1: RollingOut 3"),
    ),
    (snapshot(spec=NO_REFS), "RollingOut", ("False", "NotRollingOut", "")),
    (
        snapshot(deployments=(child(MachineDeployment, "md1", said("RollingOut", "False")),)),
        "RollingOut",
        ("False", "NotRollingOut", ""),
    ),
    *[
        row
        for type in ("ScalingUp", "ScalingDown")
        for row in (
            (snapshot(control_plane=missing("LabControlPlane")), type, ("False", f"Not{type}", "")),
            (
                snapshot(
                    deployments=(child(MachineDeployment, "md1"),),
                    machine_sets=(child(MachineSet, "ms1", own=True), child(MachineSet, "ms2", said(type, "False"))),
                ),
                type,
                (
                    "Unknown",
                    f"{type}Unknown",
                    f"* MachineDeployment md1: Condition {type} not yet reported\n"
                    f"* MachineSet ms1: Condition {type} not yet reported",
                ),
            ),
            (
                snapshot(
                    control_plane=provider("LabControlPlane", rolling(3, type)),
                    pools=(child(MachinePool, "mp1", rolling(3, type)),),
                    deployments=(child(MachineDeployment, "md1", rolling(5, type)),),
                    machine_sets=(
                        child(MachineSet, "ms1", rolling(7, type), own=True),
                        child(MachineSet, "ms2", rolling(8, type)),
                    ),
                ),
                type,
                (
                    "True",
                    type,
                    f"* LabControlPlane homelab: {type} 3\n* MachineDeployment md1: {type} 5\n"
                    f"* MachinePool mp1: {type} 3\nAnd 1 MachineSet with other issues",
                ),
            ),
            (
                snapshot(
                    deployments=(child(MachineDeployment, "md1", rolling(5, type)),),
                    machine_sets=(child(MachineSet, "ms1", rolling(7, type), own=True),),
                ),
                type,
                ("True", type, f"* MachineDeployment md1: {type} 5\n* MachineSet ms1: {type} 7"),
            ),
            (snapshot(spec=NO_REFS), type, ("False", f"Not{type}", "")),
            (
                snapshot(spec=NO_REFS, machine_sets=(child(MachineSet, "ms1", rolling(7, type), own=True),)),
                type,
                ("True", type, f"* MachineSet ms1: {type} 7"),
            ),
        )
    ],
    # Remediating
    (snapshot(machines=(child(Machine, "m1"),)), "Remediating", ("False", "NotRemediating", "")),
    (
        snapshot(machines=(child(Machine, "m1", WELL), child(Machine, "m2", SICK), child(Machine, "m3", SICK, LEAVES))),
        "Remediating",
        ("True", "Remediating", "* Machine m3: Machine is deleting"),
    ),
    (
        snapshot(machines=(child(Machine, "m1", WELL), child(Machine, "m2", SICK))),
        "Remediating",
        ("False", "NotRemediating", "Machine m2 is not healthy (not to be remediated)"),
    ),
    (
        snapshot(machines=(child(Machine, "m1", SICK), child(Machine, "m2", SICK), child(Machine, "m3", WELL))),
        "Remediating",
        ("False", "NotRemediating", "Machines m1, m2 are not healthy (not to be remediated)"),
    ),
    (
        snapshot(machines=tuple(child(Machine, f"m{i}", SICK) for i in range(5))),
        "Remediating",
        ("False", "NotRemediating", "Machines m0, m1, m2, ... (2 more) are not healthy (not to be remediated)"),
    ),
    # Deleting
    (snapshot(), "Deleting", ("False", "NotDeleting", "")),
]


@pytest.mark.parametrize(("found", "type", "expected"), CONDITIONS)
def test_conditions(found: ClusterSnapshot, type: str, expected: tuple[str, str, str]) -> None:
    told = next(c for c in seen(found).status.conditions if c.type == type)
    assert (told.status, told.reason, told.message) == expected


NOT_YET = "Condition {} not yet reported"
GONE = said("Ready", "False", "Deleting: Machine deletion in progress, stage: DrainingNode", "Deleting")


@pytest.mark.parametrize("workers", [False, True], ids=["control plane", "workers"])
@pytest.mark.parametrize(
    ("type", "reported", "expected"),
    [
        ("MachinesReady", [], ("True", "NoReplicas", "")),
        ("MachinesReady", [[READY], [READY]], ("True", "Ready", "")),
        ("MachinesReady", [[READY], []], ("Unknown", "ReadyUnknown", f"* Machine m1: {NOT_YET.format('Ready')}")),
        (
            "MachinesReady",
            [[READY], [said("Ready", "False", "* HealthCheck: x")], [said("Ready", "Unknown", "u")], [GONE]],
            (
                "False",
                "NotReady",
                "* Machine m1:\n  * HealthCheck: x\n"
                "* Machine m3: Deleting: Machine deletion in progress, stage: DrainingNode\n* Machine m2: u",
            ),
        ),
        ("MachinesUpToDate", [], ("True", "NoReplicas", "")),
        ("MachinesUpToDate", [[UP]], ("True", "UpToDate", "")),
        (
            "MachinesUpToDate",
            [[said("UpToDate", "Unknown", "some unknown message")]],
            ("Unknown", "UpToDateUnknown", "* Machine m0: some unknown message"),
        ),
        ("MachinesUpToDate", [[OLD]], ("False", "NotUpToDate", f"* Machine m0: {OLD['message']}")),
        (
            "MachinesUpToDate",
            [[], None],
            ("Unknown", "UpToDateUnknown", f"* Machine m0: {NOT_YET.format('UpToDate')}"),
        ),
        (
            "MachinesUpToDate",
            [[UP], [UP], [OLD], [OLD], [], []],
            (
                "False",
                "NotUpToDate",
                f"* Machines m2, m3: {OLD['message']}\n* Machines m4, m5: {NOT_YET.format('UpToDate')}",
            ),
        ),
    ],
)
def test_machines_merged(
    workers: bool, type: str, reported: list[list[Obj] | None], expected: tuple[str, str, str]
) -> None:
    """None stands for a Machine that was made a moment ago."""
    labels: Obj = {} if workers else {CP_LABEL: ""}
    machines = []
    for number, conditions in enumerate(reported):
        machine = child(Machine, f"m{number}", *(conditions or []), labels=labels)
        if conditions is None:
            young = {"name": f"m{number}", "labels": labels, "creationTimestamp": f"{START:%Y-%m-%dT%H:%M:%SZ}"}
            machine = decode({"metadata": young}, Machine)
        machines.append(machine)
    others = control_plane_machine("cp") if workers else child(Machine, "w")
    after = seen(snapshot(machines=(*machines, others)))
    prefix = "Worker" if workers else "ControlPlane"
    told = next(c for c in after.status.conditions if c.type == f"{prefix}{type}")
    assert (told.status, told.reason, told.message) == expected


# Available: the summary of what is reported

GOOD = [
    said("InfrastructureReady", "True"),
    said("ControlPlaneAvailable", "True"),
    said("WorkersAvailable", "True"),
    said("RemoteConnectionProbe", "True"),
    said("Deleting", "False"),
]


def changed(*conditions: Obj) -> list[Obj]:
    names = {c["type"] for c in conditions}
    return [*(c for c in GOOD if c["type"] not in names), *conditions]


GATE = {"conditionType": "MyAvailabilityGate"}
BAD_GATE = {**GATE, "conditionType": "MyNegative", "polarity": "Negative"}
ROLLS = said("TopologyReconciled", "False", "Upgrade to Kubernetes v1.22.0 pending", "ControlPlaneUpgradePending")
FAILED = said("TopologyReconciled", "False", "Some error", "ReconcileFailed")
UNCLASSED = said("TopologyReconciled", "False", "Some error", "ClusterClassNotReconciled")
PROBE = said("RemoteConnectionProbe", "False", "Some probe issue")


@pytest.mark.parametrize(
    ("found", "conditions", "expected"),
    [
        (
            snapshot(),
            [],
            (
                "Unknown",
                "AvailableUnknown",
                "\n".join(
                    f"* {type}: Condition not yet reported"
                    for type in (
                        "Deleting",
                        "RemoteConnectionProbe",
                        "InfrastructureReady",
                        "ControlPlaneAvailable",
                        "WorkersAvailable",
                    )
                ),
            ),
        ),
        (snapshot(), GOOD, ("True", "Available", "")),
        (
            snapshot(deleting=True),
            changed(said("Deleting", "True", "* Control plane Machines: cp1\n* Worker Machines: w1, ... (3 more)")),
            (
                "False",
                "NotAvailable",
                "* Deleting:\n  * Control plane Machines: cp1\n  * Worker Machines: w1, ... (3 more)",
            ),
        ),
        (
            snapshot(spec=TOPOLOGY),
            GOOD,
            ("Unknown", "AvailableUnknown", "* TopologyReconciled: Condition not yet reported"),
        ),
        (
            snapshot(spec={"availabilityGates": [GATE, BAD_GATE]}),
            changed(said("MyAvailabilityGate", "False", "Some message"), said("MyNegative", "True", "Some other")),
            ("False", "NotAvailable", "* MyAvailabilityGate: Some message\n* MyNegative: Some other"),
        ),
        (
            snapshot(deleting=True),
            changed(
                said("InfrastructureReady", "False", "x", "ObjectDeleted"),
                said("ControlPlaneAvailable", "False", "y", "ObjectDoesNotExist"),
                said("Deleting", "True", "Some message"),
            ),
            ("False", "NotAvailable", "* Deleting: Some message"),
        ),
        (
            snapshot(),
            changed(said("InfrastructureReady", "False", "x", "ObjectDeleted")),
            ("False", "NotAvailable", "* InfrastructureReady: x"),
        ),
        (
            snapshot(spec=TOPOLOGY),
            changed(ROLLS),
            ("True", "Available", "* TopologyReconciled: Upgrade to Kubernetes v1.22.0 pending"),
        ),
        (
            snapshot(spec=TOPOLOGY),
            changed(PROBE, ROLLS),
            ("False", "NotAvailable", "* RemoteConnectionProbe: Some probe issue"),
        ),
        (snapshot(spec=TOPOLOGY), changed(FAILED), ("False", "NotAvailable", "* TopologyReconciled: Some error")),
        (
            snapshot(spec=TOPOLOGY),
            changed(PROBE, UNCLASSED),
            (
                "False",
                "NotAvailable",
                "* RemoteConnectionProbe: Some probe issue\n* TopologyReconciled: Some error",
            ),
        ),
    ],
)
def test_available(found: ClusterSnapshot, conditions: list[Obj], expected: tuple[str, str, str]) -> None:
    status = decode({"conditions": conditions}, ClusterStatus)
    merged = available_condition(found, put_conditions((), status.conditions, generation=1, now=START))
    assert (merged.status, merged.reason, merged.message) == expected


# Counters


def counts(found: ReplicaCounts) -> tuple[int | None, ...]:
    return (
        found.desired_replicas,
        found.replicas,
        found.ready_replicas,
        found.available_replicas,
        found.up_to_date_replicas,
    )


NONE = (None,) * 5
OTHERS = {"replicas": 3, "readyReplicas": 1, "availableReplicas": 2, "upToDateReplicas": 1}
ALL = [said(type, "True") for type in ("Ready", "Available", "UpToDate")]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (snapshot(control_plane=missing("LabControlPlane"), status={"controlPlane": OTHERS}), NONE),
        (snapshot(control_plane=unreadable("LabControlPlane"), status={"controlPlane": OTHERS}), NONE),
        (snapshot(), NONE),
        (snapshot(spec=TOPOLOGY), NONE),
        (snapshot(control_plane=provider("LabControlPlane", spec={"replicas": 3}, status=OTHERS)), (3, 3, 1, 2, 1)),
        (snapshot(spec=NO_REFS), (0, 0, 0, 0, 0)),
        (
            snapshot(
                spec=NO_REFS,
                machines=(
                    control_plane_machine("cp1"),
                    control_plane_machine("cp2", ALL[0]),
                    control_plane_machine("cp3", *ALL[:2]),
                    control_plane_machine("cp4", *ALL),
                    child(Machine, "w", *ALL),
                ),
            ),
            (4, 4, 3, 2, 1),
        ),
    ],
)
def test_control_plane_counters(found: ClusterSnapshot, expected: tuple[int | None, ...]) -> None:
    assert counts(seen(found).status.control_plane) == expected


def test_worker_counters() -> None:
    versions = [{"version": "v1.34.1", "replicas": 2}, {"version": "v1.9.0", "replicas": 1}]
    some = {"replicas": 2, "readyReplicas": 3, "availableReplicas": 4, "upToDateReplicas": 5, "versions": versions}
    found = snapshot(
        pools=(child(MachinePool, "mp", spec={"replicas": 1}, status=some), child(MachinePool, "mp2")),
        deployments=(child(MachineDeployment, "md", spec={"replicas": 11}, status=some),),
        machine_sets=(
            child(MachineSet, "mine", own=True, spec={"replicas": 21}, status=some),
            child(MachineSet, "deployments", spec={"replicas": 99}, status=some),
        ),
        machines=(
            child(Machine, "mine", *ALL, own=True, spec={"version": "v1.34.1"}),
            child(Machine, "sets", *ALL),
            control_plane_machine("cp", *ALL, own=True),
        ),
    )
    workers = seen(found).status.workers
    assert counts(workers) == (34, 7, 10, 13, 16)
    assert [(v.version, v.replicas) for v in workers.versions] == [("v1.9.0", 3), ("v1.34.1", 7)]


# Phase

ENDPOINT = {"controlPlaneEndpoint": {"host": "192.0.2.1", "port": 6443}}
PROVISIONED = {"initialization": {"infrastructureProvisioned": True}}


@pytest.mark.parametrize(
    ("found", "phase"),
    [
        (snapshot(spec=NO_REFS), "Pending"),
        (snapshot(), "Provisioning"),
        (snapshot(status=PROVISIONED), "Provisioning"),
        (snapshot(spec=ENDPOINT, infrastructure=provider("LabCluster"), status=PROVISIONED), "Provisioned"),
        (snapshot(spec={**NO_REFS, **ENDPOINT}, status=PROVISIONED), "Provisioned"),
        (snapshot(spec=ENDPOINT, infrastructure=provider("LabCluster"), status=PROVISIONED, deleting=True), "Deleting"),
    ],
)
def test_phase(found: ClusterSnapshot, phase: str) -> None:
    assert seen(found).status.phase == phase


# Deletion

CHILDREN: Obj = {
    "deployments": (child(MachineDeployment, "md1", own=True), child(MachineDeployment, "md2")),
    "machine_sets": (child(MachineSet, "ms1", own=True), child(MachineSet, "ms2")),
    "pools": (child(MachinePool, "mp1", own=True), child(MachinePool, "mp2")),
    "machines": (
        *(control_plane_machine(f"cp{i}", own=i < 3) for i in range(1, 4)),
        *(child(Machine, f"w{i}", own=i < 3) for i in range(1, 9)),
    ),
}
WORKERS = (
    "* MachineDeployments: md1, md2\n* MachineSets: ms1, ms2\n* MachinePools: mp1, mp2\n"
    "* Worker Machines: w1, w2, w3, w4, w5, ... (3 more)"
)


@pytest.mark.parametrize(
    ("found", "message", "deleted"),
    [
        (snapshot(deleting=True, **CHILDREN), WORKERS, ["mp1", "md1", "ms1", "w1", "w2"]),
        (
            snapshot(spec=NO_REFS, deleting=True, **CHILDREN),
            f"* Control plane Machines: cp1, cp2, cp3\n{WORKERS}",
            ["mp1", "md1", "ms1", "w1", "w2", "cp1", "cp2"],
        ),
    ],
    ids=["with a control plane object", "without"],
)
def test_what_a_cluster_waits_for_and_what_it_deletes(found: ClusterSnapshot, message: str, deleted: list[str]) -> None:
    told = next(c for c in seen(found).status.conditions if c.type == "Deleting")
    assert (told.status, told.reason, told.message) == ("True", "WaitingForWorkersDeletion", message)
    actions = plan_deletion(found).actions
    assert [a.target.key.name for a in actions if isinstance(a, Delete)] == deleted
