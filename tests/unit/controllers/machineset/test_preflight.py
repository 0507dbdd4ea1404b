"""MachineSet: which checks keep it from creating Machines, and what they say."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.controllers.lab import machine_set
from tests.unit.controllers.world import CONTROL_PLANE, INFRA, START

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machineset import MachineSet
from capstan.api.objects import GroupKind, Obj
from capstan.api.rules.contract import External
from capstan.api.struct import decode
from capstan.controllers.machineset.plan.preflight import failed_checks
from capstan.controllers.machineset.snapshot import MachineSetSnapshot, Template

SKIP = "machineset.cluster.x-k8s.io/skip-preflight-checks"
STEP = "topology.internal.cluster.x-k8s.io/upgrade-step"
KUBEADM = {"apiGroup": "bootstrap.cluster.x-k8s.io", "kind": "KubeadmConfigTemplate", "name": "workers"}
OTHER = {"apiGroup": "bootstrap.cluster.x-k8s.io", "kind": "LabConfigTemplate", "name": "workers"}


def control_plane(wanted: str | None, *running: str) -> External:
    spec = {} if wanted is None else {"version": wanted}
    status = {"versions": [{"version": version, "replicas": 1} for version in running]} if running else {}
    metadata = {"name": "cp1", "namespace": "ns1"}
    return External(
        GroupKind(CONTROL_PLANE, "GenericControlPlane"),
        "cp1",
        object={"metadata": metadata, "spec": spec, "status": status},
    )


def found(
    plane: External | None,
    version: str = "",
    *,
    skip: str = "",
    skip_in_template: str = "",
    bootstrap: Obj = OTHER,
    topology: str | None = None,
    step: str = "",
) -> list[str]:
    declared = machine_set("pool", 1)
    declared["metadata"]["annotations"] = {SKIP: skip} if skip else {}
    spec: Obj = {"infrastructureRef": {"apiGroup": INFRA, "kind": "LabMachineTemplate", "name": "workers"}}
    declared["spec"]["template"]["spec"] = {**spec, "version": version, "bootstrap": {"configRef": bootstrap}}
    cluster: dict[str, Any] = {"metadata": {"name": "homelab", "annotations": {STEP: step} if step else {}}}
    if topology is not None:
        cluster["spec"] = {"topology": {"classRef": {"name": "class"}, "version": topology}}
    template = {"metadata": {"name": "workers", "annotations": {SKIP: skip_in_template} if skip_in_template else {}}}
    kind = GroupKind(bootstrap["apiGroup"], bootstrap["kind"])
    return failed_checks(
        MachineSetSnapshot(
            machine_set=decode(declared, MachineSet),
            now=START,
            cluster=decode(cluster, Cluster),
            bootstrap=Template(External(kind, "workers", object=template)),
            infrastructure=Template(External(GroupKind(INFRA, "LabMachineTemplate"), "workers", object={})),
            control_plane=plane,
        )
    )


STABLE, NEWER = control_plane("v1.26.2", "v1.26.2"), control_plane("v1.28.0", "v1.28.0")
UPGRADING, FIRST = control_plane("v1.26.2", "v1.25.2"), control_plane("v1.26.2")
PARTLY = control_plane("v1.26.2", "v1.26.2", "v1.25.2")
NOT_STABLE = '("ControlPlaneIsStable" preflight check failed)'
SKEW = "do not conform to the kubernetes version skew policy as MachineSet version is"
KUBEADM_SKEW = (
    "do not conform to kubeadm version skew policy as kubeadm only supports joining with the same major+minor version "
    'as the control plane ("KubeadmVersionSkew" preflight check failed)'
)


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        (found(None, "v1.26.2"), []),
        (found(control_plane(None), "v1.26.2"), []),
        (found(UPGRADING, "v1.26.2", skip="All", skip_in_template="KubeadmVersionSkew"), []),
        (found(UPGRADING, "v1.26.2", skip_in_template="All"), []),
        (found(FIRST), [f"GenericControlPlane ns1/cp1 is provisioning {NOT_STABLE}"]),
        (found(UPGRADING), [f"GenericControlPlane ns1/cp1 is upgrading {NOT_STABLE}"]),
        (found(PARTLY), [f"GenericControlPlane ns1/cp1 is upgrading {NOT_STABLE}"]),
        (found(UPGRADING, "v1.26.2", skip="ControlPlaneIsStable"), []),
        (found(STABLE), []),
        (
            found(STABLE, topology="v1.27.2"),
            [f"GenericControlPlane ns1/cp1 has a pending version upgrade to v1.27.2 {NOT_STABLE}"],
        ),
        (
            found(STABLE, topology="v1.27.2", step="v1.27.0"),
            [f"GenericControlPlane ns1/cp1 has a pending version upgrade to v1.27.0 {NOT_STABLE}"],
        ),
        (found(NEWER, topology="v1.27.2", step="v1.28.0"), []),
        (
            found(STABLE, "v1.27.0"),
            [
                f"MachineSet version (1.27.0) and ControlPlane version (1.26.2) {SKEW} higher than ControlPlane "
                'version ("KubernetesVersionSkew" preflight check failed)'
            ],
        ),
        (
            found(NEWER, "v1.24.0"),
            [
                f"MachineSet version (1.24.0) and ControlPlane version (1.28.0) {SKEW} more than 3 minor versions "
                'older than the ControlPlane version ("KubernetesVersionSkew" preflight check failed)'
            ],
        ),
        (found(STABLE, "v1.27.0", skip="KubernetesVersionSkew"), []),
        (found(NEWER, "v1.25.0"), []),
        (
            found(STABLE, "v1.25.5", bootstrap=KUBEADM),
            [f"MachineSet version (1.25.5) and ControlPlane version (1.26.2) {KUBEADM_SKEW}"],
        ),
        (found(STABLE, "v1.25.0"), []),
        (found(STABLE, "v1.25.0", bootstrap=KUBEADM, skip="foobar, KubeadmVersionSkew"), []),
        (found(STABLE, "v1.26.2", bootstrap=KUBEADM), []),
        (
            found(STABLE, "v1.26.0", topology="", skip="ControlPlaneIsStable"),
            [
                "MachineSet version (v1.26.0) is not yet the same as the ControlPlane version (v1.26.2), waiting for "
                'version to be propagated to the MachineSet ("ControlPlaneVersionSkew" preflight check failed)'
            ],
        ),
        (found(STABLE, "v1.26.0", topology="", skip="foobar,ControlPlaneVersionSkew,ControlPlaneIsStable"), []),
        (found(STABLE, "v1.26.0", skip="ControlPlaneIsStable"), []),
        (found(STABLE, "v1.26.2", topology="", skip="ControlPlaneIsStable"), []),
        # All that fails is told, one below the other.
        (
            found(UPGRADING, "v1.27.0-rc.1", bootstrap=KUBEADM),
            [
                f"GenericControlPlane ns1/cp1 is upgrading {NOT_STABLE}",
                f"MachineSet version (1.27.0-rc.1) and ControlPlane version (1.26.2) {SKEW} higher than ControlPlane "
                'version ("KubernetesVersionSkew" preflight check failed)',
                f"MachineSet version (1.27.0-rc.1) and ControlPlane version (1.26.2) {KUBEADM_SKEW}",
            ],
        ),
        # What is no version cannot be compared: nothing is made of it.
        (found(control_plane("v1.26.2.2.2")), ["failed to parse version 'v1.26.2.2.2' of ControlPlane ns1/cp1"]),
        (found(STABLE, "v1.27.0.0"), ["failed to parse version 'v1.27.0.0' of MachineSet default/pool"]),
    ],
)
def test_checks_before_a_machine_is_made(failed: list[str], expected: list[str]) -> None:
    assert failed == expected


def test_checks_that_the_process_does_not_make() -> None:
    """As if every set had the annotation that skips them."""
    declared = machine_set("pool", 1)
    template: Obj = {"infrastructureRef": {"apiGroup": INFRA, "kind": "LabMachineTemplate", "name": "workers"}}
    declared["spec"]["template"]["spec"] = {**template, "version": "v1.36.0", "bootstrap": {"configRef": OTHER}}

    def failing(*unchecked: str) -> list[str]:
        snapshot = MachineSetSnapshot(
            machine_set=decode(declared, MachineSet),
            now=START,
            cluster=decode({"metadata": {"name": "homelab"}}, Cluster),
            infrastructure=Template(External(GroupKind(INFRA, "LabMachineTemplate"), "workers")),
            control_plane=control_plane("v1.34.0"),
            unchecked=frozenset(unchecked),
        )
        return [text.rpartition('("')[2].partition('"')[0] for text in failed_checks(snapshot)]

    assert failing() == ["ControlPlaneIsStable", "KubernetesVersionSkew"]
    assert failing("ControlPlaneIsStable") == ["KubernetesVersionSkew"]
    assert failing("All") == []
