"""Decides the next step of one TalosControlPlane: one machine, one etcd member at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capstan.api.controlplane.names import FINALIZER
from capstan.api.rules.owners import add_finalizer
from capstan.providers.talos.taloscontrolplane.names import RESIZED
from capstan.providers.talos.taloscontrolplane.plan.actions import (
    BootstrapEtcd,
    LeaveEtcd,
    RemoveEtcdMember,
    WriteKubeconfig,
)
from capstan.providers.talos.taloscontrolplane.plan.adoption import is_adopting, plan_adoption
from capstan.providers.talos.taloscontrolplane.plan.bootstrap import plan_bootstrap
from capstan.providers.talos.taloscontrolplane.plan.creation import plan_count
from capstan.providers.talos.taloscontrolplane.plan.deletion import plan_deletion
from capstan.providers.talos.taloscontrolplane.plan.drift import find_outdated
from capstan.providers.talos.taloscontrolplane.plan.remediation import plan_remediation
from capstan.providers.talos.taloscontrolplane.plan.removal import plan_going
from capstan.providers.talos.taloscontrolplane.plan.scale import plan_scale
from capstan.providers.talos.taloscontrolplane.plan.step import Step, poll_seconds
from capstan.providers.talos.taloscontrolplane.plan.upkeep import plan_marks, plan_upkeep
from capstan.providers.talos.taloscontrolplane.snapshot import RESOURCE, ControlPlaneSnapshot
from capstan.runtime.plan import Action, Plan, Update, Waiting

__all__ = ["BootstrapEtcd", "LeaveEtcd", "RemoveEtcdMember", "WriteKubeconfig", "find_outdated", "plan", "plan_step"]

#: Talos cannot be watched from here for what the conditions say of it; a healthy control plane is asked this often.
HEALTH_SECONDS = 60.0


def plan(snapshot: ControlPlaneSnapshot) -> Plan:
    """The finalizer stands before the first Machine. What cannot be watched is asked for again."""
    control_plane = snapshot.control_plane
    if snapshot.paused:
        return Plan(snapshot.subject)
    if snapshot.deleting:
        return plan_deletion(snapshot)
    problem = find_missing(snapshot)
    if problem:
        return Plan(snapshot.subject, waiting_on=(Waiting(RESIZED, "ScalingUp", problem),))
    if FINALIZER not in control_plane.metadata.finalizers:
        after = add_finalizer(control_plane, FINALIZER)
        update = Update(resource=RESOURCE, before=control_plane, after=after, reason="its Machines go before it does")
        return Plan(snapshot.subject, (update,))
    if is_adopting(snapshot):
        return Plan(snapshot.subject, plan_adoption(snapshot))
    step = plan_step(snapshot)
    actions = (*plan_upkeep(snapshot), *step.actions, *_other_marks(snapshot, step))
    if not any(isinstance(action, Update) and action.resource == RESOURCE for action in actions):
        actions = (*actions, *plan_count(snapshot))
    after_seconds = poll_seconds(snapshot) if step.polls else HEALTH_SECONDS if snapshot.machines else None
    return Plan(snapshot.subject, actions, step.waiting_on, after_seconds)


def find_missing(snapshot: ControlPlaneSnapshot) -> str:
    """What has to be there before the first Machine; empty when it all is."""
    if snapshot.cluster is None:
        return "Waiting for a Cluster that refers to this TalosControlPlane in spec.controlPlaneRef and is not paused"
    name = snapshot.cluster.metadata.name
    if snapshot.cluster.status.initialization.infrastructure_provisioned is not True:
        return f"Waiting for the infrastructure of Cluster {name} to be provisioned"
    if not snapshot.endpoint:
        return f"Waiting for the control plane endpoint of Cluster {name} (host and port)"
    return ""


def plan_step(snapshot: ControlPlaneSnapshot) -> Step:
    """At most one step that cannot be taken back: who goes, goes first; then those that are ill, etcd, and more,
    fewer or newer Machines."""
    if snapshot.going:
        return plan_going(snapshot)
    remedy = plan_remediation(snapshot)
    if remedy.step is not None:
        return remedy.step
    bootstraps = snapshot.active and not snapshot.is_bootstrapped
    step = plan_bootstrap(snapshot) if bootstraps else plan_scale(snapshot)
    return replace(step, actions=(*remedy.marks, *step.actions)) if remedy.marks else step


def _other_marks(snapshot: ControlPlaneSnapshot, step: Step) -> Iterator[Action]:
    """Of Machines that the step does not write already: what is made from the same state would be refused."""
    written = {a.after.metadata.uid for a in step.actions if isinstance(a, Update)}
    yield from (mark for mark in plan_marks(snapshot) if mark.after.metadata.uid not in written)
