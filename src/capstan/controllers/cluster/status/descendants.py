"""The conditions of a Cluster that are merged from its descendants (1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from capstan.api.cluster.machine import Machine
from capstan.api.meta import Condition
from capstan.api.rules.bullets import names
from capstan.api.rules.conditions import (
    FALSE,
    TRUE,
    Reasons,
    Source,
    aggregate,
    find_condition,
    is_false,
)
from capstan.api.rules.contract import InvalidConditionError, conditions_of
from capstan.api.rules.replicas import is_compared
from capstan.controllers.cluster.snapshot import ClusterSnapshot


def descendant_conditions(snapshot: ClusterSnapshot) -> list[Condition]:
    control_plane, workers = snapshot.control_plane_machines, snapshot.worker_machines
    return [
        workers_available(snapshot),
        machines_ready("ControlPlaneMachinesReady", control_plane, control_plane=True),
        machines_ready("WorkerMachinesReady", workers),
        machines_up_to_date("ControlPlaneMachinesUpToDate", control_plane, snapshot.now, control_plane=True),
        machines_up_to_date("WorkerMachinesUpToDate", workers, snapshot.now),
        operation(snapshot, "RollingOut"),
        operation(snapshot, "ScalingUp", with_sets=True),
        operation(snapshot, "ScalingDown", with_sets=True),
        remediating(snapshot.machines),
    ]


def workers_available(snapshot: ClusterSnapshot) -> Condition:
    if not snapshot.deployments:
        return Condition(type="WorkersAvailable", status=TRUE, reason="NoWorkers")
    sources = [Source("MachineDeployment", d.metadata.name, d.status.conditions) for d in snapshot.deployments]
    reasons = Reasons("NotAvailable", "AvailableUnknown", "Available")
    return aggregate(sources, "Available", target="WorkersAvailable", reasons=reasons)


def _sources(machines: Sequence[Machine], control_plane: bool) -> list[Source]:
    return [Source("Machine", m.metadata.name, m.status.conditions, control_plane) for m in machines]


def machines_ready(target: str, machines: Sequence[Machine], *, control_plane: bool = False) -> Condition:
    if not machines:
        return Condition(type=target, status=TRUE, reason="NoReplicas")
    reasons = Reasons("NotReady", "ReadyUnknown", "Ready")
    return aggregate(_sources(machines, control_plane), "Ready", target=target, reasons=reasons)


def machines_up_to_date(
    target: str, machines: Sequence[Machine], now: datetime, *, control_plane: bool = False
) -> Condition:
    """Machines too young to have been compared do not count yet."""
    counted = [m for m in machines if is_compared(m.metadata, m.status.conditions, now)]
    if not counted:
        return Condition(type=target, status=TRUE, reason="NoReplicas")
    reasons = Reasons("NotUpToDate", "UpToDateUnknown", "UpToDate")
    return aggregate(_sources(counted, control_plane), "UpToDate", target=target, reasons=reasons)


def operation(snapshot: ClusterSnapshot, type: str, *, with_sets: bool = False) -> Condition:
    """RollingOut, ScalingUp or ScalingDown of whatever makes machines; the control plane counts if it reports it."""
    sources = [Source("MachineDeployment", d.metadata.name, d.status.conditions) for d in snapshot.deployments]
    if with_sets:
        sets = snapshot.stand_alone_sets
        sources.extend(Source("MachineSet", s.metadata.name, s.status.conditions) for s in sets)
    control_plane = snapshot.control_plane
    if control_plane is not None and control_plane.object is not None:
        try:
            reported = conditions_of(control_plane.object)
        except InvalidConditionError:
            reported = ()
        if find_condition(reported, type) is not None:
            sources.append(Source(control_plane.kind, control_plane.name, reported))
    if not sources:
        return Condition(type=type, status=FALSE, reason=f"Not{type}")
    return aggregate(sources, type, negative=True, reasons=Reasons(type, f"{type}Unknown", f"Not{type}"))


def remediating(machines: Sequence[Machine]) -> Condition:
    waiting = [
        m
        for m in machines
        if is_false(m.status.conditions, "HealthCheckSucceeded") and is_false(m.status.conditions, "OwnerRemediated")
    ]
    if waiting:
        merged = aggregate(_sources(waiting, False), "OwnerRemediated")
        return Condition(type="Remediating", status=TRUE, reason="Remediating", message=merged.message)
    unhealthy = [m.metadata.name for m in machines if is_false(m.status.conditions, "HealthCheckSucceeded")]
    message = ""
    if unhealthy:
        noun, verb = ("Machine", "is") if len(unhealthy) == 1 else ("Machines", "are")
        message = f"{noun} {names(unhealthy)} {verb} not healthy (not to be remediated)"
    return Condition(type="Remediating", status=FALSE, reason="NotRemediating", message=message)
