"""What Machines report, merged into conditions of the object that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import CONTROL_PLANE_LABEL
from capstan.api.meta import Condition
from capstan.api.rules.bullets import names
from capstan.api.rules.conditions import FALSE, TRUE, UNKNOWN, Reasons, Source, aggregate, find_condition, is_false
from capstan.api.rules.replicas import is_compared

#: How long a deletion may take before it is worth a word.
_STALE = timedelta(minutes=15)
#: From when on a drain has to explain itself elsewhere than in its own condition.
_SLOW_DRAIN = timedelta(minutes=5)

#: What the message of a drain says of pods that stay.
VIOLATES_BUDGET: Final = "cannot evict pod as it would violate the pod's disruption budget."
NOT_REMOVED: Final = "deletionTimestamp set, but still not removed from the Node"
EVICTION_FAILED: Final = "failed to evict Pod"
NOT_COMPLETED: Final = "waiting for completion"
_DRAIN_DELAYS: Final = (
    (VIOLATES_BUDGET, "PodDisruptionBudgets"),
    (NOT_REMOVED, "Pods not terminating"),
    (EVICTION_FAILED, "Pod eviction errors"),
    (NOT_COMPLETED, "Pods not completed yet"),
)


def machines_ready(machines: Sequence[Machine], target: str = "MachinesReady") -> Condition:
    if not machines:
        return Condition(type=target, status=TRUE, reason="NoReplicas")
    reasons = Reasons("NotReady", "ReadyUnknown", "Ready")
    return aggregate(_sources(machines), "Ready", target=target, reasons=reasons)


def machines_up_to_date(machines: Sequence[Machine], now: datetime, target: str = "MachinesUpToDate") -> Condition:
    """Machines too young to have been compared do not count yet."""
    counted = [m for m in machines if is_compared(m.metadata, m.status.conditions, now)]
    if not counted:
        return Condition(type=target, status=TRUE, reason="NoReplicas")
    reasons = Reasons("NotUpToDate", "UpToDateUnknown", "UpToDate")
    return aggregate(_sources(counted), "UpToDate", target=target, reasons=reasons)


def remediating(machines: Sequence[Machine], waiting: Sequence[Machine], by: str = "") -> Condition:
    """Of `machines` those in `waiting` are to be remediated; the others that a health check calls unhealthy are
    named. `by` is the kind that would remediate them."""
    if waiting:
        merged = aggregate(_sources(waiting), "OwnerRemediated")
        return Condition(type="Remediating", status=TRUE, reason="Remediating", message=merged.message)
    unhealthy = [m.metadata.name for m in machines if is_false(m.status.conditions, "HealthCheckSucceeded")]
    owner = f" by {by}" if by else ""
    message = f"{_machines(unhealthy)} not healthy (not to be remediated{owner})" if unhealthy else ""
    return Condition(type="Remediating", status=FALSE, reason="NotRemediating", message=message)


def awaiting_owner(machines: Sequence[Machine]) -> list[Machine]:
    """The unhealthy Machines whose owner is to remediate them."""
    return [
        m
        for m in machines
        if is_false(m.status.conditions, "HealthCheckSucceeded") and is_false(m.status.conditions, "OwnerRemediated")
    ]


def stale_text(machines: Sequence[Machine], now: datetime) -> str:
    """Machines whose deletion takes long; empty when there are none."""
    slow = [
        m
        for m in machines
        if m.metadata.deletion_timestamp is not None and now - m.metadata.deletion_timestamp > _STALE
    ]
    if not slow:
        return ""
    text = f"{_machines(sorted(m.metadata.name for m in slow))} in deletion since more than 15m"
    found = {cause for m in slow for cause in drain_delays(m, find_condition(m.status.conditions, "Deleting"), now)}
    return text + delay_text(found)


def drain_delays(machine: Machine, deleting: Condition | None, now: datetime) -> list[str]:
    """What a drain that takes long waits for, by the words of its condition `Deleting`; none before five minutes."""
    since = machine.status.deletion.node_drain_start_time
    if deleting is None or deleting.status != TRUE or deleting.reason != "DrainingNode":
        return []
    if since is None or now - since <= _SLOW_DRAIN:
        return []
    return [cause for words, cause in _DRAIN_DELAYS if words in deleting.message]


def delay_text(causes: Iterable[str]) -> str:
    """`, delay likely due to` these causes, in the house order; empty without any."""
    found = set(causes)
    listed = ", ".join(cause for _, cause in _DRAIN_DELAYS if cause in found)
    return f", delay likely due to {listed}" if listed else ""


def replicas_unset(type: str) -> Condition:
    """ScalingUp, ScalingDown or Available of an object whose number of replicas is not known."""
    message = "Waiting for spec.replicas set"
    return Condition(type=type, status=UNKNOWN, reason="WaitingForReplicasSet", message=message)


def scaling_down(have: int, want: int, machines: Sequence[Machine], now: datetime) -> Condition:
    """Whether there are more replicas than wanted, and which of them take long to go."""
    if have <= want:
        return Condition(type="ScalingDown", status=FALSE, reason="NotScalingDown")
    stale = stale_text(machines, now)
    message = f"Scaling down from {have} to {want} replicas" + (f"\n* {stale}" if stale else "")
    return Condition(type="ScalingDown", status=TRUE, reason="ScalingDown", message=message)


def deletion(
    count: int, noun: str, machines: Sequence[Machine], now: datetime, error: object, *, nouns: str | None = None
) -> Condition:
    """Deleting of an object that is being deleted and of which `count` of `noun` are left; `error` ended the last
    try. `nouns` stands for them whatever their number."""
    message = f"Deleting {count} {nouns or noun + ('s' if count > 1 else '')}" if count else "Deletion completed"
    if error is not None:
        message += f": {error}"
    if count and (stale := stale_text(machines, now)):
        message += f"\n* {stale}"
    return Condition(type="Deleting", status=TRUE, reason="Deleting", message=message)


def not_deleting() -> Condition:
    return Condition(type="Deleting", status=FALSE, reason="NotDeleting")


def _machines(found: Sequence[str]) -> str:
    noun, verb = ("Machine", "is") if len(found) == 1 else ("Machines", "are")
    return f"{noun} {names(found)} {verb}"


def _sources(machines: Sequence[Machine]) -> list[Source]:
    return [
        Source("Machine", m.metadata.name, m.status.conditions, CONTROL_PLANE_LABEL in m.metadata.labels)
        for m in machines
    ]
