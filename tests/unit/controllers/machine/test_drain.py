"""A drain, case by case: which pods go, stay or are waited for, in which order, and what the condition says of it;
which volumes are waited for; when there is no drain at all (2.5, 2.6, 2.7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controllers.machine.build import at, cluster, machine, missing, node, provider, said, snapshot
from tests.unit.controllers.pods import drain_rule
from tests.unit.controllers.world import START

from capstan.api.cluster.machinedrainrule import MachineDrainRule
from capstan.api.objects import Obj
from capstan.api.struct import decode
from capstan.controllers.machine.plan.deletion import (
    deletion_stage,
    is_node_deletion_allowed,
    looks_at_pods,
    looks_at_volumes,
)
from capstan.controllers.machine.plan.drain.due import is_drain_due, is_volume_wait_due
from capstan.controllers.machine.plan.drain.eviction import Evictions, drain_message
from capstan.controllers.machine.plan.drain.filters import Circumstances, DrainError, fate_of
from capstan.controllers.machine.plan.drain.round import Round, drain_round
from capstan.controllers.machine.plan.drain.rules import rule_for_pod, rules_for_machine
from capstan.controllers.machine.plan.drain.stages import look
from capstan.controllers.machine.plan.drain.volumes import attached_volumes
from capstan.controllers.machine.pods import PodOnNode, PodsOfNode, Volume, VolumesOfNode
from capstan.controllers.machine.snapshot import MachineSnapshot

LABEL = "cluster.x-k8s.io/drain"


def pod(name: str, **parts: Any) -> PodOnNode:
    return PodOnNode(namespace="web", name=name, controller=parts.pop("controller", ("ReplicaSet", name)), **parts)


def rule(name: str, behavior: str, order: int | None = None, **parts: Any) -> MachineDrainRule:
    return decode(drain_rule(name, behavior, order, **parts), MachineDrainRule)


def matching(**labels: str) -> Obj:
    return {"matchLabels": labels}


def around(*pods: PodOnNode, rules: tuple[MachineDrainRule, ...] = (), **parts: Any) -> Circumstances:
    found = PodsOfNode(
        pods=pods,
        namespaces=parts.pop("namespaces", {"web": {"kubernetes.io/metadata.name": "web"}}),
        orphaned=parts.pop("orphaned", frozenset()),
    )
    return Circumstances(node=found, rules=rules, now=START, unreachable=parts.pop("unreachable", False))


DAEMON = ("DaemonSet", "agent")


@pytest.mark.parametrize(
    ("found", "parts", "expected"),
    [
        (pod("p"), {}, ("Drain", 0)),
        (pod("p", deleted_at=START - timedelta(seconds=5)), {}, ("Drain", 0)),
        (pod("p", deleted_at=START - timedelta(seconds=5)), {"unreachable": True}, ("Skip", 0)),
        (pod("p", deleted_at=START), {"unreachable": True}, ("Drain", 0)),
        (pod("p"), {"unreachable": True}, ("Drain", 0)),
        (pod("p", controller=DAEMON), {}, ("Skip", 0)),
        (pod("p", controller=DAEMON, phase="Succeeded"), {}, ("Drain", 0)),
        (pod("p", controller=DAEMON, phase="Failed"), {}, ("Drain", 0)),
        (pod("p", controller=DAEMON), {"orphaned": frozenset({("web", "agent")})}, ("Drain", 0)),
        (pod("p", is_static=True), {}, ("Skip", 0)),
        (pod("p", has_empty_dir=True), {}, ("Drain", 0)),
        (pod("p", controller=("", "")), {}, ("Drain", 0)),
        (pod("p", controller=("", ""), has_empty_dir=True, phase="Failed"), {}, ("Drain", 0)),
        (pod("p", labels={LABEL: "skip"}), {}, ("Skip", 0)),
        (pod("p", labels={LABEL: "Skip"}), {}, ("Skip", 0)),
        (pod("p", labels={LABEL: "wait-completed"}), {}, ("WaitCompleted", 0)),
        (pod("p", labels={LABEL: "WaitCompleted"}), {}, ("WaitCompleted", 0)),
        (pod("p", labels={LABEL: "wait--completed"}), {}, ("Drain", 0)),
        (pod("p", labels={LABEL: "anything"}), {}, ("Drain", 0)),
        (pod("p", labels={LABEL: "wait-completed"}, phase="Succeeded"), {}, ("Completed", 0)),
        (pod("p", labels={LABEL: "skip"}), {"rules": (rule("a", "Drain", 5),)}, ("Skip", 0)),
        (pod("p", is_static=True), {"rules": (rule("a", "Drain", 5),)}, ("Skip", 0)),
        (pod("p"), {"rules": (rule("a", "Drain", 5), rule("b", "Skip"))}, ("Drain", 5)),
        (pod("p"), {"rules": (rule("a", "Drain", -7),)}, ("Drain", -7)),
        (pod("p"), {"rules": (rule("a", "Drain"),)}, ("Drain", 0)),
        (pod("p"), {"rules": (rule("a", "WaitCompleted"),)}, ("WaitCompleted", 0)),
        (pod("p"), {"rules": (rule("a", "Skip", pods=[{"selector": matching(app="x")}]),)}, ("Drain", 0)),
        (
            pod("p", labels={"app": "x"}),
            {"rules": (rule("a", "Skip", pods=[{"selector": matching(app="x")}]),)},
            ("Skip", 0),
        ),
    ],
)
def test_what_becomes_of_a_pod(found: PodOnNode, parts: dict[str, Any], expected: tuple[str, int]) -> None:
    fate = fate_of(found, around(found, **parts))
    assert (fate.behavior, fate.order) == expected


def test_a_pod_of_a_namespace_that_is_not_there_fails_the_drain() -> None:
    with pytest.raises(DrainError, match='Pods with error "Pod Namespace does not exist": web/p'):
        fate_of(pod("p"), around(rules=(rule("a", "Skip"),), namespaces={}))


NOTHING: Obj = {}
TWO_MACHINES = [
    {"selector": matching(a="other"), "clusterSelector": matching(c="cluster")},
    {"selector": matching(a="machine"), "clusterSelector": matching(c="cluster")},
]


@pytest.mark.parametrize(
    ("entries", "fits"),
    [
        (None, True),
        ([], True),
        (TWO_MACHINES, True),
        ([{"selector": matching(a="machine"), "clusterSelector": matching(c="other")}], False),
        ([{"selector": matching(a="other"), "clusterSelector": matching(c="cluster")}], False),
        ([{"selector": NOTHING, "clusterSelector": matching(c="cluster")}], True),
        ([{"clusterSelector": matching(c="cluster")}], True),
        ([{"selector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}], True),
        ([{"selector": {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["machine"]}]}}], False),
    ],
)
def test_which_machines_and_pods_a_rule_is_about(entries: list[Obj] | None, fits: bool) -> None:
    """Both halves of a rule say it in the same way, so each entry is tried on both."""
    machines = {} if entries is None else {"machines": entries}
    found = rules_for_machine([rule("r", "Skip", **machines)], {"a": "machine"}, {"c": "cluster"})
    assert bool(found) is fits
    renamed = [{"namespaceSelector" if k == "clusterSelector" else k: v for k, v in e.items()} for e in entries or ()]
    pods = {} if entries is None else {"pods": renamed}
    one = pod("p", labels={"a": "machine"})
    assert (rule_for_pod([rule("r", "Skip", **pods)], one, {"c": "cluster"}) is not None) is fits


def test_rules_are_asked_by_name() -> None:
    rules = [rule(name, "Skip", machines=[{"selector": matching(a="1")}]) for name in ("r3", "r1", "r2")]
    other = rule("r0", "Skip", machines=[{"selector": matching(a="2")}])
    assert [r.metadata.name for r in rules_for_machine([*rules, other], {"a": "1"}, {})] == ["r1", "r2", "r3"]


def test_a_rule_that_cannot_be_read_fails_the_drain_of_a_node_with_pods() -> None:
    broken = rule("r", "Skip", machines=[{"selector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}])
    found = snapshot(node=node(), drain_rules=(broken,), pods=PodsOfNode(pods=(pod("p"),), namespaces={"web": {}}))
    told = look(found)
    assert isinstance(told, str)
    assert told.startswith("MachineDrainRule r has an invalid selector")
    assert look(snapshot(node=node(), drain_rules=(broken,), pods=PodsOfNode())) == Round()


# Who goes now


def test_only_the_least_order_goes_and_is_waited_for() -> None:
    gone = START - timedelta(seconds=30)
    rules = (
        rule("first", "Drain", -3, pods=[{"selector": matching(tier="first")}]),
        rule("last", "Drain", 5, pods=[{"selector": matching(tier="last")}]),
        rule("wait", "WaitCompleted", pods=[{"selector": matching(tier="job")}]),
    )
    tiers = {tier: {"tier": tier} for tier in ("first", "last", "job")}
    pods = [
        pod("z-first", labels=tiers["first"]),
        pod("a-first", labels=tiers["first"]),
        pod("first-leaves", labels=tiers["first"], deleted_at=gone),
        pod("plain"),
        pod("plain-leaves", deleted_at=gone),
        pod("last", labels=tiers["last"]),
        pod("job", labels=tiers["job"]),
        pod("job-done", labels=tiers["job"], phase="Succeeded", claims=("j",)),
        pod("agent", controller=DAEMON, claims=("c",)),
    ]
    found = drain_round(around(*pods, rules=rules))
    names = {
        field: [p.name for p in getattr(found, field)]
        for field in ("leaving", "now", "later", "completing", "completing_later", "skipped")
    }
    assert names == {
        "leaving": ["first-leaves", "plain-leaves"],
        "now": ["a-first", "z-first"],
        "later": ["last", "plain"],
        "completing": [],
        "completing_later": ["job"],
        "skipped": ["agent"],
    }
    assert found.ignored_claims == {("web", "c")}, "volumes of a job that has ended are detached"


def test_pods_that_are_waited_for_count_as_order_zero() -> None:
    job = pod("job", labels={LABEL: "wait-completed"})
    late = rule("late", "Drain", 1, pods=[{"selector": matching(tier="late")}])
    found = drain_round(around(job, pod("late", labels={"tier": "late"}), pod("now"), rules=(late,)))
    assert [p.name for p in found.completing] == ["job"]
    assert [p.name for p in found.now] == ["now"]
    assert [p.name for p in found.later] == ["late"]


def test_a_pod_on_its_way_out_keeps_those_of_later_orders() -> None:
    first = rule("first", "Drain", -1, pods=[{"selector": matching(tier="first")}])
    leaves = pod("first", labels={"tier": "first"}, deleted_at=START)
    found = drain_round(around(leaves, pod("second"), rules=(first,)))
    assert (found.now, [p.name for p in found.later]) == ((), ["second"])


def test_nothing_is_left() -> None:
    assert drain_round(around()).done
    assert drain_round(around(pod("agent", controller=DAEMON))).done
    assert not drain_round(around(pod("p", deleted_at=START))).done


# The message


def pods(*names: str) -> tuple[PodOnNode, ...]:
    return tuple(pod(name) for name in names)


BUDGET = "Cannot evict pod as it would violate the pod's disruption budget. The disruption budget b needs 20"
STARTED = f"Drain not completed yet (started at {at(minutes=1)}):"
LONG = Round(
    leaving=pods("b1", "b2"),
    now=pods("a1", "c1", "c2", "d1", "d2", "d3", "d4", "d5", "e1"),
    later=pods("f1", "f2", "f3", "f4", "f5"),
    completing=pods("g1"),
    completing_later=pods("h1", "h2"),
)
REFUSED = {
    **{("web", f"d{n}"): f"some other error {n}" for n in range(1, 6)},
    ("web", "c1"): BUDGET,
    ("web", "c2"): BUDGET,
}


@pytest.mark.parametrize(
    ("found", "done", "expected"),
    [
        (
            Round(leaving=pods("b1"), completing=pods("g1"), later=pods("f1")),
            Evictions(),
            [
                "* Pod web/b1: deletionTimestamp set, but still not removed from the Node",
                "* Pod web/g1: waiting for completion",
                "After above Pods have been removed from the Node, the following Pods will be evicted: web/f1",
            ],
        ),
        (
            LONG,
            Evictions(REFUSED, frozenset({("web", "e1")})),
            [
                "* Pods web/b1, web/b2, web/a1: deletionTimestamp set, but still not removed from the Node",
                "* Pods web/c1, web/c2: cannot evict pod as it would violate the pod's disruption budget. "
                "The disruption budget b needs 20",
                *(f"* Pod web/d{n}: failed to evict Pod, some other error {n}" for n in range(1, 5)),
                "* 1 Pod with other issues",
                "* Pod web/g1: waiting for completion",
                "After above Pods have been removed from the Node, the following Pods will be evicted: "
                "web/f1, web/f2, web/f3, ... (2 more)",
                "After above Pods have been removed from the Node, waiting for the following Pods to complete without "
                "eviction: web/h1, web/h2",
            ],
        ),
        (
            Round(now=pods(*(f"d{n}" for n in range(8)))),
            Evictions({("web", f"d{n}"): f"error {n}" for n in range(8)}),
            [*(f"* Pod web/d{n}: failed to evict Pod, error {n}" for n in range(5)), "* 3 Pods with other issues"],
        ),
        (
            Round(now=pods("a", "b", "c", "d", "e")),
            Evictions({("web", name): BUDGET for name in "abcde"}),
            [f"* Pods web/a, web/b, web/c, ... (2 more): c{BUDGET[1:]}"],
        ),
        (
            Round(now=pods("a", "b")),
            Evictions({("web", "a"): "an error in small letters", ("web", "b"): BUDGET}),
            [f"* Pod web/b: c{BUDGET[1:]}", "* Pod web/a: failed to evict Pod, an error in small letters"],
        ),
    ],
)
def test_what_the_condition_says(found: Round, done: Evictions, expected: list[str]) -> None:
    assert drain_message(found, done, START - timedelta(minutes=1)).splitlines() == [STARTED, *expected]


# Whether there is a drain, and a wait for volumes

EXCLUDED = {
    "machine.cluster.x-k8s.io/exclude-node-draining": "",
    "machine.cluster.x-k8s.io/exclude-wait-for-node-volume-detach": "",
}
TERMINATES = {"deletion": {"waitForPreTerminateHookStartTime": at(minutes=1)}}


def begun(seconds: float) -> Obj:
    since = at(seconds=seconds)
    return {"deletion": {"nodeDrainStartTime": since, "waitForNodeVolumeDetachStartTime": since}}


def timeout(seconds: int) -> Obj:
    return {"deletion": {"nodeDrainTimeoutSeconds": seconds, "nodeVolumeDetachTimeoutSeconds": seconds}}


@pytest.mark.parametrize(
    ("found", "due"),
    [
        (snapshot(machine(deleting=1)), True),
        (snapshot(machine(deleting=1, annotations=EXCLUDED)), False),
        (snapshot(machine(deleting=1), infrastructure=missing("LabMachine")), False),
        (
            snapshot(
                machine(deleting=1),
                infrastructure=provider("LabMachine", metadata={"deletionTimestamp": at(minutes=1)}),
            ),
            False,
        ),
        (snapshot(machine(deleting=1, status=TERMINATES)), False),
        (snapshot(machine(deleting=1, spec=timeout(60), status=begun(70))), False),
        (snapshot(machine(deleting=1, spec=timeout(60), status=begun(60))), False),
        (snapshot(machine(deleting=1, spec=timeout(60), status=begun(30))), True),
        (snapshot(machine(deleting=1, spec=timeout(60))), True),
        (snapshot(machine(deleting=1, spec=timeout(0), status=begun(1000))), True),
        (snapshot(machine(deleting=1, status=begun(1000))), True),
    ],
    ids=[
        "yes",
        "excluded",
        "without its host",
        "its host goes",
        "its host may go",
        "over",
        "just over",
        "not over yet",
        "not begun",
        "no limit",
        "no limit given",
    ],
)
def test_whether_a_node_is_emptied_and_its_volumes_waited_for(found: MachineSnapshot, due: bool) -> None:
    assert is_drain_due(found) is due
    assert is_volume_wait_due(found) is due


# Volumes

READY = said("Ready", "True")
CLAIMED = Volume(name="pv", csi_name="kubernetes.io/csi/dummy^foo", claim=("web", "claim"))
UNCLAIMED = Volume(name="pv", csi_name="kubernetes.io/csi/dummy^foo")
REPORTED = {"volumesAttached": [{"name": "kubernetes.io/csi/dummy^foo", "devicePath": ""}]}
WAITS = f"Waiting for Node volumes to be detached (started at {at(minutes=1)})"
AGENT = PodsOfNode(pods=(pod("agent", controller=DAEMON, claims=("claim",)),), namespaces={"web": {}})
JOB = PodsOfNode(
    pods=(pod("job", labels={LABEL: "wait-completed"}, phase="Succeeded", claims=("claim",)),), namespaces={"web": {}}
)


@pytest.mark.parametrize(
    ("status", "found", "pods_there", "line"),
    [
        (REPORTED, VolumesOfNode(volumes=(CLAIMED,)), PodsOfNode(), "PersistentVolumeClaims: web/claim"),
        (
            REPORTED,
            VolumesOfNode(volumes=(UNCLAIMED,)),
            PodsOfNode(),
            "PersistentVolumes without a .spec.claimRef to a PersistentVolumeClaim: pv",
        ),
        (
            REPORTED,
            VolumesOfNode(),
            PodsOfNode(),
            "Node with .status.volumesAttached entries not matching a PersistentVolume: kubernetes.io/csi/dummy^foo",
        ),
        (REPORTED, VolumesOfNode(volumes=(CLAIMED,)), AGENT, ""),
        (REPORTED, VolumesOfNode(volumes=(CLAIMED,)), JOB, "PersistentVolumeClaims: web/claim"),
        (
            {},
            VolumesOfNode(attachments=frozenset({"pv"}), volumes=(CLAIMED,)),
            PodsOfNode(),
            "PersistentVolumeClaims: web/claim",
        ),
        (
            {},
            VolumesOfNode(attachments=frozenset({"pv"})),
            PodsOfNode(),
            "VolumeAttachment with .spec.source.persistentVolumeName not matching a PersistentVolume: pv",
        ),
        ({}, VolumesOfNode(attachments=frozenset({"pv"}), volumes=(CLAIMED,)), AGENT, ""),
        ({}, VolumesOfNode(volumes=(CLAIMED,)), PodsOfNode(), ""),
        (
            {},
            VolumesOfNode(
                attachments=frozenset(f"pv{n}" for n in range(7)),
                volumes=tuple(Volume(name=f"pv{n}", claim=("web", f"c{n}")) for n in range(7)),
            ),
            PodsOfNode(),
            "PersistentVolumeClaims: web/c0, web/c1, web/c2, web/c3, web/c4, ... (2 more)",
        ),
    ],
)
def test_which_volumes_are_waited_for(status: Obj, found: VolumesOfNode, pods_there: PodsOfNode, line: str) -> None:
    of = snapshot(node=node(READY, status=status), pods=pods_there)
    stays = look(of)
    assert isinstance(stays, Round)
    assert of.node is not None
    attached = attached_volumes(of.node, found, stays.ignored_claims)
    assert attached.nothing is not bool(line)
    if line:
        assert attached.message(START - timedelta(minutes=1)) == f"{WAITS}\n* {line}"


def test_volumes_of_a_node_that_is_not_heard_of_are_not_waited_for() -> None:
    lost = node(said("Ready", "Unknown"), status=REPORTED)
    found = snapshot(machine(deleting=1, status=begun(1)), node=lost, volumes=VolumesOfNode(volumes=(CLAIMED,)))
    assert not is_volume_wait_due(found)


def test_between_two_looks_at_its_volumes_a_node_is_not_said_to_be_drained_again() -> None:
    told = {"type": "Deleting", "status": "True", "reason": "WaitingForVolumeDetach", "message": WAITS}
    status = {**JOINED, **begun(60), "conditions": [told]}
    waiting = snapshot(
        machine(deleting=1, status=status), node=node(READY), active_control_plane_machines=1, next_look=15.0
    )
    stage = deletion_stage(waiting)
    assert (stage.reason, stage.message, stage.actions) == ("WaitingForVolumeDetach", WAITS, ())
    due = replace(waiting, next_look=0.0)
    assert looks_at_pods(due)
    assert looks_at_volumes(replace(due, pods=AGENT))


# Whether the Node is worth removing

JOINED: Obj = {"nodeRef": {"name": "n"}}
GOING = {"deletionTimestamp": at(minutes=1)}
EXTERNAL: Obj = {"status": {"externalManagedControlPlane": True}}


@pytest.mark.parametrize(
    ("found", "allowed"),
    [
        (snapshot(machine(deleting=1), active_control_plane_machines=3), False),
        (snapshot(machine(deleting=1, status=JOINED)), False),
        (snapshot(machine(deleting=1, status=JOINED), active_control_plane_machines=1), True),
        (
            snapshot(
                machine(deleting=1, status=JOINED), active_control_plane_machines=3, cluster=cluster(deleting=True)
            ),
            False,
        ),
        (snapshot(machine(deleting=1, status=JOINED), control_plane=provider("LabControlPlane", **EXTERNAL)), True),
        (
            snapshot(
                machine(deleting=1, status=JOINED),
                control_plane=provider("LabControlPlane", metadata=GOING),
                active_control_plane_machines=3,
            ),
            False,
        ),
        (
            snapshot(
                machine(deleting=1, status=JOINED),
                control_plane=provider("LabControlPlane", metadata=GOING, **EXTERNAL),
            ),
            False,
        ),
        (
            snapshot(
                machine(deleting=1, status=JOINED),
                control_plane=missing("LabControlPlane"),
                active_control_plane_machines=1,
            ),
            True,
        ),
        (snapshot(machine(deleting=1), node=node(), active_control_plane_machines=1), True),
    ],
    ids=[
        "no node",
        "no control plane machine",
        "one",
        "the cluster goes",
        "managed elsewhere",
        "the control plane goes",
        "managed elsewhere, and goes",
        "the control plane is gone",
        "a node that is found late",
    ],
)
def test_whether_a_node_is_worth_removing(found: MachineSnapshot, allowed: bool) -> None:
    assert is_node_deletion_allowed(found) is allowed


HOOK = "{}.delete.hook.machine.cluster.x-k8s.io/{}"


@pytest.mark.parametrize(
    ("annotations", "active", "expected"),
    [
        (
            [HOOK.format("pre-drain", "b"), HOOK.format("pre-drain", "a")],
            1,
            (
                "WaitingForPreDrainHook",
                "Waiting for pre-drain hooks to succeed (hooks: pre-drain.delete.hook.machine.cluster.x-k8s.io/a,"
                "pre-drain.delete.hook.machine.cluster.x-k8s.io/b)",
            ),
        ),
        (
            [HOOK.format("pre-drain", "a")],
            0,
            ("WaitingForInfrastructureDeletion", "Waiting for LabMachine to be deleted"),
        ),
        (
            [HOOK.format("pre-terminate", "a")],
            0,
            (
                "WaitingForPreTerminateHook",
                "Waiting for pre-terminate hooks to succeed (hooks: "
                "pre-terminate.delete.hook.machine.cluster.x-k8s.io/a)",
            ),
        ),
    ],
)
def test_hooks(annotations: list[str], active: int, expected: tuple[str, str]) -> None:
    given = machine(deleting=1, status=JOINED, annotations=dict.fromkeys(annotations, ""))
    stage = deletion_stage(snapshot(given, active_control_plane_machines=active, node=node()))
    assert (stage.reason, stage.message) == expected


def test_the_bootstrap_config_goes_after_the_host() -> None:
    gone = missing("LabMachine")
    stage = deletion_stage(snapshot(machine(deleting=1), infrastructure=gone))
    assert (stage.reason, stage.message) == ("WaitingForBootstrapDeletion", "Waiting for LabConfig to be deleted")
    last = deletion_stage(snapshot(machine(deleting=1), infrastructure=gone, bootstrap=missing("LabConfig")))
    assert (last.reason, last.message) == ("DeletionCompleted", "Deletion completed")
