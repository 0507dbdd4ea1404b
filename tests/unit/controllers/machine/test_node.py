"""What a Machine's Node carries, and what the Machine says of a Node that cannot be seen (2.4, 2.8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.unit.controllers.lab import declared, joined, node, provide
from tests.unit.controllers.machine.test_machine import reported, step, worker
from tests.unit.controllers.world import START, World, WorldClients

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.core.node import Node
from capstan.api.objects import GroupKind
from capstan.api.rules.contract import External
from capstan.api.struct import decode
from capstan.controllers import core_controllers
from capstan.controllers.machine.controller import MachineController
from capstan.controllers.machine.snapshot import MachineSnapshot, Synced
from capstan.controllers.machine.status.node import node_conditions
from capstan.sim.keys import SeededKeys

LABEL_RECORD = "cluster.x-k8s.io/labels-from-machine"
ANNOTATION_RECORD = "cluster.x-k8s.io/annotations-from-machine"


def syncing(*, labels: str = "", annotations: str = "") -> World:
    """A world whose Machines pass on more than usual."""
    world = declared()
    synced = Synced(tuple(map(re.compile, filter(None, [labels]))), tuple(map(re.compile, filter(None, [annotations]))))
    of_a_plane = core_controllers(WorldClients(world), cast(Any, None), SeededKeys("world"), synced=synced)
    place = next(i for i, c in enumerate(world.controllers) if isinstance(c, MachineController))
    world.controllers[place] = next(c for c in of_a_plane if isinstance(c, MachineController))
    world.settle(provide)
    return world


def of_node(world: World, name: str) -> dict[str, Any]:
    found: dict[str, Any] = world.get("Node", name)["metadata"]
    return found


def test_patterns_add_to_what_goes_on_to_the_node() -> None:
    world = syncing(labels=r"^topology\.", annotations="example")
    name = worker(world)
    marks = {"topology.kubernetes.io/zone": "a", "my.topology.x/y": "b"}
    notes = {"example.com/note": "hello", "other.com/note": "no"}
    world.edit("Machine", name, {"metadata": {"labels": marks, "annotations": notes}})
    world.settle()
    meta = of_node(world, name)
    assert meta["labels"] == {"topology.kubernetes.io/zone": "a"}
    assert meta["annotations"][LABEL_RECORD] == "topology.kubernetes.io/zone"
    assert meta["annotations"]["example.com/note"] == "hello"
    assert "other.com/note" not in meta["annotations"]
    assert meta["annotations"][ANNOTATION_RECORD] == "example.com/note"
    world.edit("Machine", name, {"metadata": {"annotations": {"example.com/note": None}}})
    world.settle()
    assert "example.com/note" not in of_node(world, name)["annotations"]


def test_a_pattern_does_not_take_over_what_every_node_says() -> None:
    world = syncing(annotations="cluster-name")
    name = worker(world)
    world.edit("Machine", name, {"metadata": {"annotations": {"cluster.x-k8s.io/cluster-name": "mine"}}})
    world.settle()
    annotations = of_node(world, name)["annotations"]
    assert annotations["cluster.x-k8s.io/cluster-name"] == "homelab"
    assert annotations[ANNOTATION_RECORD] == ""


@pytest.mark.parametrize(
    ("key", "goes_on"),
    [
        ("node-role.kubernetes.io/worker", True),
        ("x.node-role.kubernetes.io/worker", False),
        ("node-role.kubernetes.io", True),
        ("node.cluster.x-k8s.io", True),
        ("x.node-restriction.kubernetes.io", True),
        ("company.xyz/node.cluster.x-k8s.io", False),
        ("gpu-node.cluster.x-k8s.io", False),
        ("node-restriction.kubernetes.io/a", True),
        ("x.node-restriction.kubernetes.io/a", True),
        ("xnode-restriction.kubernetes.io/a", False),
        ("node.cluster.x-k8s.io/a", True),
        ("my.node.cluster.x-k8s.io/a", True),
        ("cluster.x-k8s.io/a", False),
        ("plain", False),
    ],
)
def test_which_labels_go_on(key: str, goes_on: bool) -> None:
    world = joined()
    name = worker(world)
    world.edit("Machine", name, {"metadata": {"labels": {key: "1"}}})
    world.settle()
    assert (key in of_node(world, name).get("labels", {})) is goes_on


def test_a_host_that_may_be_taken_away_marks_its_node() -> None:
    world = joined()
    name = worker(world)
    world.edit("LabMachine", name, {"status": {"interruptible": True}})
    world.settle()
    assert of_node(world, name)["labels"] == {"cluster.x-k8s.io/interruptible": ""}
    assert of_node(world, name)["annotations"][LABEL_RECORD] == "cluster.x-k8s.io/interruptible"
    assert world.events.count(f"Normal SuccessfulSetInterruptibleNodeLabel: {name}") == 1
    world.edit("LabMachine", name, {"status": {"interruptible": False}})
    world.settle()
    assert not of_node(world, name).get("labels")


def test_a_node_forgets_an_owner_that_its_machine_no_longer_has() -> None:
    world = joined()
    name = worker(world)
    world.edit("Machine", name, {"metadata": {"ownerReferences": []}})
    step(world, name)
    assert "cluster.x-k8s.io/owner-kind" not in of_node(world, name)["annotations"]
    assert "cluster.x-k8s.io/owner-name" not in of_node(world, name)["annotations"]


def test_a_node_of_an_older_revision_is_the_last_choice() -> None:
    world = joined()
    name = worker(world)
    revision = "machinedeployment.clusters.x-k8s.io/revision"
    taint = {"key": "node.cluster.x-k8s.io/outdated-revision", "effect": "PreferNoSchedule"}
    world.edit("MachineDeployment", "workers", {"metadata": {"annotations": {revision: "2"}}})
    step(world, name)
    assert world.get("Node", name)["spec"]["taints"] == [taint]
    world.edit("MachineDeployment", "workers", {"metadata": {"annotations": {revision: "1"}}})
    step(world, name)
    assert not world.get("Node", name)["spec"].get("taints")


def test_a_node_follows_its_machine_until_it_goes() -> None:
    world = joined()
    name = worker(world)
    hook = "pre-drain.delete.hook.machine.cluster.x-k8s.io/mine"
    world.edit("Machine", name, {"metadata": {"annotations": {hook: ""}}})
    world.delete("Machine", name)
    world.settle()
    world.edit("Machine", name, {"metadata": {"labels": {"node.cluster.x-k8s.io/pool": "a"}}})
    world.settle()
    assert of_node(world, name)["labels"] == {"node.cluster.x-k8s.io/pool": "a"}


# What a Machine says of a Node that is not there to be looked at


def a_cluster(*, infrastructure: bool = True, control_plane: bool = True, since: float = 3600) -> Cluster:
    at = (START - timedelta(seconds=since)).strftime("%Y-%m-%dT%H:%M:%SZ")
    initialized = {"type": "ControlPlaneInitialized", "status": "True", "reason": "I", "lastTransitionTime": at}
    done = {"infrastructureProvisioned": infrastructure, "controlPlaneInitialized": control_plane}
    status = {"initialization": done, "conditions": [initialized] if control_plane else []}
    return decode({"metadata": {"name": "c", "namespace": "default"}, "status": status}, Cluster)


def a_snapshot(**machine: Any) -> MachineSnapshot:
    """A Machine with a provider ID, of a cluster that is there and answers, whose Node is not there."""
    meta = {"name": "m", "namespace": "default", **machine.get("metadata", {})}
    obj = {"metadata": meta, "spec": {"clusterName": "c", "providerID": "lab://m"}, "status": machine.get("status", {})}
    infrastructure = External(GroupKind("i", "LabMachine"), "m")
    return MachineSnapshot(
        machine=decode(obj, Machine), now=START, cluster=a_cluster(), infrastructure=infrastructure, nodes_problem=""
    )


def deleting() -> dict[str, Any]:
    return {"deletionTimestamp": START.strftime("%Y-%m-%dT%H:%M:%SZ")}


def known(**condition: str) -> dict[str, Any]:
    listed = [{"type": t, "status": "True", "reason": "NodeHealthy", **condition} for t in ("NodeReady", "NodeHealthy")]
    return {"nodeRef": {"name": "n"}, "conditions": listed}


def silent(snapshot: MachineSnapshot, *, seen: float | None, connecting: bool = False) -> MachineSnapshot:
    last_seen = START - timedelta(seconds=seen) if seen is not None else None
    return replace(snapshot, nodes_problem="no answer", last_seen=last_seen, is_connecting=connecting)


SEEN = "Last successful probe at 2026-01-01T11:5{}:00Z"
KEPT = None
Case = Callable[[], MachineSnapshot]


def _too_young(snapshot: MachineSnapshot) -> MachineSnapshot:
    return replace(snapshot, cluster=a_cluster(since=60))


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        # 1, 2: what has to come first, whatever else is known
        (
            lambda: replace(a_snapshot(), cluster=a_cluster(infrastructure=False, control_plane=False)),
            (
                "Unknown",
                "InspectionFailed",
                "Waiting for Cluster status.initialization.infrastructureProvisioned to be true",
            ),
        ),
        (
            lambda: replace(a_snapshot(status=known()), cluster=a_cluster(control_plane=False)),
            ("Unknown", "InspectionFailed", "Waiting for Cluster control plane to be initialized"),
        ),
        (
            lambda: replace(a_snapshot(metadata=deleting()), cluster=a_cluster(control_plane=False)),
            ("Unknown", "InspectionFailed", "Waiting for Cluster control plane to be initialized"),
        ),
        # 3: never reached, and not tried for long
        (
            lambda: silent(a_snapshot(), seen=None, connecting=True),
            ("Unknown", "ConnectionDown", "Remote connection not established yet"),
        ),
        (lambda: silent(a_snapshot(status=known()), seen=None, connecting=True), KEPT),
        # 4: silent for longer than the grace, since it answered last or since there was anything to answer
        (lambda: silent(a_snapshot(status=known()), seen=360), ("Unknown", "ConnectionDown", SEEN.format(4))),
        (lambda: silent(a_snapshot(status=known()), seen=None), ("Unknown", "ConnectionDown", "")),
        (lambda: _too_young(silent(a_snapshot(status=known()), seen=360)), KEPT),
        # 5: silent, but not for that long
        (lambda: silent(a_snapshot(status=known()), seen=60), KEPT),
        (lambda: silent(a_snapshot(), seen=60), ("Unknown", "ConnectionDown", SEEN.format(9))),
        (
            lambda: silent(
                a_snapshot(
                    status=known(
                        status="Unknown",
                        reason="InspectionFailed",
                        message="Waiting for Cluster control plane to be initialized",
                    )
                ),
                seen=60,
            ),
            ("Unknown", "ConnectionDown", SEEN.format(9)),
        ),
        (
            lambda: replace(a_snapshot(), node_conflict="Several Nodes have spec.providerID lab://m: a, b"),
            ("Unknown", "InternalError", "Several Nodes have spec.providerID lab://m: a, b"),
        ),
        # 7 to 10: there is no Node
        (
            lambda: a_snapshot(metadata=deleting(), status=known()),
            ("False", "NodeDeleted", "Node n has been deleted"),
        ),
        (lambda: a_snapshot(metadata=deleting()), ("Unknown", "NodeDoesNotExist", "Node does not exist")),
        (
            lambda: a_snapshot(status=known()),
            ("False", "NodeDeleted", "Node n has been deleted while the Machine still exists"),
        ),
        (
            lambda: a_snapshot(),
            ("Unknown", "InspectionFailed", "Waiting for a Node with spec.providerID lab://m to exist"),
        ),
    ],
)
def test_why_a_node_is_not_known(case: Case, expected: tuple[str, str, str] | None) -> None:
    found = node_conditions(case())
    if expected is KEPT:
        assert found == ()
    else:
        assert [(c.status, c.reason, c.message) for c in found] == [expected, expected]


def test_how_long_what_was_seen_holds_is_for_the_plane_to_say() -> None:
    patient = replace(silent(a_snapshot(status=known()), seen=360), conditions_grace=420)
    assert node_conditions(patient) == ()
    assert node_conditions(replace(patient, conditions_grace=359))[0].reason == "ConnectionDown"


def test_a_node_is_looked_at_only_when_its_cluster_is_there() -> None:
    snapshot = replace(a_snapshot(), node=decode(node("n"), Node))
    assert [c.reason for c in node_conditions(snapshot)] == ["NodeReady", "NodeHealthy"]
    early = replace(snapshot, cluster=a_cluster(control_plane=False))
    assert [c.reason for c in node_conditions(early)] == ["InspectionFailed", "InspectionFailed"]


def test_a_machine_without_a_provider_id_says_who_is_to_report_it() -> None:
    world = joined()
    name = worker(world)
    world.edit("LabMachine", name, {"spec": {"providerID": None}})
    world.edit("Machine", name, {"spec": {"providerID": None}, "status": {"nodeRef": None}})
    world.now += timedelta(hours=1)
    step(world, name)
    text = "Waiting for LabMachine to report spec.providerID"
    assert reported(world, name, "NodeHealthy") == ("Unknown", "InspectionFailed", text)


def test_what_was_known_of_nodes_stays_while_their_cluster_goes() -> None:
    world = joined()
    name = worker(world)
    world.edit("Cluster", "homelab", {"metadata": {"deletionTimestamp": "2026-01-01T12:00:00Z"}})
    world.now += timedelta(hours=1)
    step(world, name)
    assert reported(world, name, "NodeHealthy")[:2] == ("True", "NodeHealthy")


def test_taints_stay_with_the_machine_when_their_gate_is_off() -> None:
    world = declared()
    of_a_plane = core_controllers(
        WorldClients(world), cast(Any, None), SeededKeys("world"), synced=Synced(taints=False)
    )
    place = next(i for i, c in enumerate(world.controllers) if isinstance(c, MachineController))
    world.controllers[place] = next(c for c in of_a_plane if isinstance(c, MachineController))
    world.settle(provide)
    name = worker(world)
    taint = {"key": "example.com/gpu", "effect": "NoSchedule", "propagation": "Always"}
    world.edit("Machine", name, {"spec": {"taints": [taint]}})
    world.settle()
    assert not world.get("Node", name)["spec"].get("taints")
    assert "cluster.x-k8s.io/taints-from-machine" not in of_node(world, name)["annotations"]
