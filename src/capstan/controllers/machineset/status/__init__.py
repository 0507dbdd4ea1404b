"""Computes the status of one MachineSet from its Machines and from what became of the plan (3.7)."""

from __future__ import annotations

import msgspec

from capstan.api.cluster.legacy import MachineSetDeprecatedStatus, MachineSetV1Beta1Status
from capstan.api.cluster.machineset import MachineSet, MachineSetStatus
from capstan.api.cluster.updating import is_updating
from capstan.api.cluster.versions import versions_of
from capstan.api.rules.conditions import put_conditions
from capstan.api.rules.conditions_v1beta1 import put_legacies
from capstan.api.rules.progress import paused_condition
from capstan.api.rules.replicas import count_true, selector_text
from capstan.controllers.machineset.snapshot import MachineSetSnapshot
from capstan.controllers.machineset.status.conditions import set_conditions
from capstan.controllers.machineset.status.legacy import legacy_conditions, ready_nodes
from capstan.runtime.plan import Outcomes


def compute_status(snapshot: MachineSetSnapshot, outcomes: Outcomes) -> MachineSet:
    """The set with its status as it is now. While paused only `Paused` moves."""
    machine_set = snapshot.machine_set
    generation, now = machine_set.metadata.generation, snapshot.now
    cluster_paused = snapshot.cluster is not None and snapshot.cluster.spec.paused is True
    paused = paused_condition("MachineSet", cluster_paused, machine_set.metadata.annotations)
    old = machine_set.status
    if paused.status == "True":
        conditions = put_conditions(old.conditions, [paused], generation=generation, now=now)
        return msgspec.structs.replace(machine_set, status=msgspec.structs.replace(old, conditions=conditions))
    machines = snapshot.machines
    # A Machine that is being updated in place counts for nothing but its number.
    reported = [machine.status.conditions for machine in machines if not is_updating(machine)]
    status = msgspec.structs.replace(
        old,
        selector=selector_text(machine_set.spec.selector),
        replicas=len(machines),
        ready_replicas=count_true(reported, "Ready"),
        available_replicas=count_true(reported, "Available"),
        up_to_date_replicas=count_true(reported, "UpToDate"),
        versions=versions_of(machines),
        observed_generation=generation if outcomes.error is None and generation else old.observed_generation,
        conditions=put_conditions(
            old.conditions, [paused, *set_conditions(snapshot, outcomes)], generation=generation, now=now
        ),
    )
    return msgspec.structs.replace(
        machine_set, status=msgspec.structs.replace(status, deprecated=_deprecated(snapshot, status, outcomes))
    )


def _deprecated(
    snapshot: MachineSetSnapshot, status: MachineSetStatus, outcomes: Outcomes
) -> MachineSetDeprecatedStatus:
    """The older counters follow the nodes; how long they have been ready only their Machines know."""
    old = status.deprecated.v1beta1
    template = snapshot.machine_set.spec.template.metadata.labels.items()
    reported, ready = [machine.status.conditions for machine in snapshot.machines], ready_nodes(snapshot)
    has_to_wait = bool(snapshot.machine_set.spec.template.spec.min_ready_seconds)
    new = MachineSetV1Beta1Status(
        conditions=put_legacies(old.conditions, legacy_conditions(snapshot, outcomes), now=snapshot.now),
        fully_labeled_replicas=sum(template <= m.metadata.labels.items() for m in snapshot.machines),
        ready_replicas=ready,
        available_replicas=count_true(reported, "Available") if has_to_wait else ready,
    )
    return status.deprecated if new == old else MachineSetDeprecatedStatus(v1beta1=new)
