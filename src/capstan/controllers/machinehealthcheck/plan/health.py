"""Whether a Machine is healthy: the checks in their order, and when to look again (5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from capstan.api.cluster.names import CONTROL_PLANE_LABEL, REMEDIATE_MACHINE_ANNOTATION
from capstan.api.core.conditions import CoreCondition
from capstan.api.meta import Condition
from capstan.api.rules.conditions import find_condition, is_true
from capstan.controllers.machinehealthcheck.snapshot import HealthCheckSnapshot, Target

#: `pending` will become unhealthy unless something changes, `neutral` cannot be judged yet.
State = Literal["healthy", "unhealthy", "pending", "neutral"]

DEFAULT_STARTUP_SECONDS = 600
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`again_in` is when a check that has not failed yet would fail, in seconds; `legacy` is the message for clients
    of v1beta1."""

    target: Target
    state: State
    reason: str = ""
    message: str = ""
    again_in: float | None = None
    legacy: str = ""


def judge(snapshot: HealthCheckSnapshot) -> tuple[Verdict, ...]:
    """Every target, in the order of their names."""
    return tuple(_judge(snapshot, target) for target in snapshot.targets)


def _judge(snapshot: HealthCheckSnapshot, target: Target) -> Verdict:
    machine = target.machine
    if REMEDIATE_MACHINE_ANNOTATION in machine.metadata.annotations:
        text = f"Health check failed: marked for remediation via {REMEDIATE_MACHINE_ANNOTATION} annotation"
        older = "Marked for remediation via remediate-machine annotation"
        return Verdict(target, "unhealthy", "HasRemediateAnnotation", text, legacy=older)
    if not snapshot.initialized and CONTROL_PLANE_LABEL not in machine.metadata.labels:
        return Verdict(target, "neutral")
    assert snapshot.cluster is not None
    if not is_true(snapshot.cluster.status.conditions, "InfrastructureReady"):
        return Verdict(target, "neutral")
    of_machine = list(_machine_faults(snapshot, target))
    node_reason, of_node = _node_faults(snapshot, target)
    faults = [found for found in (*of_machine, *of_node) if isinstance(found, str)]
    if faults:
        reason = "UnhealthyMachine" if any(isinstance(found, str) for found in of_machine) else node_reason
        lines = "".join(f"\n  * {fault}" for fault in faults)
        older = "" if reason == "NodeDeleted" else "; ".join(faults)
        return Verdict(target, "unhealthy", reason, f"Health check failed:{lines}", legacy=older)
    waits = [found for found in (*of_machine, *of_node) if not isinstance(found, str)]
    if waits:
        return Verdict(target, "pending", again_in=min(waits))
    if machine.metadata.deletion_timestamp is None and target.node is not None:
        return Verdict(target, "healthy")
    return Verdict(target, "neutral")


#: What a check gives: what is wrong, or in how many seconds it would be.
Finding = str | float


def _machine_faults(snapshot: HealthCheckSnapshot, target: Target) -> Iterator[Finding]:
    for check in snapshot.check.spec.checks.unhealthy_machine_conditions:
        found = find_condition(target.machine.status.conditions, check.type)
        if found is not None and found.status == check.status:
            yield _lasting("Machine", found, check.timeout_seconds, snapshot.now)


def _node_faults(snapshot: HealthCheckSnapshot, target: Target) -> tuple[str, list[Finding]]:
    """The reason that goes with what is wrong with the node, and the findings."""
    if target.node_missing:
        ref = target.machine.status.node_ref
        return "NodeDeleted", [f"Node {ref.name if ref else ''} has been deleted"]
    if target.node is None:
        return "NodeStartupTimeout", list(_startup(snapshot, target))
    conditions = {c.type: c for c in target.node.status.conditions}
    findings: list[Finding] = []
    for check in snapshot.check.spec.checks.unhealthy_node_conditions:
        found = conditions.get(check.type)
        if found is not None and found.status == check.status:
            findings.append(_lasting("Node", found, check.timeout_seconds, snapshot.now))
    return "UnhealthyNode", findings


def _lasting(what: str, found: Condition | CoreCondition, timeout_seconds: int, now: datetime) -> Finding:
    timeout, elapsed = timedelta(seconds=timeout_seconds), now - (found.last_transition_time or now)
    if elapsed <= timeout:
        return (timeout - elapsed + _SECOND).total_seconds()
    return (
        f"Condition {found.type} on {what} is reporting status {found.status} with reason {found.reason} "
        f"for more than {shown(timeout_seconds)}"
    )


def _startup(snapshot: HealthCheckSnapshot, target: Target) -> Iterator[Finding]:
    """How long the Machine takes to become a node, counted from when it could have begun."""
    stated = snapshot.check.spec.checks.node_startup_timeout_seconds
    seconds = DEFAULT_STARTUP_SECONDS if stated is None else stated
    if not seconds:
        return
    assert snapshot.cluster is not None
    cluster, machine = snapshot.cluster.status.conditions, target.machine
    moments = [
        machine.metadata.creation_timestamp,
        *_since(cluster, "ControlPlaneInitialized", "InfrastructureReady"),
        *_since(machine.status.conditions, "InfrastructureReady"),
    ]
    start = max(moment for moment in moments if moment is not None)
    left = start + timedelta(seconds=seconds) - snapshot.now
    if left < timedelta():
        yield f"Node failed to report startup in {shown(seconds)}"
    else:
        yield (left + _SECOND).total_seconds()


def _since(conditions: Iterable[Condition], *types: str) -> Iterator[datetime | None]:
    for condition in conditions:
        if condition.type in types and condition.status == "True":
            yield condition.last_transition_time


def shown(seconds: int) -> str:
    """Seconds as Go prints a duration: 600 is 10m0s."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
