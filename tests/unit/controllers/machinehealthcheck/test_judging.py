"""Whether a Machine is healthy, what it is told, and when it is looked at again, case by case (5.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controllers.machine.build import at, said
from tests.unit.controllers.world import START

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinehealthcheck import MachineHealthCheck
from capstan.api.core.node import Node
from capstan.api.objects import Obj
from capstan.api.struct import decode
from capstan.controllers.machinehealthcheck.plan import plan
from capstan.controllers.machinehealthcheck.plan.allowance import allowance
from capstan.controllers.machinehealthcheck.plan.health import Verdict, judge, shown
from capstan.controllers.machinehealthcheck.snapshot import HealthCheckSnapshot, Target
from capstan.runtime.plan import Update

REMEDIATE = "cluster.x-k8s.io/remediate-machine"
NODE_CHECK = {"type": "Ready", "status": "Unknown", "timeoutSeconds": 300}
MACHINE_CHECK = {"type": "EtcdPodHealthy", "status": "False", "timeoutSeconds": 300}
CHECKS = {"unhealthyNodeConditions": [NODE_CHECK], "unhealthyMachineConditions": [MACHINE_CHECK]}


def cluster(*, ready: float | None = 3600, initialized: float | None = 3600) -> Cluster:
    """Since how many seconds its infrastructure is ready and its control plane initialized; None for not yet."""
    reached = {"InfrastructureReady": ready, "ControlPlaneInitialized": initialized}
    conditions = [said(t, "True", lastTransitionTime=at(seconds=ago)) for t, ago in reached.items() if ago is not None]
    return decode({"metadata": {"name": "homelab", "uid": "c"}, "status": {"conditions": conditions}}, Cluster)


def machine(*conditions: Obj, made: float = 3600, joined: bool = True, name: str = "m", **meta: Any) -> Machine:
    metadata = {"name": name, "namespace": "default", "creationTimestamp": at(seconds=made), **meta}
    status = {"conditions": list(conditions), **({"nodeRef": {"name": "node1"}} if joined else {})}
    return decode({"metadata": metadata, "spec": {"clusterName": "homelab"}, "status": status}, Machine)


def node(*conditions: Obj) -> Node:
    return decode({"metadata": {"name": "node1"}, "status": {"conditions": list(conditions)}}, Node)


def unknown(ago: float) -> Node:
    return node(said("Ready", "Unknown", reason="NodeStatusUnknown", lastTransitionTime=at(seconds=ago)))


def etcd(ago: float) -> Obj:
    return said("EtcdPodHealthy", "False", reason="EtcdPodFailed", lastTransitionTime=at(seconds=ago))


def watched(
    *targets: Target, checks: Obj | None = None, found: Cluster | None = None, **spec: Any
) -> HealthCheckSnapshot:
    of = {"clusterName": "homelab", "selector": {}, "checks": CHECKS if checks is None else checks, **spec}
    check = decode({"metadata": {"name": "check", "namespace": "default", "uid": "k"}, "spec": of}, MachineHealthCheck)
    return HealthCheckSnapshot(check=check, now=START, cluster=found or cluster(), targets=targets)


def verdict(found: HealthCheckSnapshot) -> Verdict:
    (only,) = judge(found)
    return only


OLD_NODE = "Condition Ready on Node is reporting status Unknown with reason NodeStatusUnknown for more than 5m0s"
OLD_POD = "Condition EtcdPodHealthy on Machine is reporting status False with reason EtcdPodFailed for more than 5m0s"
INFRA = said("InfrastructureReady", "True", lastTransitionTime=at(seconds=50))
STARTUP = "Node failed to report startup in 10m0s"
GONE = "Node node1 has been deleted"


@pytest.mark.parametrize(
    ("found", "state", "again"),
    [
        (watched(Target(machine(made=400, joined=False))), "pending", 201),
        (watched(Target(machine(INFRA, made=1200, joined=False))), "pending", 551),
        (watched(Target(machine(made=1200, joined=False)), found=cluster(initialized=100)), "pending", 501),
        (watched(Target(machine(made=1200, joined=False)), found=cluster(ready=10)), "pending", 591),
        (watched(Target(machine(), unknown(200))), "pending", 101),
        (watched(Target(machine(), unknown(300))), "pending", 1),
        (watched(Target(machine(etcd(200)), node())), "pending", 101),
        (watched(Target(machine(etcd(200)), unknown(250))), "pending", 51),
        (watched(Target(machine(), node(said("Ready", "True")))), "healthy", None),
        (watched(Target(machine(), node())), "healthy", None),
        (watched(Target(machine(), node()), checks={}), "healthy", None),
        (
            watched(
                Target(machine(made=1200, joined=False)),
                checks={**CHECKS, "nodeStartupTimeoutSeconds": 0},
            ),
            "neutral",
            None,
        ),
        (watched(Target(machine(), unknown(400)), found=cluster(initialized=None)), "neutral", None),
        (watched(Target(machine(), unknown(400)), found=cluster(ready=None)), "neutral", None),
        (watched(Target(machine(deletionTimestamp=at(seconds=5)), node())), "neutral", None),
    ],
    ids=[
        "starts",
        "starts since its host is there",
        "starts since the control plane is there",
        "starts since the infrastructure is there",
        "its node is silent",
        "its node is silent, and soon too long",
        "it says something itself",
        "both, and the node is first",
        "fine",
        "a node that says nothing",
        "nothing is checked",
        "starts, and may take its time",
        "a worker of a control plane that is not there yet",
        "infrastructure that is not there yet",
        "on its way out",
    ],
)
def test_what_is_not_unhealthy(found: HealthCheckSnapshot, state: str, again: float | None) -> None:
    told = verdict(found)
    assert (told.state, told.again_in) == (state, again)
    assert plan(found).requeue_after == again


CONTROL_PLANE = {"labels": {"cluster.x-k8s.io/control-plane": ""}}


@pytest.mark.parametrize(
    ("found", "reason", "faults", "legacy"),
    [
        (watched(Target(machine(made=1200, joined=False))), "NodeStartupTimeout", [STARTUP], STARTUP),
        (watched(Target(machine(), node_missing=True)), "NodeDeleted", [GONE], ""),
        (watched(Target(machine(), node_missing=True), checks={}), "NodeDeleted", [GONE], ""),
        (watched(Target(machine(), unknown(400))), "UnhealthyNode", [OLD_NODE], OLD_NODE),
        (watched(Target(machine(etcd(400)), node())), "UnhealthyMachine", [OLD_POD], OLD_POD),
        (
            watched(Target(machine(etcd(400)), unknown(400))),
            "UnhealthyMachine",
            [OLD_POD, OLD_NODE],
            f"{OLD_POD}; {OLD_NODE}",
        ),
        (watched(Target(machine(etcd(400)), unknown(10))), "UnhealthyMachine", [OLD_POD], OLD_POD),
        (watched(Target(machine(etcd(10)), unknown(400))), "UnhealthyNode", [OLD_NODE], OLD_NODE),
        (
            watched(Target(machine(etcd(400)), node_missing=True)),
            "UnhealthyMachine",
            [OLD_POD, GONE],
            f"{OLD_POD}; {GONE}",
        ),
        (
            watched(Target(machine(etcd(400), made=1200, joined=False))),
            "UnhealthyMachine",
            [OLD_POD, STARTUP],
            f"{OLD_POD}; {STARTUP}",
        ),
        (
            watched(Target(machine(made=1200, joined=False, **CONTROL_PLANE)), found=cluster(initialized=None)),
            "NodeStartupTimeout",
            [STARTUP],
            STARTUP,
        ),
    ],
)
def test_what_is_unhealthy(found: HealthCheckSnapshot, reason: str, faults: list[str], legacy: str) -> None:
    told = verdict(found)
    text = "Health check failed:" + "".join(f"\n  * {fault}" for fault in faults)
    assert (told.state, told.reason, told.message, told.legacy) == ("unhealthy", reason, text, legacy)


@pytest.mark.parametrize("found", [cluster(), cluster(initialized=None), cluster(ready=None)])
def test_a_mark_of_the_users_comes_before_everything(found: Cluster) -> None:
    marked = verdict(watched(Target(machine(annotations={REMEDIATE: ""}), node()), found=found))
    text = "Health check failed: marked for remediation via cluster.x-k8s.io/remediate-machine annotation"
    assert (marked.state, marked.reason, marked.message) == ("unhealthy", "HasRemediateAnnotation", text)
    assert marked.legacy == "Marked for remediation via remediate-machine annotation"


def test_one_check_does_not_look_at_the_next_machine() -> None:
    targets = (
        Target(machine(name="a"), node()),
        Target(machine(name="b"), unknown(200)),
        Target(machine(name="c"), unknown(100)),
        Target(machine(name="d"), unknown(400)),
    )
    found = watched(*targets, remediation={"triggerIf": {"unhealthyLessThanOrEqualTo": "100%"}})
    assert [(v.state, v.again_in) for v in judge(found)] == [
        ("healthy", None),
        ("pending", 101),
        ("pending", 201),
        ("unhealthy", None),
    ]
    planned = plan(found)
    assert planned.requeue_after == 101
    assert [a.before.metadata.name for a in planned.actions if isinstance(a, Update)][:2] == ["a", "d"]


@pytest.mark.parametrize(
    ("limit", "total", "healthy", "left"),
    [
        (None, 3, 0, 0),
        (None, 7, 7, 7),
        ("abcdef", 5, 2, None),
        (1, 3, 1, None),
        (2, 3, 1, 0),
        (3, 3, 1, 1),
        ("50%", 5, 2, None),
        ("60%", 5, 2, 0),
        ("70%", 5, 2, 0),
        ("40%", 5, 5, 2),
        ("60%", 7, 7, 4),
        (0, 3, 3, 0),
    ],
)
def test_how_many_may_be_unhealthy(limit: int | str | None, total: int, healthy: int, left: int | None) -> None:
    """None is left where nothing is repaired."""
    targets = [Target(machine(name=f"m{n}"), node() if n < healthy else unknown(400)) for n in range(total)]
    trigger = {} if limit is None else {"unhealthyLessThanOrEqualTo": limit}
    found = watched(*targets, remediation={"triggerIf": trigger})
    allowed = allowance(found, judge(found))
    assert (allowed.total, allowed.healthy, allowed.unhealthy) == (total, healthy, total - healthy)
    assert (None if allowed.refusal else allowed.left) == left
    if left is None:
        text = (
            "Remediation is not allowed, the number of not started or unhealthy machines exceeds maxUnhealthy "
            f"(total: {total}, unhealthy: {total - healthy}, maxUnhealthy: {limit})"
        )
        assert allowed.refusal == text


def test_durations_as_upstream_prints_them() -> None:
    spans = {
        timedelta(minutes=10): "10m0s",
        timedelta(seconds=5): "5s",
        timedelta(hours=1): "1h0m0s",
        timedelta(): "0s",
    }
    assert {shown(int(span.total_seconds())) for span in spans} == set(spans.values())
