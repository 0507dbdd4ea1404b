"""Unhealthy Machines that the set has to replace: which go now, and why the others wait (3.6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.legacy import DeprecatedStatus
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import REMEDIATE_MACHINE_ANNOTATION, REVISION_ANNOTATION
from capstan.api.meta import Condition, LegacyCondition
from capstan.api.rules.conditions import FALSE, find_condition, is_false, is_true, put_conditions
from capstan.api.rules.conditions_v1beta1 import legacy_false, legacy_true, put_legacies
from capstan.api.rules.portions import portion
from capstan.controllers.machineset.plan.deleting import delete_and_tell
from capstan.controllers.machineset.plan.preflight import failed_checks
from capstan.controllers.machineset.snapshot import MachineSetSnapshot
from capstan.runtime.plan import Action, Update, Waiting

PREFLIGHT_RETRY_SECONDS = 15.0
HEALTHY = "HealthCheckSucceeded"
REMEDIATED = "OwnerRemediated"
_EPOCH = datetime.fromtimestamp(0, UTC)
_WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Remediation:
    """`going` are the names of the Machines that are deleted for it in this round."""

    actions: tuple[Action, ...] = ()
    waiting_on: tuple[Waiting, ...] = ()
    requeue_after: float | None = None
    going: frozenset[str] = frozenset()


def plan_remediation(snapshot: MachineSetSnapshot) -> Remediation:
    """A Machine is marked before it is deleted: after a crash between the two the mark says what goes on."""
    healed = tuple(_healed(snapshot))
    found = candidates(snapshot)
    if not found:
        return Remediation(healed)
    if _is_outdated(snapshot):
        text = "Machine won't be remediated because it is pending removal due to rollout"
        return Remediation((*healed, *_mark_all(snapshot, found, reason="CannotBeRemediated", text=text)))
    now, later = _in_turn(snapshot, found)
    actions: list[Action] = [*healed]
    if later:
        # Upstream names spec.strategy.remediation, where the field stood in v1beta1.
        text = (
            "Waiting because there are already too many remediations in progress "
            f"(spec.remediation.maxInFlight is {_stated(snapshot)})"
        )
        actions.extend(_mark_all(snapshot, later, reason="RemediationDeferred", text=text))
    failed = failed_checks(snapshot) if now else []
    if failed:
        text = "\n".join(f"* {check}" for check in failed)
        actions.extend(_mark_all(snapshot, now, reason="RemediationDeferred", text=text, legacy="; ".join(failed)))
        waiting = Waiting(
            "Remediating", "RemediationDeferred", "MachineSet waits to replace Machines: " + "; ".join(failed)
        )
        return Remediation(tuple(actions), (waiting,), PREFLIGHT_RETRY_SECONDS)
    for machine in now:
        actions.extend(_remediate(snapshot, machine))
    return Remediation(tuple(actions), going=frozenset(m.metadata.name for m in now))


def candidates(snapshot: MachineSetSnapshot) -> list[Machine]:
    """Machines that a health check calls unhealthy and hands to their owner, and that are not on their way out."""
    return [
        m
        for m in snapshot.machines
        if m.metadata.deletion_timestamp is None
        and is_false(m.status.conditions, HEALTHY)
        and is_false(m.status.conditions, REMEDIATED)
    ]


def _healed(snapshot: MachineSetSnapshot) -> Iterator[Update]:
    """Machines that became healthy by themselves are nobody's to replace any more."""
    for machine in snapshot.machines:
        conditions = machine.status.conditions
        if (
            machine.metadata.deletion_timestamp is None
            and is_true(conditions, HEALTHY)
            and is_false(conditions, REMEDIATED)
        ):
            legacies = tuple(c for c in machine.status.deprecated.v1beta1.conditions if c.type != REMEDIATED)
            left = tuple(c for c in conditions if c.type != REMEDIATED)
            after = _with_conditions(machine, left, legacies)
            reason = f"Machine {machine.metadata.name} is healthy again: it is not replaced"
            yield Update(
                resource=MACHINE.resource(), before=machine, after=after, reason=reason, part=machine.metadata.name
            )


def _is_outdated(snapshot: MachineSetSnapshot) -> bool:
    """Whether the set is an older one of its deployment: the rollout removes its Machines anyway."""
    deployment = snapshot.deployment
    if deployment is None:
        return False
    own = snapshot.machine_set.metadata.annotations.get(REVISION_ANNOTATION, "")
    return own != deployment.metadata.annotations.get(REVISION_ANNOTATION, "")


def _stated(snapshot: MachineSetSnapshot) -> int | str | None:
    """The limit as the deployment states it."""
    deployment = snapshot.deployment
    return deployment.spec.remediation.max_in_flight if deployment is not None else None


def _limit(snapshot: MachineSetSnapshot) -> int | None:
    """How many may be replaced at one time; None is no limit."""
    deployment, stated = snapshot.deployment, _stated(snapshot)
    if deployment is None or stated is None:
        return None
    replicas = 1 if deployment.spec.replicas is None else deployment.spec.replicas
    return portion(stated, replicas, up=True)


def _in_turn(snapshot: MachineSetSnapshot, found: Sequence[Machine]) -> tuple[list[Machine], list[Machine]]:
    """Those that go now, and those for which there is no room. What a user asked for comes first, then what is
    newest: a Machine that fails to come up has no workload yet."""
    ordered = sorted(found, key=lambda m: m.metadata.name)
    ordered.sort(key=lambda m: m.metadata.creation_timestamp or _EPOCH, reverse=True)
    ordered.sort(key=lambda m: REMEDIATE_MACHINE_ANNOTATION not in m.metadata.annotations)
    limit = _limit(snapshot)
    if limit is None:
        return ordered, []
    in_flight = sum(
        m.metadata.deletion_timestamp is not None and _reason(m) == "MachineDeleting" for m in snapshot.machines
    )
    room = max(limit - in_flight, 0)
    return ordered[:room], ordered[room:]


def _reason(machine: Machine) -> str:
    found = find_condition(machine.status.conditions, REMEDIATED)
    return found.reason if found is not None and found.status == FALSE else ""


def _mark_all(
    snapshot: MachineSetSnapshot, machines: Sequence[Machine], reason: str, text: str, legacy: str = ""
) -> Iterator[Update]:
    """`legacy` is the message of the older condition, which otherwise stays what the health check made it."""
    told = Condition(type=REMEDIATED, status=FALSE, reason=reason, message=text)
    older = legacy_false(REMEDIATED, "WaitingForRemediation", _WARNING, legacy) if legacy else None
    for machine in machines:
        after = _marked(snapshot, machine, told, older)
        if after != machine:
            why = f"Machine {machine.metadata.name} is not replaced now: {text}"
            yield Update(
                resource=MACHINE.resource(), before=machine, after=after, reason=why, part=machine.metadata.name
            )


def _remediate(snapshot: MachineSetSnapshot, machine: Machine) -> Iterator[Action]:
    meta = machine.metadata
    going = Condition(type=REMEDIATED, status=FALSE, reason="MachineDeleting", message="Machine is deleting")
    after = _marked(snapshot, machine, going, legacy_true(REMEDIATED))
    unhealthy = find_condition(machine.status.conditions, HEALTHY)
    why = f"Machine {meta.name} is not healthy" + (f": {unhealthy.message}" if unhealthy and unhealthy.message else "")
    if after != machine:
        yield Update(resource=MACHINE.resource(), before=machine, after=after, reason=why, part=meta.name)
    yield from delete_and_tell(machine, f"{why}; it is replaced")


def _marked(
    snapshot: MachineSetSnapshot, machine: Machine, condition: Condition, legacy: LegacyCondition | None
) -> Machine:
    generation, now = machine.metadata.generation, snapshot.now
    conditions = put_conditions(machine.status.conditions, [condition], generation=generation, now=now)
    legacies = put_legacies(machine.status.deprecated.v1beta1.conditions, [legacy], now=now)
    return _with_conditions(machine, conditions, legacies)


def _with_conditions(
    machine: Machine, conditions: tuple[Condition, ...], legacies: tuple[LegacyCondition, ...]
) -> Machine:
    status = msgspec.structs.replace(machine.status, conditions=conditions)
    if legacies != machine.status.deprecated.v1beta1.conditions:
        old = msgspec.structs.replace(machine.status.deprecated.v1beta1, conditions=legacies)
        status = msgspec.structs.replace(status, deprecated=DeprecatedStatus(v1beta1=old))
    return msgspec.structs.replace(machine, status=status)
