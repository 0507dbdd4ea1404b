"""What each Machine is told about its health, and who is asked to do something about it (5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.legacy import DeprecatedStatus
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.meta import Condition, LegacyCondition
from capstan.api.objects import Key, Obj, Resource
from capstan.api.rules.conditions import FALSE, TRUE, find_condition, is_false, put_conditions
from capstan.api.rules.conditions_v1beta1 import WARNING, legacy_false, legacy_true, put_legacies
from capstan.api.rules.contract import External, clone_template
from capstan.api.rules.owners import owner_reference
from capstan.controllers.machinehealthcheck.plan.actions import Request, RequestRemediations
from capstan.controllers.machinehealthcheck.plan.health import Verdict
from capstan.controllers.machinehealthcheck.snapshot import HealthCheckSnapshot
from capstan.runtime.plan import Action, Delete, Emit, ObjectRef, Update

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
    """An object made from the template, named as the Machine, asks whoever serves its kind: `plan_requests`."""
    if not _can_request(snapshot) and verdict.target.name not in snapshot.requests:
        text = _missing(snapshot)
        missing = Condition(type=EXTERNAL, status=FALSE, reason="RemediationTemplateNotFound", message=text)
        yield from _tell(snapshot, verdict, [*news, missing])
    elif verdict.target.name not in snapshot.requests and _failed_before(verdict):
        yield from _tell(snapshot, verdict, news)
    else:
        yield from _tell(snapshot, verdict, [*news, requested()])


def requested() -> Condition:
    """That somebody else was asked to remediate a Machine."""
    return Condition(type=EXTERNAL, status=FALSE, reason="WaitingForRemediation", message="Waiting for remediation")


def _can_request(snapshot: HealthCheckSnapshot) -> bool:
    return snapshot.template is not None and snapshot.template.object is not None and snapshot.made is not None


def _failed_before(verdict: Verdict) -> bool:
    told = find_condition(verdict.target.machine.status.conditions, EXTERNAL)
    return told is not None and told.reason == "RemediationRequestCreationFailed"


def plan_requests(snapshot: HealthCheckSnapshot, verdicts: Iterable[Verdict]) -> Iterator[Action]:
    """The requests that are not there yet, of all unhealthy Machines. (Upstream stops at the first Machine whose
    request exists.)"""
    template, made = snapshot.template, snapshot.made
    if template is None or template.object is None or made is None:
        return
    requests = tuple(
        Request(
            machine=Key(v.target.machine.metadata.namespace, v.target.name),
            object=_request(snapshot, template, made, v.target.machine),
            failed_before=_failed_before(v),
        )
        for v in verdicts
        if v.state == "unhealthy"
        and v.target.name not in snapshot.requests
        and not _is_paused(snapshot, v.target.machine)
    )
    if requests:
        names = ", ".join(request.machine.name for request in requests)
        reason = f"unhealthy: Machine {names}"
        yield RequestRemediations(resource=made, requests=requests, now=snapshot.now, reason=reason)


def _request(snapshot: HealthCheckSnapshot, template: External, made: Resource, machine: Machine) -> Obj:
    return clone_template(
        template,
        made,
        name=machine.metadata.name,
        namespace=machine.metadata.namespace,
        cluster_name=snapshot.check.spec.cluster_name,
        labels={},
        annotations={},
        owner=owner_reference(MACHINE.resource().api_version, "Machine", machine.metadata),
    )


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
    after = with_conditions(machine, news, snapshot.now, legacy=verdict.legacy)
    if after == machine:
        return
    name = machine.metadata.name
    reason = f"Machine {name} is healthy" if verdict.state == "healthy" else f"Machine {name}: {verdict.message}"
    yield Update(resource=MACHINE.resource(), before=machine, after=after, reason=reason)
    if verdict.state == "unhealthy" and not is_false(machine.status.conditions, HEALTHY):
        check, meta = snapshot.check.metadata, machine.metadata
        by = f"{check.namespace}/{check.name}"
        text = f"Machine {meta.namespace}/{name} has been marked as unhealthy by {by}"
        about = ObjectRef(MACHINE.resource(), Key(meta.namespace, name), meta.uid)
        yield Emit(name="MachineMarkedUnhealthy", reason=text, about=about)


def with_conditions(machine: Machine, news: Sequence[Condition], now: datetime, legacy: str = "") -> Machine:
    """The Machine that says so, to clients of v1beta1 as well; `legacy` is what those read about its health."""
    conditions = put_conditions(machine.status.conditions, news, generation=machine.metadata.generation, now=now)
    status = msgspec.structs.replace(machine.status, conditions=conditions)
    old = machine.status.deprecated.v1beta1
    legacies = put_legacies(old.conditions, [_legacy(c, legacy) for c in news if c.type != EXTERNAL], now=now)
    if legacies != old.conditions:
        deprecated = DeprecatedStatus(v1beta1=msgspec.structs.replace(old, conditions=legacies))
        status = msgspec.structs.replace(status, deprecated=deprecated)
    return machine if status == machine.status else msgspec.structs.replace(machine, status=status)


def _legacy(condition: Condition, text: str) -> LegacyCondition:
    if condition.status == TRUE:
        return legacy_true(condition.type)
    reason = _LEGACY_REASONS.get(condition.reason, condition.reason)
    return legacy_false(condition.type, reason, WARNING, text if condition.type == HEALTHY else "")
