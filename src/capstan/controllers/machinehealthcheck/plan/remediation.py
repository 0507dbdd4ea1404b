"""What each Machine is told about its health, and who is asked to do something about it (5.2)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.legacy import DeprecatedStatus
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.meta import Condition, LegacyCondition
from capstan.api.objects import Key
from capstan.api.rules.conditions import FALSE, TRUE, is_false, put_conditions
from capstan.api.rules.conditions_v1beta1 import WARNING, legacy_false, legacy_true, put_legacies
from capstan.api.rules.contract import clone_template
from capstan.api.rules.owners import owner_reference
from capstan.controllers.machinehealthcheck.plan.health import Verdict
from capstan.controllers.machinehealthcheck.snapshot import HealthCheckSnapshot
from capstan.runtime.plan import Action, Create, Delete, Emit, ObjectRef, Update

HEALTHY = "HealthCheckSucceeded"
OWNER = "OwnerRemediated"
EXTERNAL = "ExternallyRemediated"
_LEGACY_REASONS = {
    "HasRemediateAnnotation": "HasRemediateMachineAnnotation",
    "NodeDeleted": "NodeNotFound",
}


def plan_verdict(snapshot: HealthCheckSnapshot, verdict: Verdict, *, allowed: bool) -> Iterator[Action]:
    """The Machine's conditions follow the verdict; only an unhealthy one that may be remediated is."""
    if verdict.state == "healthy":
        yield from _withdraw(snapshot, verdict)
        yield from _tell(snapshot, verdict, [Condition(type=HEALTHY, status=TRUE, reason=HEALTHY)])
    elif verdict.state == "unhealthy":
        news = [Condition(type=HEALTHY, status=FALSE, reason=verdict.reason, message=verdict.message)]
        machine = verdict.target.machine
        if not allowed or _is_paused(snapshot, machine):
            yield from _tell(snapshot, verdict, news)
        elif snapshot.check.spec.remediation.template_ref is not None:
            yield from _externally(snapshot, verdict, news)
        else:
            yield from _by_owner(snapshot, verdict, news)


def _is_paused(snapshot: HealthCheckSnapshot, machine: Machine) -> bool:
    return snapshot.paused or PAUSED_ANNOTATION in machine.metadata.annotations


def _by_owner(snapshot: HealthCheckSnapshot, verdict: Verdict, news: list[Condition]) -> Iterator[Action]:
    machine = verdict.target.machine
    # What the owner has said already stays: it is on it.
    if machine.metadata.deletion_timestamp is None and not is_false(machine.status.conditions, OWNER):
        news = [
            *news,
            Condition(type=OWNER, status=FALSE, reason="WaitingForRemediation", message="Waiting for remediation"),
        ]
    yield from _tell(snapshot, verdict, news)


def _externally(snapshot: HealthCheckSnapshot, verdict: Verdict, news: list[Condition]) -> Iterator[Action]:
    """An object made from the template, named as the Machine, asks whoever serves its kind."""
    machine, template = verdict.target.machine, snapshot.template
    waiting = Condition(type=EXTERNAL, status=FALSE, reason="WaitingForRemediation", message="Waiting for remediation")
    if verdict.target.name in snapshot.requests:
        yield from _tell(snapshot, verdict, [*news, waiting])
        return
    if template is None or template.object is None or snapshot.made is None:
        text = _missing(snapshot)
        missing = Condition(type=EXTERNAL, status=FALSE, reason="RemediationTemplateNotFound", message=text)
        yield from _tell(snapshot, verdict, [*news, missing])
        return
    made = clone_template(
        template,
        snapshot.made,
        name=machine.metadata.name,
        namespace=machine.metadata.namespace,
        cluster_name=snapshot.check.spec.cluster_name,
        labels={},
        annotations={},
        owner=owner_reference(MACHINE.resource().api_version, "Machine", machine.metadata),
    )
    yield from _tell(snapshot, verdict, [*news, waiting])
    yield Create(resource=snapshot.made, object=made, reason=f"Machine {machine.metadata.name} is unhealthy")


def _missing(snapshot: HealthCheckSnapshot) -> str:
    template = snapshot.template
    if template is None:
        return "Could not retrieve remediation template"
    why = template.problem or f"{template.kind} {template.name} does not exist"
    return f"Could not retrieve remediation template: {why}"


def _withdraw(snapshot: HealthCheckSnapshot, verdict: Verdict) -> Iterator[Action]:
    """A Machine that recovered needs no remediation any more."""
    request = snapshot.requests.get(verdict.target.name)
    if request is None or snapshot.made is None or request["metadata"].get("deletionTimestamp"):
        return
    meta = request["metadata"]
    target = ObjectRef(snapshot.made, Key(meta.get("namespace", ""), meta["name"]), meta["uid"])
    yield Delete(target=target, reason=f"Machine {verdict.target.name} is healthy again")


def _tell(snapshot: HealthCheckSnapshot, verdict: Verdict, news: list[Condition]) -> Iterator[Action]:
    machine = verdict.target.machine
    after = _with_conditions(snapshot, machine, news)
    if after == machine:
        return
    name = machine.metadata.name
    reason = f"Machine {name} is healthy" if verdict.state == "healthy" else f"Machine {name}: {verdict.message}"
    yield Update(resource=MACHINE.resource(), before=machine, after=after, reason=reason)
    if verdict.state == "unhealthy" and not is_false(machine.status.conditions, HEALTHY):
        check, meta = snapshot.check.metadata, machine.metadata
        text = f"Machine {meta.namespace}/{name} has been marked as unhealthy by {check.name}"
        about = ObjectRef(MACHINE.resource(), Key(meta.namespace, name), meta.uid)
        yield Emit(name="MachineMarkedUnhealthy", reason=text, about=about)


def _with_conditions(snapshot: HealthCheckSnapshot, machine: Machine, news: list[Condition]) -> Machine:
    generation, now = machine.metadata.generation, snapshot.now
    conditions = put_conditions(machine.status.conditions, news, generation=generation, now=now)
    status = msgspec.structs.replace(machine.status, conditions=conditions)
    old = machine.status.deprecated.v1beta1
    legacies = put_legacies(old.conditions, [_legacy(c) for c in news if c.type != EXTERNAL], now=now)
    if legacies != old.conditions:
        deprecated = DeprecatedStatus(v1beta1=msgspec.structs.replace(old, conditions=legacies))
        status = msgspec.structs.replace(status, deprecated=deprecated)
    return machine if status == machine.status else msgspec.structs.replace(machine, status=status)


def _legacy(condition: Condition) -> LegacyCondition:
    if condition.status == TRUE:
        return legacy_true(condition.type)
    reason = _LEGACY_REASONS.get(condition.reason, condition.reason)
    return legacy_false(condition.type, reason, WARNING, condition.message)
