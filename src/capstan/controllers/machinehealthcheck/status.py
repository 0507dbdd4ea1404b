"""Computes the status of one MachineHealthCheck: how many Machines are healthy, and whether it may act (5.3)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.machinehealthcheck import (
    MachineHealthCheck,
    MachineHealthCheckDeprecatedStatus,
    MachineHealthCheckStatus,
    MachineHealthCheckV1Beta1Status,
)
from capstan.api.meta import Condition, LegacyCondition
from capstan.api.rules.conditions import FALSE, TRUE, put_conditions
from capstan.api.rules.conditions_v1beta1 import ERROR, WARNING, legacy_false, legacy_true, put_legacies
from capstan.api.rules.progress import paused_condition
from capstan.controllers.machinehealthcheck.plan.actions import RequestRemediations
from capstan.controllers.machinehealthcheck.plan.allowance import Allowance, allowance
from capstan.controllers.machinehealthcheck.plan.health import judge
from capstan.controllers.machinehealthcheck.snapshot import HealthCheckSnapshot
from capstan.runtime.plan import Outcomes


def compute_status(snapshot: HealthCheckSnapshot, outcomes: Outcomes) -> MachineHealthCheck:
    """The check with its status as it is now. While paused only `Paused` moves; while the nodes cannot be seen the
    counters stay as they were."""
    check, now = snapshot.check, snapshot.now
    generation, old = check.metadata.generation, check.status
    cluster_paused = snapshot.cluster is not None and snapshot.cluster.spec.paused is True
    paused = paused_condition("MachineHealthCheck", cluster_paused, check.metadata.annotations)
    if paused.status == "True" or snapshot.blind:
        conditions = put_conditions(old.conditions, [paused], generation=generation, now=now)
        return msgspec.structs.replace(check, status=msgspec.structs.replace(old, conditions=conditions))
    allowed = allowance(snapshot, judge(snapshot))
    status = msgspec.structs.replace(
        old,
        expected_machines=allowed.total,
        current_healthy=allowed.healthy,
        remediations_allowed=allowed.left,
        targets=tuple(target.name for target in snapshot.targets),
        observed_generation=generation if outcomes.error is None and generation else old.observed_generation,
        conditions=put_conditions(old.conditions, [paused, _allowed(allowed)], generation=generation, now=now),
        deprecated=_deprecated(snapshot, old, allowed, outcomes),
    )
    return msgspec.structs.replace(check, status=status)


def _allowed(found: Allowance) -> Condition:
    if found.refusal:
        return Condition(type="RemediationAllowed", status=FALSE, reason="TooManyUnhealthy", message=found.refusal)
    return Condition(type="RemediationAllowed", status=TRUE, reason="RemediationAllowed")


def _requested(outcomes: Outcomes) -> Iterator[LegacyCondition]:
    """Whether the last remediations could be asked for."""
    kind = "ExternalRemediationRequestAvailable"
    for outcome in outcomes.of(RequestRemediations):
        failed = legacy_false(kind, "ExternalRemediationRequestCreationFailed", ERROR, str(outcome.error))
        yield legacy_true(kind) if outcome.done else failed


def _deprecated(
    snapshot: HealthCheckSnapshot, old: MachineHealthCheckStatus, found: Allowance, outcomes: Outcomes
) -> MachineHealthCheckDeprecatedStatus:
    conditions: list[LegacyCondition | None] = [
        legacy_false("RemediationAllowed", "TooManyUnhealthy", WARNING, found.refusal)
        if found.refusal
        else legacy_true("RemediationAllowed")
    ]
    template = snapshot.template
    if template is not None:
        why = template.problem or f"{template.kind} {template.name} does not exist"
        kind = "ExternalRemediationTemplateAvailable"
        missing = legacy_false(kind, "ExternalRemediationTemplateNotFound", ERROR, why)
        conditions.append(legacy_true(kind) if template.object is not None else missing)
    conditions.extend(_requested(outcomes))
    before = old.deprecated.v1beta1
    after = MachineHealthCheckV1Beta1Status(conditions=put_legacies(before.conditions, conditions, now=snapshot.now))
    return old.deprecated if after == before else MachineHealthCheckDeprecatedStatus(v1beta1=after)
