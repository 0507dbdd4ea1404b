"""Computes the status of one ClusterResourceSet: whether all that it names is in all clusters that it selects."""

from __future__ import annotations

from typing import Final

import msgspec

from capstan.api.addons.clusterresourceset import (
    ClusterResourceSet,
    ClusterResourceSetDeprecatedStatus,
    ClusterResourceSetV1Beta1Status,
)
from capstan.api.addons.names import RESOURCE_SET_FINALIZER
from capstan.api.meta import Condition, LegacyCondition
from capstan.api.rules.conditions import FALSE, TRUE, put_conditions
from capstan.api.rules.conditions_v1beta1 import ERROR, WARNING, legacy_false, legacy_true, put_legacies
from capstan.api.rules.progress import paused_condition
from capstan.controllers.clusterresourceset.plan import APPLIED, ApplyResources, plan
from capstan.controllers.clusterresourceset.snapshot import ResourceSetSnapshot
from capstan.runtime.plan import Outcomes

_NOT_APPLIED: Final = "Failed to apply ClusterResourceSet resources to Cluster"


def compute_status(snapshot: ResourceSetSnapshot, outcomes: Outcomes) -> ClusterResourceSet:
    """The set with its status as it is now. While paused only `Paused` moves; while no Cluster is selected nothing
    is said of what is applied."""
    resource_set, now = snapshot.resource_set, snapshot.now
    generation, old = resource_set.metadata.generation, resource_set.status
    paused = paused_condition("ClusterResourceSet", False, resource_set.metadata.annotations)
    applied = None if snapshot.paused else _applied(snapshot, outcomes)
    conditions = [paused] if applied is None else [applied[0], paused]
    legacy = put_legacies(old.deprecated.v1beta1.conditions, [applied[1] if applied else None], now=now)
    done = outcomes.error is None and not snapshot.paused
    status = msgspec.structs.replace(
        old,
        conditions=put_conditions(old.conditions, conditions, generation=generation, now=now),
        deprecated=ClusterResourceSetDeprecatedStatus(v1beta1=ClusterResourceSetV1Beta1Status(conditions=legacy)),
        observed_generation=generation if done and generation else old.observed_generation,
    )
    return msgspec.structs.replace(resource_set, status=status)


def _applied(snapshot: ResourceSetSnapshot, outcomes: Outcomes) -> tuple[Condition, LegacyCondition] | None:
    """`ResourcesApplied` and its twin; None while there is nothing to say."""
    if snapshot.deleting or RESOURCE_SET_FINALIZER not in snapshot.resource_set.metadata.finalizers:
        return None
    if not snapshot.targets:
        return None
    if outcomes.error is not None:
        message = f"{_NOT_APPLIED}: {outcomes.error}"
        return _false("NotApplied", message), legacy_false(APPLIED, "ApplyFailed", WARNING, message)
    waiting = plan(snapshot).waiting_on
    if waiting and waiting[0].reason == "WrongSecretType":
        message = waiting[0].message
        return _false("WrongSecretType", message), legacy_false(APPLIED, "WrongSecretType", WARNING, message)
    refused = _refused(outcomes)
    if refused:
        return _false("NotApplied", refused), legacy_false(APPLIED, "ApplyFailed", WARNING, refused)
    if waiting:
        message = "; ".join(wait.message for wait in waiting)
        return _false("InternalError", message), _legacy_waiting(snapshot, message)
    return Condition(type=APPLIED, status=TRUE, reason="Applied"), legacy_true(APPLIED)


def _refused(outcomes: Outcomes) -> str:
    """What workload clusters did not take, cluster by cluster."""
    texts = []
    for outcome in outcomes.of(ApplyResources):
        action = outcome.action
        assert isinstance(action, ApplyResources)
        failures = outcome.result.failures if outcome.result is not None else {}
        texts += [f"{_NOT_APPLIED} {action.cluster.name}: {name}: {why}" for name, why in failures.items()]
    return "; ".join(texts)


def _legacy_waiting(snapshot: ResourceSetSnapshot, message: str) -> LegacyCondition:
    if any(source.found is None for source in snapshot.sources):
        return legacy_false(APPLIED, "RetrievingResourceFailed", WARNING, message)
    return legacy_false(APPLIED, "RemoteClusterClientFailed", ERROR, message)


def _false(reason: str, message: str) -> Condition:
    return Condition(type=APPLIED, status=FALSE, reason=reason, message=message)
