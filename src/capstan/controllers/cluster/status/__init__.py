"""Computes the status of one Cluster from its providers' objects, its descendants and the plan's outcomes (1.4)."""

from __future__ import annotations

import msgspec

from capstan.api.cluster.cluster import Cluster, ClusterStatus, FailureDomain
from capstan.api.cluster.legacy import DeprecatedStatus, DeprecatedV1Beta1Status
from capstan.api.meta import Condition
from capstan.api.rules.conditions import put_conditions
from capstan.api.rules.conditions_v1beta1 import put_legacies
from capstan.api.rules.contract import failure, failure_domains
from capstan.api.rules.progress import paused_condition
from capstan.controllers.cluster.plan.deletion import deletion_stage
from capstan.controllers.cluster.plan.progress import (
    is_infrastructure_provisioned,
    is_initialized,
    phase_of,
)
from capstan.controllers.cluster.snapshot import ClusterSnapshot
from capstan.controllers.cluster.status.counts import control_plane_counts, worker_counts
from capstan.controllers.cluster.status.descendants import descendant_conditions
from capstan.controllers.cluster.status.legacy import legacy_conditions
from capstan.controllers.cluster.status.providers import (
    available_condition,
    deleting_condition,
    provider_conditions,
)
from capstan.runtime.generation import spoken_generation
from capstan.runtime.plan import Outcomes


def compute_status(snapshot: ClusterSnapshot, outcomes: Outcomes) -> Cluster:
    """The Cluster with its status as it is now. While paused only `Paused` moves."""
    cluster = snapshot.cluster
    generation, now = spoken_generation(cluster, outcomes), snapshot.now
    paused = paused_condition("Cluster", cluster.spec.paused is True, cluster.metadata.annotations)
    old = cluster.status
    if paused.status == "True":
        conditions = put_conditions(old.conditions, [paused], generation=generation, now=now)
        return msgspec.structs.replace(cluster, status=msgspec.structs.replace(old, conditions=conditions))
    status = _progressed(snapshot)
    status = msgspec.structs.replace(
        status,
        phase=phase_of(snapshot),
        conditions=_conditions(snapshot, outcomes, paused),
        deprecated=_deprecated(snapshot, status),
        observed_generation=generation if outcomes.error is None and generation else old.observed_generation,
    )
    return msgspec.structs.replace(cluster, status=status)


def _conditions(snapshot: ClusterSnapshot, outcomes: Outcomes, paused: Condition) -> tuple[Condition, ...]:
    """Available is merged from the others, so it comes last."""
    generation, now = spoken_generation(snapshot.cluster, outcomes), snapshot.now
    stage = deletion_stage(snapshot) if snapshot.deleting else None
    new = [
        paused,
        deleting_condition(stage, outcomes),
        *provider_conditions(snapshot, outcomes),
        *descendant_conditions(snapshot),
    ]
    conditions = put_conditions(snapshot.cluster.status.conditions, new, generation=generation, now=now)
    available = available_condition(snapshot, conditions)
    return put_conditions(conditions, [available], generation=generation, now=now)


def _progressed(snapshot: ClusterSnapshot) -> ClusterStatus:
    """What providers report, and the counters. Initialization flags never go back."""
    status = snapshot.cluster.status
    initialized = status.initialization
    if not snapshot.deleting and is_infrastructure_provisioned(snapshot):
        initialized = msgspec.structs.replace(initialized, infrastructure_provisioned=True)
    if not snapshot.deleting and is_initialized(snapshot):
        initialized = msgspec.structs.replace(initialized, control_plane_initialized=True)
    return msgspec.structs.replace(
        status,
        initialization=status.initialization if initialized == status.initialization else initialized,
        failure_domains=_failure_domains(snapshot),
        control_plane=control_plane_counts(snapshot),
        workers=worker_counts(snapshot),
    )


def _failure_domains(snapshot: ClusterSnapshot) -> tuple[FailureDomain, ...]:
    """Those of the infra cluster, once it is provisioned and for as long as it stays."""
    found = snapshot.infrastructure
    if found is None or found.object is None or found.deleting or not is_infrastructure_provisioned(snapshot):
        return snapshot.cluster.status.failure_domains
    return tuple(
        FailureDomain(name=d.name, control_plane=d.control_plane, attributes=dict(d.attributes))
        for d in failure_domains(found)
    )


def _deprecated(snapshot: ClusterSnapshot, status: ClusterStatus) -> DeprecatedStatus:
    old = status.deprecated.v1beta1
    conditions = put_legacies(old.conditions, legacy_conditions(snapshot), now=snapshot.now)
    reason, message = "", ""
    for found in (snapshot.infrastructure, snapshot.control_plane):
        if found is not None and not reason and not message:
            reason, message = failure(found)
    new = DeprecatedV1Beta1Status(conditions=conditions, failure_reason=reason, failure_message=message)
    return status.deprecated if new == old else DeprecatedStatus(v1beta1=new)
