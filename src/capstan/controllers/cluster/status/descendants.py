"""The conditions of a Cluster that are merged from its descendants (1.5)."""

from __future__ import annotations

from capstan.api.cluster.machineconditions import awaiting_owner, machines_ready, machines_up_to_date, remediating
from capstan.api.meta import Condition
from capstan.api.rules.conditions import (
    FALSE,
    TRUE,
    UNKNOWN,
    Reasons,
    Source,
    aggregate,
    find_condition,
)
from capstan.api.rules.contract import InvalidConditionError, conditions_of
from capstan.controllers.cluster.snapshot import ClusterSnapshot


def descendant_conditions(snapshot: ClusterSnapshot) -> list[Condition]:
    control_plane, workers = snapshot.control_plane_machines, snapshot.set_workers
    machines = (*control_plane, *workers)
    return [
        workers_available(snapshot),
        machines_ready(control_plane, "ControlPlaneMachinesReady"),
        machines_ready(workers, "WorkerMachinesReady"),
        machines_up_to_date(control_plane, snapshot.now, "ControlPlaneMachinesUpToDate"),
        machines_up_to_date(workers, snapshot.now, "WorkerMachinesUpToDate"),
        operation(snapshot, "RollingOut"),
        operation(snapshot, "ScalingUp", with_sets=True),
        operation(snapshot, "ScalingDown", with_sets=True),
        remediating(machines, awaiting_owner(machines)),
    ]


def workers_available(snapshot: ClusterSnapshot) -> Condition:
    if not snapshot.deployments:
        return Condition(type="WorkersAvailable", status=TRUE, reason="NoWorkers")
    sources = [Source("MachineDeployment", d.metadata.name, d.status.conditions) for d in snapshot.deployments]
    reasons = Reasons("NotAvailable", "AvailableUnknown", "Available")
    return aggregate(sources, "Available", target="WorkersAvailable", reasons=reasons)


def operation(snapshot: ClusterSnapshot, type: str, *, with_sets: bool = False) -> Condition:
    """RollingOut, ScalingUp or ScalingDown of whatever makes machines; the control plane counts if it reports it, and
    nothing is known while it cannot be looked at."""
    control_plane = snapshot.control_plane
    if control_plane is not None and control_plane.problem:
        text = f"Waiting: {control_plane.problem}"
        return Condition(type=type, status=UNKNOWN, reason="InternalError", message=text)
    sources = [Source("MachineDeployment", d.metadata.name, d.status.conditions) for d in snapshot.deployments]
    for pool in snapshot.pools:
        if find_condition(pool.status.conditions, type) is not None:
            sources.append(Source("MachinePool", pool.metadata.name, pool.status.conditions))
    if with_sets:
        sets = snapshot.stand_alone_sets
        sources.extend(Source("MachineSet", s.metadata.name, s.status.conditions) for s in sets)
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
