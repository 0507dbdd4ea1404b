"""Computes the status of one Machine from what was observed and what became of the plan (2.3, 2.8)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from capstan.api.cluster.address import MachineAddress
from capstan.api.cluster.deletion import MachineDeletionProgress
from capstan.api.cluster.legacy import DeprecatedStatus, DeprecatedV1Beta1Status
from capstan.api.cluster.machine import Machine, MachineInitialization, MachineStatus
from capstan.api.cluster.names import CERTIFICATES_EXPIRY_ANNOTATION
from capstan.api.core.reference import NameReference
from capstan.api.meta import Condition
from capstan.api.rules.conditions import find_condition, is_true, put_conditions
from capstan.api.rules.conditions_v1beta1 import put_legacies
from capstan.api.rules.contract import addresses, failure, placed_failure_domain, text
from capstan.api.rules.progress import paused_condition
from capstan.controllers.machine.plan.deletion import deletion_stage
from capstan.controllers.machine.plan.drain.stage import Stage
from capstan.controllers.machine.plan.progress import is_bootstrap_ready, is_infrastructure_usable
from capstan.controllers.machine.snapshot import MachineSnapshot
from capstan.controllers.machine.status.legacy import legacy_conditions
from capstan.controllers.machine.status.node import node_conditions
from capstan.controllers.machine.status.readiness import (
    available_condition,
    deleting_condition,
    provider_conditions,
    ready_condition,
    up_to_date_condition,
    updating_condition,
)
from capstan.runtime.generation import spoken_generation
from capstan.runtime.plan import Outcomes


def compute_status(snapshot: MachineSnapshot, outcomes: Outcomes) -> Machine:
    """The Machine with its status as it is now. While paused only `Paused` moves."""
    machine = snapshot.machine
    generation, now = spoken_generation(machine, outcomes), snapshot.now
    cluster_paused = snapshot.cluster is not None and snapshot.cluster.spec.paused is True
    paused = paused_condition("Machine", cluster_paused, machine.metadata.annotations)
    if paused.status == "True":
        conditions = put_conditions(machine.status.conditions, [paused], generation=generation, now=now)
        status = msgspec.structs.replace(machine.status, conditions=conditions)
        return msgspec.structs.replace(machine, status=status)
    status = _progressed(snapshot)
    stage = deletion_stage(snapshot) if snapshot.deleting else None
    conditions = _conditions(snapshot, status, stage, outcomes, paused)
    if stage is not None:
        status = msgspec.structs.replace(status, deletion=_deletion_times(snapshot, stage))
    phase = _phase(snapshot, status, is_true(conditions, "Updating"))
    if phase != machine.status.phase:
        status = msgspec.structs.replace(status, phase=phase, last_updated=now.replace(microsecond=0))
    status = msgspec.structs.replace(
        status,
        conditions=conditions,
        deprecated=_deprecated(snapshot, status, stage, conditions),
        observed_generation=generation if outcomes.error is None and generation else status.observed_generation,
    )
    return msgspec.structs.replace(machine, status=status)


def _conditions(
    snapshot: MachineSnapshot, status: MachineStatus, stage: Stage | None, outcomes: Outcomes, paused: Condition
) -> tuple[Condition, ...]:
    """Ready and Available are merged from the others, so they come last."""
    generation, now = spoken_generation(snapshot.machine, outcomes), snapshot.now
    updating = updating_condition(snapshot, outcomes)
    deleting = deleting_condition(snapshot, stage, outcomes)
    new = [
        paused,
        deleting,
        updating,
        *provider_conditions(snapshot, status),
        *node_conditions(snapshot),
    ]
    conditions = put_conditions(snapshot.machine.status.conditions, new, generation=generation, now=now)
    up_to_date = up_to_date_condition(snapshot, updating)
    if up_to_date is not None:
        conditions = put_conditions(conditions, [up_to_date], generation=generation, now=now)
    ready = ready_condition(snapshot, conditions, stage, deleting)
    conditions = put_conditions(conditions, [ready], generation=generation, now=now)
    return put_conditions(conditions, [available_condition(snapshot, conditions)], generation=generation, now=now)


def _progressed(snapshot: MachineSnapshot) -> MachineStatus:
    """What providers and the node report. Initialization flags never go back."""
    status, infrastructure = snapshot.machine.status, snapshot.infrastructure
    initialized = status.initialization
    if snapshot.bootstrap is not None and is_bootstrap_ready(snapshot):
        initialized = msgspec.structs.replace(initialized, bootstrap_data_secret_created=True)
    if is_infrastructure_usable(snapshot):
        initialized = msgspec.structs.replace(initialized, infrastructure_provisioned=True)
        reported, placed = addresses(infrastructure), placed_failure_domain(infrastructure)
        if reported is not None:
            found = tuple(MachineAddress(type=kind, address=address) for kind, address in reported)
            status = msgspec.structs.replace(status, addresses=found)
        if placed is not None:
            status = msgspec.structs.replace(status, failure_domain=placed)
    if initialized != MachineInitialization():
        status = msgspec.structs.replace(status, initialization=initialized)
    if snapshot.node is not None:
        status = msgspec.structs.replace(
            status,
            node_ref=status.node_ref or NameReference(name=snapshot.node.metadata.name),
            node_info=snapshot.node.status.node_info or status.node_info,
        )
    return msgspec.structs.replace(status, certificates_expiry_date=_certificates_expiry(snapshot))


def _certificates_expiry(snapshot: MachineSnapshot) -> datetime | None:
    """From the Machine's annotation, else the bootstrap config's; only control plane machines have one. What is no
    instant (RFC 3339) leaves what is known."""
    known = snapshot.machine.status.certificates_expiry_date
    if not snapshot.is_control_plane:
        return known
    own = snapshot.machine.metadata.annotations.get(CERTIFICATES_EXPIRY_ANNOTATION)
    bootstrap = snapshot.bootstrap.object if snapshot.bootstrap else None
    stated = text(bootstrap, "metadata", "annotations", CERTIFICATES_EXPIRY_ANNOTATION) if own is None else own
    if not stated and own is None:
        return None
    try:
        expiry = datetime.fromisoformat(stated)
    except ValueError:
        return known
    return expiry.astimezone(UTC) if expiry.tzinfo is not None else known


def _phase(snapshot: MachineSnapshot, status: MachineStatus, updating: bool) -> str:
    """Later rules override earlier ones (2.3)."""
    phase = "Pending"
    provisioned = status.initialization.infrastructure_provisioned is True
    if status.initialization.bootstrap_data_secret_created and not provisioned:
        phase = "Provisioning"
    if snapshot.machine.spec.provider_id or provisioned:
        phase = "Provisioned"
    if status.node_ref is not None and provisioned:
        phase = "Running"
    if updating:
        phase = "Updating"
    return "Deleting" if snapshot.deleting else phase


_STARTED = {
    "DrainingNode": "node_drain_start_time",
    "WaitingForVolumeDetach": "wait_for_node_volume_detach_start_time",
    "WaitingForPreDrainHook": "wait_for_pre_drain_hook_start_time",
    "WaitingForPreTerminateHook": "wait_for_pre_terminate_hook_start_time",
}


def _deletion_times(snapshot: MachineSnapshot, stage: Stage) -> MachineDeletionProgress:
    times = snapshot.machine.status.deletion
    started = _STARTED.get(stage.reason)
    if started is None or getattr(times, started) is not None:
        return times
    return msgspec.structs.replace(times, **{started: snapshot.now.replace(microsecond=0)})


def _deprecated(
    snapshot: MachineSnapshot, status: MachineStatus, stage: Stage | None, reported: tuple[Condition, ...]
) -> DeprecatedStatus:
    old = status.deprecated.v1beta1
    deleting = find_condition(reported, "Deleting")
    said = deleting.message if deleting is not None else ""
    conditions = put_legacies(old.conditions, legacy_conditions(snapshot, status, stage, said), now=snapshot.now)
    reason, message = failure(snapshot.infrastructure)
    if not reason and not message and snapshot.bootstrap is not None:
        reason, message = failure(snapshot.bootstrap)
    provisioned = snapshot.machine.status.initialization.infrastructure_provisioned is True
    if snapshot.infrastructure.missing and provisioned and not snapshot.deleting:
        reason = "InvalidConfiguration"
        place = f"{snapshot.machine.metadata.namespace}/{snapshot.infrastructure.name}"
        message = (
            f"Machine infrastructure resource {snapshot.infrastructure.kind} {place} has been deleted after "
            "provisioning was completed"
        )
    new = DeprecatedV1Beta1Status(conditions=conditions, failure_reason=reason, failure_message=message)
    return status.deprecated if new == old else DeprecatedStatus(v1beta1=new)
