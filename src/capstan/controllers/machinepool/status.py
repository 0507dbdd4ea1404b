"""Computes the status of one MachinePool: its phase, its counts, and what it waits for."""

from __future__ import annotations

from typing import Final

import msgspec

from capstan.api.cluster.machinepool import (
    MachinePool,
    MachinePoolDeprecatedStatus,
    MachinePoolInitialization,
    MachinePoolStatus,
)
from capstan.api.cluster.names import REPLICAS_MANAGED_BY_ANNOTATION
from capstan.api.cluster.replicas import VersionCount
from capstan.api.cluster.versions import counted, versions_of
from capstan.api.meta import Condition, LegacyCondition
from capstan.api.rules.conditions import FALSE, TRUE, put_conditions
from capstan.api.rules.conditions_v1beta1 import (
    ERROR,
    INFO,
    legacy_false,
    legacy_true,
    put_legacies,
    summarize_legacy,
)
from capstan.api.rules.contract import failure, is_data_secret_created
from capstan.api.rules.progress import Mirrored, external_condition, external_legacy, paused_condition
from capstan.api.rules.replicas import count_true
from capstan.controllers.machinepool.plan import DELETING, plan
from capstan.controllers.machinepool.plan.nodes import node_refs
from capstan.controllers.machinepool.snapshot import MachinePoolSnapshot
from capstan.runtime.plan import Outcomes, Waiting

_BOOTSTRAP: Final = Mirrored(
    "BootstrapConfigReady", "Ready", "Ready", "NotReady", "status.initialization.dataSecretCreated", "MachinePool"
)
_INFRASTRUCTURE: Final = Mirrored(
    "InfrastructureReady", "Ready", "Ready", "NotReady", "status.initialization.provisioned", "MachinePool"
)
_SUMMARIZED: Final = ("BootstrapReady", "InfrastructureReady", "ReplicasReady")


def compute_status(snapshot: MachinePoolSnapshot, outcomes: Outcomes) -> MachinePool:
    """The pool with its status as it is now. While paused only `Paused` moves."""
    pool, old, now = snapshot.pool, snapshot.pool.status, snapshot.now
    generation = pool.metadata.generation
    cluster_paused = snapshot.cluster is not None and snapshot.cluster.spec.paused is True
    paused = paused_condition("MachinePool", cluster_paused, pool.metadata.annotations)
    if paused.status == TRUE:
        conditions = put_conditions(old.conditions, [paused], generation=generation, now=now)
        return msgspec.structs.replace(pool, status=msgspec.structs.replace(old, conditions=conditions))
    counted = _counted(snapshot, old)
    status = msgspec.structs.replace(
        counted,
        initialization=_initialization(snapshot),
        node_refs=node_refs(snapshot),
        conditions=put_conditions(
            old.conditions, [*_conditions(snapshot, outcomes), paused], generation=generation, now=now
        ),
        observed_generation=generation if outcomes.error is None and generation else old.observed_generation,
    )
    status = msgspec.structs.replace(status, phase=_phase(snapshot, status))
    return msgspec.structs.replace(pool, status=_with_legacy(snapshot, status))


def _initialization(snapshot: MachinePoolSnapshot) -> MachinePoolInitialization:
    return MachinePoolInitialization(
        bootstrap_data_secret_created=_has_data_secret(snapshot), infrastructure_provisioned=snapshot.provisioned
    )


def _has_data_secret(snapshot: MachinePoolSnapshot) -> bool:
    if snapshot.bootstrap is None:
        return bool(snapshot.pool.spec.template.spec.bootstrap.data_secret_name)
    return snapshot.bootstrap.object is not None and is_data_secret_created(snapshot.bootstrap)


def _counted(snapshot: MachinePoolSnapshot, old: MachinePoolStatus) -> MachinePoolStatus:
    """The counts, from Machines where the provider shows them; those of before while its object cannot be read."""
    if snapshot.infrastructure.object is None:
        return old
    v1beta1 = old.deprecated.v1beta1
    replicas = snapshot.replicas
    if snapshot.provisioned and not snapshot.nodes_problem:
        available = len(snapshot.available_members)
        v1beta1 = msgspec.structs.replace(
            v1beta1,
            ready_replicas=len(snapshot.ready_members),
            available_replicas=available,
            unavailable_replicas=max(0, (replicas or 0) - available),
        )
    status = msgspec.structs.replace(
        old, replicas=replicas, deprecated=MachinePoolDeprecatedStatus(v1beta1=v1beta1), versions=_versions(snapshot)
    )
    if not snapshot.machine_kind:
        return msgspec.structs.replace(
            status,
            ready_replicas=replicas,
            available_replicas=replicas,
            up_to_date_replicas=snapshot.pool.spec.replicas if snapshot.provisioned else old.up_to_date_replicas,
        )
    lists = [machine.status.conditions for machine in snapshot.machines]
    return msgspec.structs.replace(
        status,
        ready_replicas=count_true(lists, "Ready"),
        available_replicas=count_true(lists, "Available"),
        up_to_date_replicas=count_true(lists, "UpToDate"),
    )


def _versions(snapshot: MachinePoolSnapshot) -> tuple[VersionCount, ...]:
    """How many Machines, or else Nodes, run which version; as before while the Nodes cannot be seen."""
    if snapshot.machine_kind:
        return versions_of(snapshot.machines)
    if snapshot.nodes_problem:
        return snapshot.pool.status.versions
    infos = (node.status.node_info for node in snapshot.members)
    return counted((info.kubelet_version, 1) for info in infos if info is not None)


def _phase(snapshot: MachinePoolSnapshot, status: MachinePoolStatus) -> str:
    """Each later rule overrides the ones before."""
    phase = "Pending"
    if status.initialization.bootstrap_data_secret_created and not snapshot.provisioned:
        phase = "Provisioning"
    if status.node_refs:
        phase = "Provisioned"
    if snapshot.provisioned:
        phase = _running(snapshot, status.deprecated.v1beta1.ready_replicas or 0)
    return "Deleting" if snapshot.deleting else phase


def _running(snapshot: MachinePoolSnapshot, ready: int) -> str:
    wanted = 1 if snapshot.pool.spec.replicas is None else snapshot.pool.spec.replicas
    if wanted == ready:
        return "Running"
    if snapshot.pool.metadata.annotations.get(REPLICAS_MANAGED_BY_ANNOTATION, "false") != "false":
        return "Scaling"
    return "ScalingUp" if wanted > ready else "ScalingDown"


def _conditions(snapshot: MachinePoolSnapshot, outcomes: Outcomes) -> list[Condition]:
    """What the provider's objects say, or what the pool waits for; upstream leaves these unset."""
    waiting = {wait.condition: wait for wait in reversed(plan(snapshot).waiting_on)}
    before = snapshot.pool.status.initialization
    found = [
        external_condition(
            _INFRASTRUCTURE,
            snapshot.infrastructure,
            done=snapshot.provisioned,
            was_done=bool(before.infrastructure_provisioned),
            deleting=snapshot.deleting,
        )
    ]
    if snapshot.bootstrap is not None:
        found.append(
            external_condition(
                _BOOTSTRAP,
                snapshot.bootstrap,
                done=_has_data_secret(snapshot),
                was_done=bool(before.bootstrap_data_secret_created),
                deleting=snapshot.deleting,
            )
        )
    if outcomes.error is not None:
        found[0] = Condition(
            type=_INFRASTRUCTURE.target, status=FALSE, reason="InternalError", message=str(outcomes.error)
        )
    result = [_or_waiting(condition, waiting) for condition in found]
    if snapshot.deleting:
        wait = waiting.get(DELETING)
        reason, message = (wait.reason, wait.message) if wait is not None else ("DeletionCompleted", "")
        result.append(Condition(type=DELETING, status=TRUE, reason=reason, message=message))
    return result


def _or_waiting(condition: Condition, waiting: dict[str, Waiting]) -> Condition:
    wait = waiting.get(condition.type)
    if wait is None:
        return condition
    return Condition(type=condition.type, status=FALSE, reason=wait.reason, message=wait.message)


def _with_legacy(snapshot: MachinePoolSnapshot, status: MachinePoolStatus) -> MachinePoolStatus:
    reason, message = _failure(snapshot)
    old = status.deprecated.v1beta1
    so_far = put_legacies(old.conditions, _legacies(snapshot, status), now=snapshot.now)
    conditions = put_legacies(so_far, [summarize_legacy(so_far, _SUMMARIZED)], now=snapshot.now)
    v1beta1 = msgspec.structs.replace(old, conditions=conditions, failure_reason=reason, failure_message=message)
    return msgspec.structs.replace(status, deprecated=MachinePoolDeprecatedStatus(v1beta1=v1beta1))


def _failure(snapshot: MachinePoolSnapshot) -> tuple[str, str]:
    """What the provider says, for clients of v1beta1; and that its object went, for as long as it is gone."""
    found, status = snapshot.infrastructure, snapshot.pool.status
    old = status.deprecated.v1beta1
    if not found.missing or snapshot.deleting:
        return failure(found)
    if not status.initialization.infrastructure_provisioned:
        return old.failure_reason, old.failure_message
    what = f"{found.kind} {snapshot.pool.metadata.namespace}/{found.name}"
    return "InvalidConfiguration", f"MachinePool infrastructure resource {what} has been deleted after being ready"


def _legacies(snapshot: MachinePoolSnapshot, status: MachinePoolStatus) -> list[LegacyCondition | None]:
    infrastructure = _legacy_infrastructure(snapshot)
    bootstrap = _legacy_bootstrap(snapshot)
    if not snapshot.provisioned or snapshot.nodes_problem:
        return [infrastructure, bootstrap, None]
    if (status.replicas or 0) == status.deprecated.v1beta1.ready_replicas == len(status.node_refs):
        return [infrastructure, bootstrap, legacy_true("ReplicasReady")]
    return [infrastructure, bootstrap, legacy_false("ReplicasReady", "WaitingForReplicasReady", INFO)]


def _legacy_infrastructure(snapshot: MachinePoolSnapshot) -> LegacyCondition:
    found = snapshot.infrastructure
    if found.missing and not snapshot.deleting:
        text = f"could not find infra reference of kind {found.kind} with name {found.name}"
        return legacy_false("InfrastructureReady", "IncorrectExternalRef", ERROR, text)
    return external_legacy(
        "InfrastructureReady",
        found,
        done=snapshot.provisioned,
        waiting="WaitingForInfrastructure",
        deleting=snapshot.deleting,
    )


def _legacy_bootstrap(snapshot: MachinePoolSnapshot) -> LegacyCondition:
    if snapshot.bootstrap is None:
        if _has_data_secret(snapshot):
            return legacy_true("BootstrapReady")
        return legacy_false("BootstrapReady", "WaitingForDataSecret", INFO)
    return external_legacy(
        "BootstrapReady",
        snapshot.bootstrap,
        done=_has_data_secret(snapshot),
        waiting="WaitingForDataSecret",
        deleting=snapshot.deleting,
    )
