"""Decides the next step of one Machine: make it known, follow its providers, mark its node, take it away."""

from __future__ import annotations

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import MACHINE_FINALIZER
from capstan.api.rules.owners import add_finalizer
from capstan.controllers.machine.plan.deletion import plan_deletion
from capstan.controllers.machine.plan.inplace import is_update_pending, plan_update
from capstan.controllers.machine.plan.node import plan_node
from capstan.controllers.machine.plan.ownership import plan_adoptions, with_ownership
from capstan.controllers.machine.plan.progress import explain_update, seconds_until_available, waiting_on, with_progress
from capstan.controllers.machine.snapshot import RESOURCE, MachineSnapshot
from capstan.runtime.plan import Action, Plan, Update, Waiting

__all__ = ["plan"]


def plan(snapshot: MachineSnapshot) -> Plan:
    """Each step is read from the top: what is missing first comes first."""
    if snapshot.cluster is None and not snapshot.deleting:
        name = snapshot.machine.spec.cluster_name
        missing = Waiting("Ready", "ClusterNotFound", f"Machine waits for Cluster {name}, which does not exist")
        return Plan(snapshot.subject, waiting_on=(missing,), requeue_after=30.0)
    if snapshot.paused:
        return Plan(snapshot.subject)
    if snapshot.deleting:
        return plan_deletion(snapshot)
    machine = snapshot.machine
    after = with_ownership(snapshot)
    if MACHINE_FINALIZER not in machine.metadata.finalizers:
        after = add_finalizer(after, MACHINE_FINALIZER)
        reason = "nothing may vanish before its host and its node are gone"
        return Plan(snapshot.subject, (Update(resource=RESOURCE, before=machine, after=after, reason=reason),))
    actions: list[Action] = [*plan_adoptions(snapshot), *plan_node(snapshot)]
    after = with_progress(snapshot, after)
    if after != machine:
        reason = explain_update(machine, after)
        actions.append(Update(resource=RESOURCE, before=machine, after=after, reason=reason))
        wait = seconds_until_available(snapshot)
        return Plan(snapshot.subject, tuple(actions), waiting_on(snapshot), wait, _is_final(machine))
    steps, waiting = plan_update(snapshot)
    return Plan(
        snapshot.subject,
        (*actions, *steps),
        (*waiting_on(snapshot), *waiting),
        seconds_until_available(snapshot),
        final=_is_final(machine),
    )


def _is_final(machine: Machine) -> bool:
    """Whether nothing follows from this by itself: no update in place, and no time that begins when it is Ready."""
    return not is_update_pending(machine) and not machine.spec.min_ready_seconds
