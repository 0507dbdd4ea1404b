"""MachineDeployment: which of its sets has its template, what the others differ in, and how revisions are counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.controllers.lab import deployment
from tests.unit.controllers.world import BOOTSTRAP, INFRA, START

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.difference import template_differences
from capstan.api.cluster.machine import MachineSpec
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.objects import GroupKind, Obj
from capstan.api.rules.contract import External
from capstan.api.struct import decode
from capstan.controllers.machinedeployment.plan.limits import max_unavailable
from capstan.controllers.machinedeployment.plan.revision import revision_annotations
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot

PREFIX = "machinedeployment.clusters.x-k8s.io"


def ref(kind: str, name: str, group: str = INFRA) -> Obj:
    return {"apiGroup": group, "kind": kind, "name": name}


def spec(**fields: Any) -> MachineSpec:
    stated = {
        "clusterName": "cluster1",
        "version": "v1.25.0",
        "failureDomain": "failure-domain1",
        "minReadySeconds": 10,
        "deletion": {"nodeDrainTimeoutSeconds": 10},
        "infrastructureRef": ref("InfrastructureMachineTemplate", "infra1"),
        "bootstrap": {"configRef": ref("BootstrapConfigTemplate", "bootstrap1", BOOTSTRAP)},
        **fields,
    }
    return decode(stated, MachineSpec)


def secret(name: str) -> Obj:
    return {"bootstrap": {"dataSecretName": name}}


@pytest.mark.parametrize(
    ("current", "wanted", "there", "back"),
    [
        (spec(), spec(), "", ""),
        (
            spec(),
            spec(
                clusterName="other",
                minReadySeconds=20,
                readinessGates=[{"conditionType": "foo"}],
                deletion={
                    "nodeDrainTimeoutSeconds": 20,
                    "nodeDeletionTimeoutSeconds": 20,
                    "nodeVolumeDetachTimeoutSeconds": 20,
                },
                taints=[{"key": "k", "value": "v", "effect": "NoSchedule", "propagation": "Always"}],
                providerID="lab://x",
            ),
            "",
            "",
        ),
        (spec(), spec(version="v1.26.0"), "Version v1.25.0, v1.26.0 required", "Version v1.26.0, v1.25.0 required"),
        (
            spec(),
            spec(failureDomain="failure-domain2"),
            "Failure domain failure-domain1, failure-domain2 required",
            "Failure domain failure-domain2, failure-domain1 required",
        ),
        (
            spec(),
            spec(infrastructureRef=ref("InfrastructureMachineTemplate", "infra2")),
            "InfrastructureMachine is not up-to-date",
            "InfrastructureMachine is not up-to-date",
        ),
        # What they are now is what is not up to date.
        (
            spec(),
            spec(infrastructureRef=ref("OtherMachineTemplate", "infra1")),
            "InfrastructureMachine is not up-to-date",
            "OtherMachine is not up-to-date",
        ),
        (
            spec(),
            spec(bootstrap={"configRef": ref("BootstrapConfigTemplate", "bootstrap2", BOOTSTRAP)}),
            "BootstrapConfig is not up-to-date",
            "BootstrapConfig is not up-to-date",
        ),
        (
            spec(**secret("data-secret1")),
            spec(**secret("data-secret2")),
            "spec.bootstrap.dataSecretName data-secret1, data-secret2 required",
            "spec.bootstrap.dataSecretName data-secret2, data-secret1 required",
        ),
        (
            spec(),
            spec(**secret("data-secret1")),
            "BootstrapConfig is not up-to-date",
            "spec.bootstrap.dataSecretName data-secret1, nil required",
        ),
    ],
)
def test_what_makes_machines_different(current: MachineSpec, wanted: MachineSpec, there: str, back: str) -> None:
    assert template_differences(current, wanted) == ([f"* {there}"] if there else [])
    assert template_differences(wanted, current) == ([f"* {back}"] if back else [])


def test_all_that_differs_is_told_in_one_order() -> None:
    other = spec(
        version="v1.26.0",
        failureDomain="b",
        infrastructureRef=ref("InfrastructureMachineTemplate", "infra2"),
        bootstrap={"configRef": ref("BootstrapConfigTemplate", "bootstrap2", BOOTSTRAP)},
    )
    assert template_differences(spec(), other) == [
        "* Version v1.25.0, v1.26.0 required",
        "* BootstrapConfig is not up-to-date",
        "* InfrastructureMachine is not up-to-date",
        "* Failure domain failure-domain1, b required",
    ]


AFTER = START


def minutes(count: int) -> datetime:
    return AFTER + timedelta(minutes=count)


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def a_set(name: str, created: datetime = START, replicas: int = 1, **template: Any) -> MachineSet:
    declared = deployment("workers")
    machine_spec = {**declared["spec"]["template"]["spec"], **template}
    metadata = {"name": name, "creationTimestamp": stamp(created)}
    return decode(
        {"metadata": metadata, "spec": {"replicas": replicas, "template": {"spec": machine_spec}}}, MachineSet
    )


def snapshot(*sets: MachineSet, now: datetime = START, rollout: bool = False) -> MachineDeploymentSnapshot:
    declared = deployment("workers", rollout={"after": stamp(AFTER)} if rollout else {})
    return MachineDeploymentSnapshot(
        deployment=decode(declared, MachineDeployment),
        now=now,
        cluster=decode({"metadata": {"name": "homelab"}}, Cluster),
        machine_sets=sets,
        infrastructure=External(GroupKind(INFRA, "LabMachineTemplate"), "workers", object={}),
    )


OTHER = {"infrastructureRef": ref("LabMachineTemplate", "older")}
LATER, LAST = minutes(1), minutes(2)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (snapshot(), None),
        (snapshot(a_set("old", **OTHER)), None),
        (snapshot(a_set("old", **OTHER), a_set("same")), "same"),
        (snapshot(a_set("old", **OTHER), a_set("one"), a_set("two", replicas=2)), "two"),
        (snapshot(a_set("b", minutes(-1)), a_set("a", minutes(-2)), a_set("c", minutes(-2))), "a"),
        (snapshot(a_set("old", **OTHER), a_set("same", taints=[], minReadySeconds=20)), "same"),
        # A rollout after some time: nothing changes before it, and then only what is not older than it stays.
        (snapshot(a_set("b", minutes(-2)), a_set("a", minutes(-3)), now=minutes(-1), rollout=True), "a"),
        (snapshot(a_set("b", minutes(-2)), a_set("a", minutes(-3)), now=LATER, rollout=True), None),
        (snapshot(a_set("new", LATER), a_set("a", minutes(-2)), now=LAST, rollout=True), "new"),
        (snapshot(a_set("a", minutes(-2)), a_set("new", LATER), now=LAST, rollout=True), "new"),
        (snapshot(a_set("new", AFTER), a_set("a", minutes(-2)), now=LATER, rollout=True), "new"),
    ],
)
def test_which_set_is_current(found: MachineDeploymentSnapshot, expected: str | None) -> None:
    assert (found.current.metadata.name if found.current is not None else None) == expected


def test_a_set_that_is_too_old_says_so_beside_what_differs() -> None:
    old, even = a_set("old", minutes(-3), **OTHER), a_set("even", AFTER, **OTHER)
    found = snapshot(old, even, now=LATER, rollout=True)
    assert found.differences(old) == [
        "* LabMachine is not up-to-date",
        "* MachineDeployment spec.rolloutAfter expired",
    ]
    assert found.differences(even) == ["* LabMachine is not up-to-date"]


def revised(revision: str = "", history: str = "") -> MachineSet:
    marks = {f"{PREFIX}/revision": revision, f"{PREFIX}/revision-history": history}
    annotations = {name: value for name, value in marks.items() if value}
    return decode({"metadata": {"name": "s", "annotations": annotations}}, MachineSet)


@pytest.mark.parametrize(
    ("current", "old", "revision", "history"),
    [
        (revised(), [], "1", ""),
        (revised(), [revised("1")], "2", ""),
        (revised("1"), [], "1", ""),
        (revised("1"), [revised("1"), revised("2")], "3", "1"),
        (revised("4"), [revised("1"), revised("2")], "4", ""),
        (revised("2", "1"), [revised("3"), revised("4")], "5", "1,2"),
        (revised("3", "1"), [revised("2")], "3", "1"),
        (revised("1"), [revised("no number"), revised("2")], "3", "1"),
    ],
)
def test_the_current_set_has_the_highest_revision(
    current: MachineSet, old: list[MachineSet], revision: str, history: str
) -> None:
    marks = {**current.metadata.annotations, **revision_annotations(current, old)}
    assert (marks[f"{PREFIX}/revision"], marks.get(f"{PREFIX}/revision-history", "")) == (revision, history)


@pytest.mark.parametrize(
    ("replicas", "stated", "expected"),
    [(10, 5, 5), (10, 10, 10), (5, 10, 5), (0, 10, 0), (10, "50%", 5), (10, "100%", 10), (5, "100%", 5)],
)
def test_no_more_can_be_unavailable_than_there_are(replicas: int, stated: int | str, expected: int) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": stated}}
    declared = deployment("workers", replicas, rollout={"strategy": rolling})
    assert max_unavailable(decode(declared, MachineDeployment)) == expected
