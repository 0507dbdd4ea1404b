"""MachineHealthCheck: who is unhealthy, when that is known, who repairs it, and when nobody does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controllers.lab import CLUSTER_LABEL, CORE, joined, node, provide
from tests.unit.controllers.world import INFRA, World, condition

from capstan.api.errors import ApiError
from capstan.api.objects import GroupKind, Key, Obj
from capstan.controllers.machinehealthcheck.controller import MachineHealthCheckController
from capstan.runtime.plan import Action, Create, Plan

NOT_READY = {"type": "Ready", "status": "False", "timeoutSeconds": 300}
NO_WORD = {"type": "Ready", "status": "Unknown", "timeoutSeconds": 300}


def watched(replicas: int = 3, checks: Obj | None = None, remediation: Obj | None = None) -> World:
    """A world with a health check over its workers."""
    world = joined(replicas)
    spec: Obj = {
        "clusterName": "homelab",
        "selector": {"matchLabels": {"cluster.x-k8s.io/deployment-name": "workers"}},
        "checks": {"nodeStartupTimeoutSeconds": 600, "unhealthyNodeConditions": [NOT_READY, NO_WORD], **(checks or {})},
    }
    if remediation is not None:
        spec["remediation"] = remediation
    meta = {"name": "workers", "namespace": "default", "labels": {CLUSTER_LABEL: "homelab"}}
    world.put({"apiVersion": CORE, "kind": "MachineHealthCheck", "metadata": meta, "spec": spec})
    world.settle(provide)
    return world


def look(world: World) -> Plan:
    controller = next(c for c in world.controllers if isinstance(c, MachineHealthCheckController))
    plan = world.reconcile(controller, Key("default", "workers"))
    assert plan is not None
    return plan


def workers(world: World) -> list[str]:
    return [m["metadata"]["name"] for m in world.all("Machine") if m["metadata"]["name"].startswith("workers")]


def status(world: World) -> Obj:
    found: Obj = world.get("MachineHealthCheck", "workers")["status"]
    return found


def reported(world: World, name: str, type: str) -> tuple[str, str, str]:
    found = condition(world.get("Machine", name), type)
    return found["status"], found["reason"], found["message"]


def break_node(world: World, name: str, value: str = "False") -> None:
    """The kubelet reports from now on that its node is not ready."""
    broken = node(name, value)
    since = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for found in broken["status"]["conditions"]:
        if found["type"] == "Ready":
            found.update(lastTransitionTime=since, reason="KubeletNotReady")
    world.put({**broken, "metadata": {**world.get("Node", name)["metadata"]}})


def later(world: World, **span: float) -> None:
    world.now += timedelta(**span)


def test_healthy_machines_are_counted() -> None:
    world = watched()
    found = status(world)
    assert (found["expectedMachines"], found["currentHealthy"], found["remediationsAllowed"]) == (3, 3, 3)
    assert found["targets"] == workers(world)
    assert condition(world.get("MachineHealthCheck", "workers"), "RemediationAllowed")["status"] == "True"
    assert all(reported(world, name, "HealthCheckSucceeded")[0] == "True" for name in workers(world))
    owners = world.get("MachineHealthCheck", "workers")["metadata"]["ownerReferences"]
    assert [(o["kind"], o["name"], o.get("controller")) for o in owners] == [("Cluster", "homelab", None)]


def test_a_node_that_stays_unready_is_replaced() -> None:
    world = watched()
    victim = workers(world)[0]
    break_node(world, victim)
    plan = look(world)
    assert plan.requeue_after == 301.0, "it is looked at again when the time is up"
    assert reported(world, victim, "HealthCheckSucceeded")[0] == "True", "it may come back"
    assert status(world)["currentHealthy"] == 2
    later(world, seconds=301)
    look(world)
    message = "Condition Ready on Node is reporting status False with reason KubeletNotReady for more than 5m0s"
    expected = ("False", "UnhealthyNode", f"Health check failed:\n  * {message}")
    assert reported(world, victim, "HealthCheckSucceeded") == expected
    assert reported(world, victim, "OwnerRemediated") == ("False", "WaitingForRemediation", "Waiting for remediation")
    assert any("MachineMarkedUnhealthy" in event for event in world.events)
    world.settle(provide)
    assert victim not in workers(world)
    assert len(workers(world)) == 3
    assert status(world)["currentHealthy"] == 3


def test_a_node_that_comes_back_in_time_is_left_alone() -> None:
    world = watched()
    victim = workers(world)[0]
    break_node(world, victim)
    later(world, seconds=200)
    look(world)
    world.put({**node(victim), "metadata": world.get("Node", victim)["metadata"]})
    later(world, seconds=200)
    world.settle(provide)
    assert victim in workers(world)
    assert reported(world, victim, "HealthCheckSucceeded")[0] == "True"


def test_a_node_that_is_gone() -> None:
    world = watched()
    victim = workers(world)[1]
    world.objects.pop((GroupKind("", "Node"), Key("", victim)))
    look(world)
    status_, reason, message = reported(world, victim, "HealthCheckSucceeded")
    assert (status_, reason) == ("False", "NodeDeleted")
    assert message == f"Health check failed:\n  * Node {victim} has been deleted"


@pytest.mark.parametrize(("timeout", "waits"), [(600, 601.0), (0, None)])
def test_a_machine_that_never_becomes_a_node(timeout: int, waits: float | None) -> None:
    world = watched(checks={"nodeStartupTimeoutSeconds": timeout})
    world.reachable = False
    world.edit("MachineDeployment", "workers", {"spec": {"replicas": 4}})
    before = set(workers(world))
    world.settle()
    (newcomer,) = set(workers(world)) - before
    world.reachable = True
    created = world.get("Machine", newcomer)
    since = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    world.put({**created, "metadata": {**created["metadata"], "creationTimestamp": since}})
    assert look(world).requeue_after == waits
    later(world, seconds=700)
    look(world)
    if timeout:
        told = reported(world, newcomer, "HealthCheckSucceeded")
        assert told == (
            "False",
            "NodeStartupTimeout",
            "Health check failed:\n  * Node failed to report startup in 10m0s",
        )
    else:
        conditions = world.get("Machine", newcomer)["status"]["conditions"]
        assert not any(c["type"] == "HealthCheckSucceeded" for c in conditions)


def test_conditions_of_the_machine_itself() -> None:
    check = {"type": "InfrastructureReady", "status": "False", "timeoutSeconds": 60}
    world = watched(checks={"unhealthyMachineConditions": [check]})
    victim = world.get("Machine", workers(world)[2])
    bad = {"type": "InfrastructureReady", "status": "False", "reason": "VMGone", "message": ""}
    kept = [c for c in victim["status"]["conditions"] if c["type"] != "InfrastructureReady"]
    since = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    changed = {**victim["status"], "conditions": [*kept, {**bad, "lastTransitionTime": since}]}
    world.put({**victim, "status": changed})
    later(world, seconds=61)
    look(world)
    told = reported(world, victim["metadata"]["name"], "HealthCheckSucceeded")
    text = "Condition InfrastructureReady on Machine is reporting status False with reason VMGone for more than 1m0s"
    assert told == ("False", "UnhealthyMachine", f"Health check failed:\n  * {text}")


@pytest.mark.parametrize(
    ("trigger", "broken", "allowed", "left"),
    [
        ({}, 3, True, 0),
        ({"unhealthyLessThanOrEqualTo": 1}, 1, True, 0),
        ({"unhealthyLessThanOrEqualTo": 1}, 2, False, 0),
        ({"unhealthyLessThanOrEqualTo": "60%"}, 1, True, 0),  # of three, rounded down: one
        ({"unhealthyLessThanOrEqualTo": "60%"}, 2, False, 0),
        ({"unhealthyLessThanOrEqualTo": 0}, 1, False, 0),
        ({"unhealthyInRange": "[2-3]"}, 1, False, 0),
        ({"unhealthyInRange": "[2-3]"}, 2, True, 1),
        ({"unhealthyInRange": "[0-1]", "unhealthyLessThanOrEqualTo": 3}, 2, False, 0),  # the range comes first
    ],
)
def test_too_many_unhealthy_machines_are_not_remediated(trigger: Obj, broken: int, allowed: bool, left: int) -> None:
    world = watched(remediation={"triggerIf": trigger} if trigger else None)
    names = workers(world)
    for name in names[:broken]:
        break_node(world, name)
    later(world, seconds=301)
    plan = look(world)
    found = status(world)
    assert (found["currentHealthy"], found["remediationsAllowed"]) == (3 - broken, left)
    remediation = condition(world.get("MachineHealthCheck", "workers"), "RemediationAllowed")
    assert remediation["status"] == ("True" if allowed else "False")
    for name in names[:broken]:
        conditions = {c["type"]: c for c in world.get("Machine", name)["status"]["conditions"]}
        assert conditions["HealthCheckSucceeded"]["status"] == "False"
        assert ("OwnerRemediated" in conditions) == allowed
    assert any("RemediationRestricted" in event for event in world.events) != allowed
    if not allowed:
        assert remediation["reason"] == "TooManyUnhealthy"
        assert f"(total: 3, unhealthy: {broken}" in remediation["message"]
        assert plan.requeue_after is None
        look(world)
        assert sum("RemediationRestricted" in event for event in world.events) == 1


@pytest.mark.parametrize(
    ("annotation", "unhealthy"),
    [
        ("cluster.x-k8s.io/remediate-machine", True),
        ("cluster.x-k8s.io/skip-remediation", False),
        ("cluster.x-k8s.io/paused", False),
    ],
)
def test_annotations_of_machines(annotation: str, unhealthy: bool) -> None:
    world = watched()
    name = workers(world)[0]
    if not unhealthy:
        break_node(world, name)
        later(world, seconds=301)
    world.edit("Machine", name, {"metadata": {"annotations": {annotation: ""}}})
    look(world)
    assert (reported(world, name, "HealthCheckSucceeded")[0] == "False") == unhealthy
    assert (name in status(world)["targets"]) == unhealthy
    if unhealthy:
        assert reported(world, name, "HealthCheckSucceeded")[1] == "HasRemediateAnnotation"


def test_silence_is_no_illness() -> None:
    world = watched()
    before = status(world)
    for name in workers(world):
        break_node(world, name)
    world.reachable = False
    later(world, seconds=1000)
    plan = look(world)
    assert plan.actions == ()
    assert "waits to see the nodes" in plan.waiting_on[0].message
    assert status(world)["currentHealthy"] == before["currentHealthy"]


def test_a_template_asks_somebody_else() -> None:
    ref = {"apiVersion": f"{INFRA}/v1", "kind": "LabRemediationTemplate", "name": "reboot"}
    world = watched(remediation={"templateRef": ref})
    names = workers(world)
    for name in names[:2]:
        break_node(world, name)
    later(world, seconds=301)
    look(world)
    assert reported(world, names[0], "ExternallyRemediated")[1] == "RemediationTemplateNotFound"
    world.served[GroupKind(INFRA, "LabRemediationTemplate")] = "labremediationtemplates"
    world.served[GroupKind(INFRA, "LabRemediation")] = "labremediations"
    content = {"template": {"spec": {"strategy": "Reboot"}}}
    meta = {"name": "reboot", "namespace": "default"}
    world.put({"apiVersion": f"{INFRA}/v1", "kind": "LabRemediationTemplate", "metadata": meta, "spec": content})
    look(world)
    requests = world.all("LabRemediation")
    assert [r["metadata"]["name"] for r in requests] == names[:2], "each of them, whatever exists already"
    assert requests[0]["spec"] == {"strategy": "Reboot"}
    assert [o["kind"] for o in requests[0]["metadata"]["ownerReferences"]] == ["Machine"]
    assert reported(world, names[0], "ExternallyRemediated")[1] == "WaitingForRemediation"
    assert not any(c["type"] == "OwnerRemediated" for c in world.get("Machine", names[0])["status"]["conditions"])
    world.put({**node(names[0]), "metadata": world.get("Node", names[0])["metadata"]})
    look(world)
    assert [r["metadata"]["name"] for r in world.all("LabRemediation")] == [names[1]]
    assert reported(world, names[0], "HealthCheckSucceeded")[0] == "True"


def older(obj: Obj, type: str) -> tuple[str, str, str]:
    found = next(c for c in obj["status"]["deprecated"]["v1beta1"]["conditions"] if c["type"] == type)
    return found["status"], found.get("reason", ""), found.get("message", "")


def test_a_request_that_cannot_be_made_is_told_and_holds_nobody_else_up() -> None:
    ref = {"apiVersion": f"{INFRA}/v1", "kind": "LabRemediationTemplate", "name": "reboot"}
    world = watched(remediation={"templateRef": ref})
    for kind in ("LabRemediationTemplate", "LabRemediation"):
        world.served[GroupKind(INFRA, kind)] = f"{kind.lower()}s"
    meta = {"name": "reboot", "namespace": "default"}
    content: Obj = {"template": {"spec": {}}}
    world.put({"apiVersion": f"{INFRA}/v1", "kind": "LabRemediationTemplate", "metadata": meta, "spec": content})
    first, second, third = workers(world)
    for name in (first, second):
        break_node(world, name)
    later(world, seconds=301)

    def refuse(action: Action) -> ApiError | None:
        refused = isinstance(action, Create) and action.object["metadata"]["name"] == first
        return ApiError(403, "Forbidden", "no more remediations today") if refused else None

    world.refuse = refuse
    for _ in range(3):
        look(world)
    assert [r["metadata"]["name"] for r in world.all("LabRemediation")] == [second]
    told = reported(world, first, "ExternallyRemediated")
    text = f"Could not create LabRemediation {first}: no more remediations today"
    assert told == ("False", "RemediationRequestCreationFailed", text)
    assert reported(world, second, "ExternallyRemediated")[1] == "WaitingForRemediation"
    assert reported(world, third, "HealthCheckSucceeded")[0] == "True"
    failed = ("False", "ExternalRemediationRequestCreationFailed", "no more remediations today")
    assert older(world.get("MachineHealthCheck", "workers"), "ExternalRemediationRequestAvailable") == failed
    before = world.writes
    look(world)
    assert world.writes == before, "trying again in vain changes nothing"
    world.refuse = None
    look(world)
    assert [r["metadata"]["name"] for r in world.all("LabRemediation")] == sorted((first, second))
    assert reported(world, first, "ExternallyRemediated")[1] == "WaitingForRemediation"
    assert older(world.get("MachineHealthCheck", "workers"), "ExternalRemediationRequestAvailable")[0] == "True"


def test_clients_of_v1beta1_read_their_own_words() -> None:
    world = watched()
    by_hand, gone, unready = workers(world)
    world.edit("Machine", by_hand, {"metadata": {"annotations": {"cluster.x-k8s.io/remediate-machine": ""}}})
    world.objects.pop((GroupKind("", "Node"), Key("", gone)))
    break_node(world, unready)
    later(world, seconds=301)
    look(world)
    asked = "Marked for remediation via remediate-machine annotation"
    assert older(world.get("Machine", by_hand), "HealthCheckSucceeded") == (
        "False",
        "HasRemediateMachineAnnotation",
        asked,
    )
    assert older(world.get("Machine", gone), "HealthCheckSucceeded") == ("False", "NodeNotFound", "")
    text = "Condition Ready on Node is reporting status False with reason KubeletNotReady for more than 5m0s"
    assert older(world.get("Machine", unready), "HealthCheckSucceeded") == ("False", "UnhealthyNode", text)
    assert older(world.get("Machine", unready), "OwnerRemediated") == ("False", "WaitingForRemediation", "")
    assert f"Machine default/{gone} has been marked as unhealthy by default/workers" in "".join(world.events)


def test_machines_that_only_start_are_no_news() -> None:
    world = watched(remediation={"triggerIf": {"unhealthyLessThanOrEqualTo": 0}})
    break_node(world, workers(world)[0])
    look(world)
    said = condition(world.get("MachineHealthCheck", "workers"), "RemediationAllowed")
    assert (said["status"], said["message"]) == (
        "False",
        "Remediation is not allowed, the number of not started or unhealthy machines exceeds maxUnhealthy "
        "(total: 3, unhealthy: 1, maxUnhealthy: 0)",
    )
    assert not any("RemediationRestricted" in event for event in world.events)
    later(world, seconds=301)
    look(world)
    assert sum("RemediationRestricted" in event for event in world.events) == 1


@pytest.mark.parametrize("what", ["Cluster", "MachineHealthCheck"])
def test_nothing_is_said_while_paused(what: str) -> None:
    world = watched()
    if what == "Cluster":
        world.edit("Cluster", "homelab", {"spec": {"paused": True}})
    else:
        world.edit("MachineHealthCheck", "workers", {"metadata": {"annotations": {"cluster.x-k8s.io/paused": ""}}})
    victim = workers(world)[0]
    break_node(world, victim)
    later(world, seconds=1000)
    world.settle()
    assert reported(world, victim, "HealthCheckSucceeded")[0] == "True"
    assert condition(world.get("MachineHealthCheck", "workers"), "Paused")["status"] == "True"


def test_idle_checks_write_nothing() -> None:
    world = watched()
    before = world.writes
    for _ in range(5):
        later(world, minutes=10)
        look(world)
    assert world.writes == before


def test_plans_are_values() -> None:
    world = watched()
    break_node(world, workers(world)[0])
    later(world, seconds=301)
    controller: Any = next(c for c in world.controllers if isinstance(c, MachineHealthCheckController))
    copy = world.copy()
    first, second = (look(w) for w in (world, copy))
    assert [a.reason for a in first.actions] == [a.reason for a in second.actions]
    assert controller.name == "machinehealthcheck"
