"""Replaces a Machine that a health check gave up, while etcd can spare it (upstream has nothing here; KCP 2.7).

What is going on is kept where it survives a restart: on the control plane the Machine that is being replaced, on its
replacement what it is there for. Neither is trusted over what is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.legacy import DeprecatedStatus
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import REMEDIATE_MACHINE_ANNOTATION
from capstan.api.controlplane.remediation import read_limits
from capstan.api.meta import Condition
from capstan.api.rules.conditions import FALSE, find_condition, is_false, is_true, put_conditions
from capstan.api.rules.conditions_v1beta1 import WARNING, legacy_false, legacy_true, put_legacies
from capstan.api.rules.owners import with_metadata
from capstan.api.rules.quorum import has_quorum
from capstan.providers.talos.taloscontrolplane.names import REMEDIATION_ANNOTATION, REMEDIATION_FOR_ANNOTATION
from capstan.providers.talos.taloscontrolplane.plan.health import member_problem
from capstan.providers.talos.taloscontrolplane.plan.selection import delete_machine, is_spare
from capstan.providers.talos.taloscontrolplane.plan.step import Step
from capstan.providers.talos.taloscontrolplane.snapshot import RESOURCE, ControlPlaneMachine, ControlPlaneSnapshot
from capstan.runtime.plan import Action, Emit, Update

HEALTHY = "HealthCheckSucceeded"
REMEDIATED = "OwnerRemediated"


@dataclass(frozen=True, slots=True)
class Note:
    """Which Machine is being replaced, since when, and how often before."""

    machine: str
    since: datetime
    retries: int = 0

    def text(self) -> str:
        stamp = self.since.strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.dumps({"machine": self.machine, "timestamp": stamp, "retryCount": self.retries})


@dataclass(frozen=True, slots=True)
class Remedy:
    """`step` replaces a Machine, or tidies up after that; without one, other steps may be taken, after the marks."""

    step: Step | None = None
    marks: tuple[Action, ...] = ()


def plan_remediation(snapshot: ControlPlaneSnapshot) -> Remedy:
    """One Machine at a time. No Machine is being deleted here."""
    found, note = candidates(snapshot), read_note(snapshot)
    if note is not None and _is_over(snapshot, note, found):
        return Remedy(_forget(snapshot))
    healed = tuple(_healed(snapshot))
    if not found:
        return Remedy(marks=healed)
    chosen = next((m for m in found if note is not None and m.name == note.machine), found[0])
    reason, text = why_not(snapshot, chosen, note)
    if text:
        return Remedy(marks=(*healed, *_mark(snapshot, chosen, reason, text)))
    return Remedy(_remediate(snapshot, chosen, note))


def candidates(snapshot: ControlPlaneSnapshot) -> list[ControlPlaneMachine]:
    """Machines that a health check calls unhealthy and hands to their owner, the most urgent first."""
    found = [
        m
        for m in snapshot.active
        if is_false(m.machine.status.conditions, HEALTHY) and is_false(m.machine.status.conditions, REMEDIATED)
    ]

    def order(machine: ControlPlaneMachine) -> tuple[bool, bool, bool, bool, object, str]:
        meta = machine.machine.metadata
        return (
            REMEDIATE_MACHINE_ANNOTATION not in meta.annotations,
            bool(machine.node_name),
            not member_problem(snapshot, machine),
            not machine.talos.unhealthy_services,
            meta.creation_timestamp or snapshot.now,
            machine.name,
        )

    return sorted(found, key=order)


def why_not(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine, note: Note | None) -> tuple[str, str]:
    """Reason and message while the Machine cannot be replaced; both empty when it can."""
    if note is not None and note.machine != machine.name:
        text = f"TalosControlPlane waiting for the replacement of Machine {note.machine} before triggering remediation"
        return "RemediationDeferred", text
    reason, text = _why_not_again(snapshot, machine) if note is None else ("", "")
    if text:
        return reason, text
    if not snapshot.is_bootstrapped:
        return _why_not_before_etcd(snapshot, machine)
    others = [m for m in snapshot.active if m.uid != machine.uid]
    if not others:
        return "CannotBeRemediated", (
            "TalosControlPlane can't remediate if current replicas are less or equal to 1: etcd has no other member "
            "to keep its data"
        )
    young = next((m for m in others if not m.node_name and not is_false(m.machine.status.conditions, HEALTHY)), None)
    if young is not None:
        return "RemediationDeferred", (
            f"TalosControlPlane waiting for control plane Machine {young.name} to complete provisioning before "
            "triggering remediation"
        )
    if snapshot.members is None:
        return "RemediationDeferred", "TalosControlPlane waiting for etcd to answer before triggering remediation"
    works = any(not member_problem(snapshot, m) for m in others)
    if not works or not has_quorum(snapshot.quorum) or not is_spare(snapshot, machine):
        healthy = sum(m.healthy for m in snapshot.quorum)
        return "CannotBeRemediated", (
            "TalosControlPlane can't remediate this Machine because this could result in etcd losing quorum: "
            f"{healthy} of {len(snapshot.quorum)} members are healthy"
        )
    return "", ""


def _why_not_again(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> tuple[str, str]:
    """The limits for one that came in the place of a failed one and soon failed too. What has begun goes on."""
    last = _predecessor(snapshot, machine)
    if last is None:
        return "", ""
    limits = read_limits(snapshot.control_plane.metadata.annotations)
    if snapshot.now - last.since < limits.retry_period:
        period = f"{limits.retry_period.total_seconds():.0f}s"
        return "RemediationDeferred", (
            "TalosControlPlane can't remediate this Machine because the operation already failed in the latest "
            f"{period} (RetryPeriod)"
        )
    if limits.max_retry is not None and last.retries >= limits.max_retry:
        return "CannotBeRemediated", (
            "TalosControlPlane can't remediate this Machine because the operation already failed "
            f"{limits.max_retry} times (MaxRetry)"
        )
    return "", ""


def _why_not_before_etcd(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> tuple[str, str]:
    """The first Machine may go, even the only one, unless it or another one might hold etcd's data."""
    cluster = snapshot.cluster
    was_up = cluster is not None and cluster.status.initialization.control_plane_initialized is True
    if was_up or machine.node_name:
        text = "TalosControlPlane waiting for etcd to answer before triggering remediation: there was a control plane"
        return "RemediationDeferred", text
    silent = [m.name for m in snapshot.active if m.uid != machine.uid and m.talos.etcd_data is None]
    if silent:
        text = f"TalosControlPlane waiting to learn whether Machine {silent[0]} has etcd data"
        return "RemediationDeferred", text
    return "", ""


def read_note(snapshot: ControlPlaneSnapshot) -> Note | None:
    """What is being replaced. One that cannot be read counts as none."""
    return _parsed(snapshot.control_plane.metadata.annotations.get(REMEDIATION_ANNOTATION, ""))


def replacement_mark(snapshot: ControlPlaneSnapshot) -> str:
    """The annotation of a Machine that is made now; empty when it replaces none."""
    note = read_note(snapshot)
    return note.text() if note is not None and note.machine not in {m.name for m in snapshot.active} else ""


def _parsed(text: str) -> Note | None:
    try:
        entry = json.loads(text) if text else None
        if not isinstance(entry, dict):
            return None
        since = datetime.fromisoformat(entry["timestamp"])
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        return Note(str(entry["machine"]), since, int(entry.get("retryCount", 0)))
    except (ValueError, KeyError, TypeError):
        return None


def _is_over(snapshot: ControlPlaneSnapshot, note: Note, found: list[ControlPlaneMachine]) -> bool:
    """Its replacement is there, or the Machine has recovered, or there are enough without it."""
    if any(_remedies(m, note) for m in snapshot.machines):
        return True
    if note.machine in {m.name for m in snapshot.active}:
        return note.machine not in {m.name for m in found}
    return len(snapshot.active) >= snapshot.desired


def _remedies(machine: ControlPlaneMachine, note: Note) -> bool:
    made_for = _parsed(machine.machine.metadata.annotations.get(REMEDIATION_FOR_ANNOTATION, ""))
    return made_for is not None and made_for.machine == note.machine


def _forget(snapshot: ControlPlaneSnapshot) -> Step:
    control_plane = snapshot.control_plane
    annotations = {k: v for k, v in control_plane.metadata.annotations.items() if k != REMEDIATION_ANNOTATION}
    after = with_metadata(control_plane, annotations=annotations)
    update = Update(resource=RESOURCE, before=control_plane, after=after, reason="the remediation is over")
    return Step((update,), polls=True)


def _remediate(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine, note: Note | None) -> Step:
    """Noted first, then marked, then deleted: after a crash in between it goes on where it was."""
    actions: list[Action] = []
    control_plane = snapshot.control_plane
    unhealthy = find_condition(machine.machine.status.conditions, HEALTHY)
    why = f"Machine {machine.name} is not healthy" + (f": {unhealthy.message}" if unhealthy else "")
    if note is None:
        written = Note(machine.name, snapshot.now, _retries(snapshot, machine)).text()
        annotations = {**control_plane.metadata.annotations, REMEDIATION_ANNOTATION: written}
        after = with_metadata(control_plane, annotations=annotations)
        actions.append(Update(resource=RESOURCE, before=control_plane, after=after, reason=why))
    actions.extend(_mark(snapshot, machine, "MachineDeleting", "Machine is deleting"))
    step = delete_machine(machine, f"{why}; it is replaced")
    told = Emit(name="SuccessfulDelete", reason=f"Deleted unhealthy Machine {machine.name}")
    return replace(step, actions=(*actions, *step.actions, told))


def _retries(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> int:
    last = _predecessor(snapshot, machine)
    return last.retries + 1 if last is not None else 0


def _predecessor(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> Note | None:
    """The note of the remediation that the Machine was made in; None when it worked for long enough since."""
    last = _parsed(machine.machine.metadata.annotations.get(REMEDIATION_FOR_ANNOTATION, ""))
    period = read_limits(snapshot.control_plane.metadata.annotations).min_healthy_period
    return last if last is not None and snapshot.now - last.since < period else None


def _mark(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine, reason: str, text: str) -> Iterator[Update]:
    """Tell on the Machine what its owner does about it."""
    before = machine.machine
    going = reason == "MachineDeleting"
    new = Condition(type=REMEDIATED, status=FALSE, reason=reason, message=text)
    legacy = legacy_true(REMEDIATED) if going else legacy_false(REMEDIATED, "WaitingForRemediation", WARNING, text)
    generation, now = before.metadata.generation, snapshot.now
    conditions = put_conditions(before.status.conditions, [new], generation=generation, now=now)
    legacies = put_legacies(before.status.deprecated.v1beta1.conditions, [legacy], now=now)
    after = _with_conditions(before, conditions, legacies)
    if after != before:
        yield Update(resource=MACHINE.resource(), before=before, after=after, reason=text)


def _healed(snapshot: ControlPlaneSnapshot) -> Iterator[Update]:
    """Machines that became healthy by themselves are nobody's to replace any more."""
    for found in snapshot.active:
        machine = found.machine
        if is_true(machine.status.conditions, HEALTHY) and is_false(machine.status.conditions, REMEDIATED):
            left = tuple(c for c in machine.status.conditions if c.type != REMEDIATED)
            legacies = tuple(c for c in machine.status.deprecated.v1beta1.conditions if c.type != REMEDIATED)
            after = _with_conditions(machine, left, legacies)
            reason = f"Machine {found.name} is healthy again: it is not replaced"
            yield Update(resource=MACHINE.resource(), before=machine, after=after, reason=reason)


def _with_conditions(machine: Machine, conditions: tuple[Condition, ...], legacies: tuple[object, ...]) -> Machine:
    old = machine.status.deprecated.v1beta1
    status = msgspec.structs.replace(machine.status, conditions=conditions)
    if legacies != old.conditions:
        deprecated = DeprecatedStatus(v1beta1=msgspec.structs.replace(old, conditions=legacies))
        status = msgspec.structs.replace(status, deprecated=deprecated)
    return msgspec.structs.replace(machine, status=status)
