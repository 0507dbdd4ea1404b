"""Decides the next step of one MachineSet: adopt, propagate, create, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import MACHINE_SET_FINALIZER
from capstan.api.rules.names import counted
from capstan.api.rules.owners import add_finalizer, with_metadata
from capstan.api.rules.replicas import seconds_of_youth
from capstan.controllers.machineset.plan.deletion import plan_deletion
from capstan.controllers.machineset.plan.inplace import plan_updates
from capstan.controllers.machineset.plan.ownership import plan_adoptions, plan_template_owners, with_ownership
from capstan.controllers.machineset.plan.propagation import plan_propagation
from capstan.controllers.machineset.plan.remediation import plan_remediation
from capstan.controllers.machineset.plan.scale import plan_scale
from capstan.controllers.machineset.snapshot import RESOURCE, MachineSetSnapshot
from capstan.runtime.plan import Action, Apply, Plan, Update, Waiting

__all__ = ["plan"]


def plan(snapshot: MachineSetSnapshot) -> Plan:
    """The finalizer stands before the first Machine; a set that goes away only takes its Machines with it."""
    machine_set = snapshot.machine_set
    if snapshot.cluster is None and not snapshot.deleting:
        text = f"MachineSet waits for Cluster {machine_set.spec.cluster_name}, which does not exist"
        return Plan(snapshot.subject, waiting_on=(Waiting("ScalingUp", "ClusterNotFound", text),), requeue_after=30.0)
    if snapshot.paused:
        return Plan(snapshot.subject)
    if snapshot.deleting:
        return plan_deletion(snapshot)
    after = _with_counter(snapshot, with_ownership(snapshot))
    if MACHINE_SET_FINALIZER not in machine_set.metadata.finalizers:
        after = add_finalizer(after, MACHINE_SET_FINALIZER)
        reason = "its Machines go before it does"
        return Plan(snapshot.subject, (Update(resource=RESOURCE, before=machine_set, after=after, reason=reason),))
    remediation = plan_remediation(snapshot)
    updates, waiting = plan_updates(snapshot)
    scale = plan_scale(_without(snapshot, remediation.going), after)
    actions = _once(
        [
            *plan_template_owners(snapshot),
            *plan_adoptions(snapshot),
            *remediation.actions,
            *updates,
            *scale.actions,
            *plan_propagation(snapshot),
        ]
    )
    after = scale.machine_set
    if after != machine_set:
        reason = "it says to whom it belongs, and how many Machines it has named"
        actions.append(Update(resource=RESOURCE, before=machine_set, after=after, reason=reason))
    machines = [(m.metadata, m.status.conditions) for m in snapshot.machines]
    requeue = remediation.requeue_after or scale.requeue_after or seconds_of_youth(machines, snapshot.now)
    return Plan(snapshot.subject, tuple(actions), (*remediation.waiting_on, *waiting, *scale.waiting_on), requeue)


def _with_counter(snapshot: MachineSetSnapshot, machine_set: MachineSet) -> MachineSet:
    meta = machine_set.metadata
    annotations = counted(meta.annotations, meta.uid, (m.metadata.name for m in snapshot.machines))
    return machine_set if annotations is meta.annotations else with_metadata(machine_set, annotations=annotations)


def _without(snapshot: MachineSetSnapshot, going: frozenset[str]) -> MachineSetSnapshot:
    """The Machines that are deleted in this round already count as being deleted."""
    if not going:
        return snapshot
    machines = tuple(
        with_metadata(m, deletion_timestamp=snapshot.now) if m.metadata.name in going else m for m in snapshot.machines
    )
    return replace(snapshot, machines=machines)


def _once(actions: list[Action]) -> list[Action]:
    """At most one change of each object: a second one would be built on what the first has changed. It comes in the
    next round."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for action in actions:
        if isinstance(action, Update | Apply):
            key = action.resource.kind, _name(action.before if isinstance(action, Update) else action.object)
            if key in seen:
                continue
            seen.add(key)
        kept.append(action)
    return kept


def _name(before: Any) -> str:
    return str(before["metadata"]["name"] if isinstance(before, dict) else before.metadata.name)
