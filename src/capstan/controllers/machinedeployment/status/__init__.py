"""Computes the status of one MachineDeployment from its sets and Machines and what became of the plan (4.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from capstan.api.cluster.legacy import MachineDeploymentDeprecatedStatus, MachineDeploymentV1Beta1Status
from capstan.api.cluster.machinedeployment import MachineDeployment, MachineDeploymentStatus
from capstan.api.cluster.machineset import MachineSet, MachineSetStatus
from capstan.api.cluster.versions import counted
from capstan.api.meta import LegacyCondition
from capstan.api.rules.conditions import put_conditions
from capstan.api.rules.conditions_v1beta1 import (
    WARNING,
    find_legacy,
    legacy_false,
    legacy_true,
    mirror_legacy,
    put_legacies,
    summarize_legacy,
)
from capstan.api.rules.progress import paused_condition
from capstan.api.rules.replicas import selector_text
from capstan.controllers.machinedeployment.plan.limits import max_unavailable
from capstan.controllers.machinedeployment.plan.shape import effective_selector
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.controllers.machinedeployment.status.conditions import deployment_conditions
from capstan.runtime.plan import Outcomes


def compute_status(snapshot: MachineDeploymentSnapshot, outcomes: Outcomes) -> MachineDeployment:
    """The deployment with its status as it is now. While paused only `Paused` moves."""
    deployment = snapshot.deployment
    generation, now = deployment.metadata.generation, snapshot.now
    cluster_paused = snapshot.cluster is not None and snapshot.cluster.spec.paused is True
    paused = paused_condition("MachineDeployment", cluster_paused, deployment.metadata.annotations)
    old = deployment.status
    if paused.status == "True":
        conditions = put_conditions(old.conditions, [paused], generation=generation, now=now)
        return msgspec.structs.replace(deployment, status=msgspec.structs.replace(old, conditions=conditions))
    status = _counted(snapshot)
    new = [paused, *deployment_conditions(snapshot, status, outcomes)]
    status = msgspec.structs.replace(
        status,
        phase=_phase(snapshot, status),
        conditions=put_conditions(old.conditions, new, generation=generation, now=now),
        observed_generation=generation if outcomes.error is None and generation else old.observed_generation,
    )
    status = msgspec.structs.replace(status, deprecated=_deprecated(snapshot, status))
    return msgspec.structs.replace(deployment, status=status)


def _counted(snapshot: MachineDeploymentSnapshot) -> MachineDeploymentStatus:
    """The counters of all sets together."""
    sets, current = [s.status for s in snapshot.machine_sets], snapshot.current
    return msgspec.structs.replace(
        snapshot.deployment.status,
        selector=selector_text(effective_selector(snapshot.deployment)),
        replicas=_sum(s.replicas for s in sets),
        ready_replicas=_sum(s.ready_replicas for s in sets),
        available_replicas=_sum(s.available_replicas for s in sets),
        # Other sets do not know yet that they are old when the template has just changed.
        up_to_date_replicas=_up_to_date(sets, current),
        versions=counted((v.version, v.replicas or 0) for status in sets for v in status.versions),
    )


def _sum(reported: Iterable[int | None]) -> int | None:
    """The sum of what is reported; None when nothing is."""
    known = [count for count in reported if count is not None]
    return sum(known) if known else None


def _up_to_date(sets: Sequence[MachineSetStatus], current: MachineSet | None) -> int | None:
    if all(status.up_to_date_replicas is None for status in sets):
        return None
    return (current.status.up_to_date_replicas or 0) if current is not None else 0


def _phase(snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus) -> str:
    replicas = status.replicas or 0
    if snapshot.deployment.spec.replicas is None:
        return "Unknown"
    if snapshot.deleting or replicas > snapshot.desired:
        return "ScalingDown"
    return "ScalingUp" if replicas < snapshot.desired else "Running"


def _deprecated(
    snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus
) -> MachineDeploymentDeprecatedStatus:
    """The older counters, which add up those of the sets, and conditions."""
    old, sets = status.deprecated.v1beta1, [s.status.deprecated.v1beta1 for s in snapshot.machine_sets]
    available = sum(counts.available_replicas or 0 for counts in sets)
    new = MachineDeploymentV1Beta1Status(
        conditions=put_legacies(old.conditions, _legacy_conditions(snapshot, status, available), now=snapshot.now),
        available_replicas=available,
        ready_replicas=sum(counts.ready_replicas or 0 for counts in sets),
        unavailable_replicas=max(sum(s.spec.replicas or 0 for s in snapshot.machine_sets) - available, 0),
        updated_replicas=snapshot.current.status.replicas or 0 if snapshot.current is not None else 0,
    )
    return status.deprecated if new == old else MachineDeploymentDeprecatedStatus(v1beta1=new)


def _legacy_conditions(
    snapshot: MachineDeploymentSnapshot, status: MachineDeploymentStatus, available: int
) -> list[LegacyCondition | None]:
    needed = snapshot.desired - max_unavailable(snapshot.deployment)
    if available >= needed:
        enough = legacy_true("Available")
    else:
        now = status.available_replicas or 0
        text = f"Minimum availability requires {needed} replicas, current {now} available"
        enough = legacy_false("Available", "WaitingForAvailableMachines", WARNING, text)
    return [enough, _legacy_set(snapshot), summarize_legacy([enough], ["Available"])]


def _legacy_set(snapshot: MachineDeploymentSnapshot) -> LegacyCondition | None:
    """What the current set says of itself."""
    current = snapshot.current
    if current is None:
        return legacy_false("MachineSetReady", "WaitingForMachineSet", message="MachineSet not found")
    return mirror_legacy(
        find_legacy(current.status.deprecated.v1beta1.conditions, "Ready"),
        "MachineSetReady",
        fallback_done=False,
        fallback_reason="WaitingForMachineSet",
    )
