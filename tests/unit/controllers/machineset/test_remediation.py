"""MachineSet: unhealthy Machines are replaced, in turn and only when it is a good moment."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.controllers.lab import joined, provide
from tests.unit.controllers.world import World, condition

from capstan.api.objects import Obj

WAITING = {"type": "OwnerRemediated", "status": "False", "reason": "WaitingForRemediation", "message": ""}
UNHEALTHY = {"type": "HealthCheckSucceeded", "status": "False", "reason": "UnhealthyNode", "message": "no kubelet"}
SINCE = {"lastTransitionTime": "2026-01-01T12:00:00Z"}


def workers(world: World) -> list[Obj]:
    return [m for m in world.all("Machine") if m["metadata"]["name"].startswith("workers")]


def report(world: World, machine: Obj, *conditions: Obj) -> None:
    types = {c["type"] for c in conditions}
    kept = [c for c in machine["status"]["conditions"] if c["type"] not in types]
    added = [{**c, **SINCE} for c in conditions]
    world.put({**machine, "status": {**machine["status"], "conditions": [*kept, *added]}})


def remediated(world: World, name: str) -> tuple[str, str]:
    found = condition(world.get("Machine", name), "OwnerRemediated")
    return found["reason"], found["message"]


def limit(world: World, value: Any) -> None:
    world.edit("MachineDeployment", "workers", {"spec": {"remediation": {"maxInFlight": value}}})
    world.settle(provide)


def test_an_unhealthy_machine_is_marked_deleted_and_replaced() -> None:
    world = joined(3)
    victim = workers(world)[1]
    name = victim["metadata"]["name"]
    report(world, victim, UNHEALTHY, WAITING)
    world.trace.clear()
    world.settle(provide)
    assert world.find("Machine", name) is None
    assert len(workers(world)) == 3
    steps = [line for line in world.trace if f"Machine {name}" in line or f"Machine default/{name}" in line]
    marked = next(i for i, line in enumerate(steps) if "is not healthy: no kubelet)" in line)
    deleted = next(i for i, line in enumerate(steps) if "it is replaced" in line)
    assert marked < deleted


def test_only_so_many_at_a_time_newest_first() -> None:
    world = joined(4)
    limit(world, 1)
    machines = workers(world)
    for at, machine in enumerate(machines[:3]):
        meta = {**machine["metadata"], "creationTimestamp": f"2026-01-01T11:0{at}:00Z", "finalizers": ["held/by-test"]}
        report(world, {**machine, "metadata": meta}, UNHEALTHY, WAITING)
    world.settle(provide)
    first, second, third = (m["metadata"]["name"] for m in machines[:3])
    assert world.get("Machine", third)["metadata"]["deletionTimestamp"]
    assert remediated(world, third) == ("MachineDeleting", "Machine is deleting")
    for name in (first, second):
        reason, message = remediated(world, name)
        assert reason == "RemediationDeferred"
        assert "maxInFlight is 1" in message
    world.edit("Machine", third, {"metadata": {"finalizers": None}})
    world.settle(provide)
    assert world.get("Machine", second)["metadata"]["deletionTimestamp"], "the next one goes when the first is gone"
    assert not world.get("Machine", first)["metadata"].get("deletionTimestamp")


@pytest.mark.parametrize(("value", "going"), [("25%", 1), ("26%", 2), (0, 0), (3, 3), (None, 3)])
def test_the_limit_is_a_number_or_a_part_rounded_up(value: Any, going: int) -> None:
    world = joined(4)
    if value is not None:
        limit(world, value)
    for machine in workers(world)[:3]:
        meta = {**machine["metadata"], "finalizers": ["held/by-test"]}
        report(world, {**machine, "metadata": meta}, UNHEALTHY, WAITING)
    world.settle(provide)
    assert sum("deletionTimestamp" in m["metadata"] for m in workers(world)) == going


def test_a_machine_that_heals_is_nobodys_to_replace() -> None:
    world = joined(2)
    machine = workers(world)[0]
    report(world, machine, {**UNHEALTHY, "status": "True", "reason": "Healthy"}, WAITING)
    world.settle(provide)
    after = world.get("Machine", machine["metadata"]["name"])
    assert not any(c["type"] == "OwnerRemediated" for c in after["status"]["conditions"])


def test_an_unstable_control_plane_defers_it() -> None:
    world = joined(2)
    world.edit("LabControlPlane", "homelab", {"spec": {"version": "v1.35.0"}})
    machine = workers(world)[0]
    report(world, machine, UNHEALTHY, WAITING)
    world.settle(provide)
    reason, message = remediated(world, machine["metadata"]["name"])
    assert reason == "RemediationDeferred"
    assert message.startswith("* LabControlPlane default/homelab is upgrading")
    world.edit("LabControlPlane", "homelab", {"spec": {"version": "v1.34.1"}})
    world.settle(provide)
    assert world.find("Machine", machine["metadata"]["name"]) is None


def test_machines_of_an_older_set_are_left_to_the_rollout() -> None:
    world = joined(2)
    world.edit("MachineDeployment", "workers", {"spec": {"rollout": {"strategy": {"type": "OnDelete"}}}})
    world.edit("MachineDeployment", "workers", {"spec": {"template": {"spec": {"failureDomain": "a"}}}})
    world.settle(provide)
    machine = workers(world)[0]
    report(world, machine, UNHEALTHY, WAITING)
    world.settle(provide)
    reason, message = remediated(world, machine["metadata"]["name"])
    assert (reason, message.split(" because ")[1]) == (
        "CannotBeRemediated",
        "it is pending removal due to rollout",
    )


def test_what_a_user_asked_for_goes_before_what_is_newer() -> None:
    world = joined(4)
    limit(world, 1)
    machines = workers(world)
    for at, machine in enumerate(machines[:3]):
        meta = {**machine["metadata"], "creationTimestamp": f"2026-01-01T11:0{at}:00Z", "finalizers": ["held/by-test"]}
        if at == 0:
            meta["annotations"] = {**meta.get("annotations", {}), "cluster.x-k8s.io/remediate-machine": ""}
        report(world, {**machine, "metadata": meta}, UNHEALTHY, WAITING)
    world.settle(provide)
    going = [m["metadata"]["name"] for m in workers(world) if "deletionTimestamp" in m["metadata"]]
    assert going == [machines[0]["metadata"]["name"]]


def older(world: World, name: str) -> Any:
    found = world.get("Machine", name)["status"]["deprecated"]["v1beta1"]["conditions"]
    return next((c["status"], c.get("reason"), c.get("message")) for c in found if c["type"] == "OwnerRemediated")


def test_clients_of_v1beta1_read_of_checks_that_failed_and_of_nothing_else() -> None:
    world = joined(2)
    limit(world, 0)
    machine = workers(world)[0]
    name = machine["metadata"]["name"]
    waiting = {"type": "OwnerRemediated", "status": "False", "reason": "WaitingForRemediation", "severity": "Warning"}
    legacy = [{**waiting, "lastTransitionTime": "2026-01-01T12:00:00Z"}]
    machine["status"]["deprecated"] = {"v1beta1": {"conditions": legacy}}
    meta = {**machine["metadata"], "finalizers": ["held/by-test"]}
    report(world, {**machine, "metadata": meta}, UNHEALTHY, WAITING)
    world.settle(provide)
    assert remediated(world, name)[0] == "RemediationDeferred"
    assert older(world, name) == ("False", "WaitingForRemediation", None), "as the health check left it"
    world.edit("LabControlPlane", "homelab", {"spec": {"version": "v1.35.0"}})
    limit(world, None)
    text = 'LabControlPlane default/homelab is upgrading ("ControlPlaneIsStable" preflight check failed)'
    assert remediated(world, name) == ("RemediationDeferred", f"* {text}")
    assert older(world, name) == ("False", "WaitingForRemediation", text)
    world.edit("LabControlPlane", "homelab", {"spec": {"version": "v1.34.1"}})
    world.settle(provide)
    assert remediated(world, name) == ("MachineDeleting", "Machine is deleting")
    assert older(world, name)[0] == "True"
