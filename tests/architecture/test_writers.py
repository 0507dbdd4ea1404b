"""One writer per field: what controllers declare to write does not overlap."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any, cast

import pytest
from docs.generators.controllers import controller_classes, written

from capstan.api.scheme import SCHEME
from capstan.controllers import core_controllers
from capstan.providers.ipam import ipam_controllers
from capstan.providers.proxmox import proxmox_controllers
from capstan.providers.talos import talos_controllers

#: The kinds behind the names that controllers give to objects of any provider.
BEHIND = {
    "infrastructure clusters": "ProxmoxCluster",
    "infrastructure machines": "ProxmoxMachine",
    "bootstrap configs": "TalosConfig",
    "control planes": "TalosControlPlane",
    "workload Nodes": "Node",
    "infrastructure templates": "templates",
}

#: Pairs of declarations that overlap, and why the two writers never disagree.
SHARED = {
    ("templates", frozenset({"metadata.ownerReferences"})): "each adds the same entry, the Cluster",
    ("InClusterIPPool", frozenset({"metadata.annotations", "metadata.annotations[capstan.dev/overlaps-with]"})): (
        "the cluster adds its own annotations to its pool and keeps all others"
    ),
    ("Machine", frozenset({"status", "status.conditions[UpToDate]"})): (
        "the control plane says it of its own Machines, the Machine's controller of all others"
    ),
    ("Machine", frozenset({"metadata.ownerReferences", "metadata.ownerReferences[TalosControlPlane]"})): (
        "sets take over Machines that their selector finds, control planes those with the control plane's label"
    ),
    **{
        ("Machine", frozenset({"status", f"status.conditions[{condition}]"})): (
            "the Machine's controller leaves this condition to those who judge and repair it"
        )
        for condition in (
            "HealthCheckSucceeded",
            "OwnerRemediated",
            "OwnerRemediated: WaitingForRemediation",
            "OwnerRemediated: of control planes",
            "ExternallyRemediated",
        )
    },
}

Field = tuple[str, str, str]


def declared() -> list[Field]:
    """Kind, field and writer of every declaration."""
    return [
        (BEHIND.get(written(writes), written(writes)), field, controller.kind.__name__)
        for controller in controller_classes()
        for writes in controller.writes
        for field in writes.fields
    ]


def overlap(one: str, other: str) -> bool:
    """Whether two paths share a field: one is the other or above it. Different entries in brackets do not."""
    steps = [re.findall(r"[^.\[\]]+(?=[.\[]|$)|\[[^]]*\]", path) for path in (one, other)]
    return all(a == b for a, b in zip(*steps, strict=False))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("status", "status", True),
        ("status", "status.conditions", True),
        ("spec.replicas", "spec.version", False),
        ("metadata.annotations[a.example/x]", "metadata.annotations[b.example/y]", False),
        ("metadata.annotations[a.example/x]", "metadata.annotations", True),
    ],
)
def test_paths_overlap(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


def test_no_field_has_two_writers() -> None:
    clashes = [
        (one, other)
        for one, other in combinations(declared(), 2)
        if one[0] == other[0]
        and one[2] != other[2]
        and overlap(one[1], other[1])
        and (one[0], frozenset({one[1], other[1]})) not in SHARED
    ]
    assert clashes == []


def test_every_controller_declares_what_it_writes() -> None:
    assert [controller for controller in controller_classes() if not controller.writes] == []
    for controller in controller_classes():
        own = [field for writes in controller.writes if writes.kind is controller.kind for field in writes.fields]
        has_status = SCHEME.of(controller.kind).storage.status
        assert any(field.startswith("status") for field in own) or not has_status, controller


def test_composition_roots_get_every_controller() -> None:
    """A controller that no room hands out would never run."""
    nothing = cast(Any, None)
    handed_out = (
        *core_controllers(nothing, nothing, nothing),
        *ipam_controllers(),
        *proxmox_controllers(nothing, nothing, nothing),
        *talos_controllers(nothing, nothing, nothing),
    )
    assert {type(controller) for controller in handed_out} == set(controller_classes())
