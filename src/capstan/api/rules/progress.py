"""What a provider object's state means for the object that refers to it: one condition, one legacy condition.

Shared by Cluster (infrastructure, control plane) and Machine (bootstrap, infrastructure).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capstan.api.meta import Condition, LegacyCondition
from capstan.api.rules.conditions import FALSE, TRUE, UNKNOWN, find_condition, mirror
from capstan.api.rules.conditions_v1beta1 import INFO, legacy_false, legacy_unknown, mirror_legacy
from capstan.api.rules.contract import External, InvalidConditionError, conditions_of, legacy_ready, missing_text


@dataclass(frozen=True, slots=True)
class Mirrored:
    """How one provider object shows up in the conditions of its owner.

    `source` is the provider's condition, `good` and `bad` are the reasons while it is not reported, `flag` the
    field of the contract that stands in then, `owner` what users call the object that refers to it. `lasting` says
    that the owner needs the object for as long as it lives: its loss is more than that it does not exist.
    """

    target: str
    source: str
    good: str
    bad: str
    flag: str
    owner: str
    lasting: bool = True


def external_condition(rule: Mirrored, found: External, *, done: bool, was_done: bool, deleting: bool) -> Condition:
    """`done` is what the owner's status will hold of the contract's flag, `was_done` what it holds, `deleting` the
    owner's."""
    if found.problem:
        reason = found.problem_reason or "InternalError"
        return Condition(type=rule.target, status=UNKNOWN, reason=reason, message=f"Waiting: {found.problem}")
    if found.object is None:
        return _absent(rule, found, was_done=was_done, deleting=deleting)
    try:
        reported = find_condition(conditions_of(found.object), rule.source)
    except InvalidConditionError as error:
        return Condition(type=rule.target, status=UNKNOWN, reason="InvalidConditionReported", message=str(error))
    if reported is not None and reported.reason == "NoReasonReported" and reported.status == TRUE:
        return mirror(
            Condition(
                type=rule.source,
                status=TRUE,
                reason=rule.good,
                message=reported.message,
                last_transition_time=reported.last_transition_time,
            ),
            rule.target,
        )
    fallback = Condition(
        type=rule.target,
        status=TRUE if done else FALSE,
        reason=rule.good if done else rule.bad,
        message="" if done else f"{found.kind} {rule.flag} is false",
    )
    return mirror(reported, rule.target, fallback=fallback, type=rule.source)


def _absent(rule: Mirrored, found: External, *, was_done: bool, deleting: bool) -> Condition:
    if not was_done or not (rule.lasting or deleting):
        return Condition(type=rule.target, status=FALSE, reason="ObjectDoesNotExist", message=missing_text(found))
    still = "" if deleting else f" while the {rule.owner} still exists"
    return Condition(
        type=rule.target, status=FALSE, reason="ObjectDeleted", message=f"{found.kind} has been deleted{still}"
    )


def external_legacy(target: str, found: External, *, done: bool, waiting: str, deleting: bool) -> LegacyCondition:
    """The v1beta1 twin: the provider's `Ready`, else the flag; `waiting` is the reason while it is false and nobody is
    being deleted."""
    if found.object is None and deleting:
        return legacy_false(target, "Deleted", INFO)
    if found.problem:
        return legacy_unknown(target, found.problem_reason or "InternalError", found.problem)
    mirrored = mirror_legacy(
        legacy_ready(found),
        target,
        fallback_done=done and found.object is not None,
        fallback_reason="Deleting" if deleting else waiting,
    )
    return mirrored or legacy_unknown(target, waiting)


def paused_condition(kind: str, cluster_paused: bool, annotations: Mapping[str, str]) -> Condition:
    """`Paused`, with every cause (0.2)."""
    causes = []
    if cluster_paused:
        causes.append("Cluster spec.paused is set to true")
    if "cluster.x-k8s.io/paused" in annotations:
        causes.append(f"{kind} has the cluster.x-k8s.io/paused annotation")
    if causes:
        return Condition(type="Paused", status=TRUE, reason="Paused", message=", ".join(causes))
    return Condition(type="Paused", status=FALSE, reason="NotPaused")
