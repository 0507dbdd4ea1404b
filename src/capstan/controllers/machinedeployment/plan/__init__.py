"""Decides the next step of one MachineDeployment: its MachineSets, and how its Machines come to its template."""

from __future__ import annotations

from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.names import MACHINE_DEPLOYMENT_FINALIZER
from capstan.api.rules.names import counted
from capstan.api.rules.owners import add_finalizer, with_metadata
from capstan.api.rules.replicas import seconds_of_youth
from capstan.controllers.machinedeployment.plan.deletion import plan_deletion
from capstan.controllers.machinedeployment.plan.ownership import plan_adoptions, plan_template_owners, with_ownership
from capstan.controllers.machinedeployment.plan.sets import plan_sets
from capstan.controllers.machinedeployment.snapshot import RESOURCE, MachineDeploymentSnapshot
from capstan.runtime.plan import Plan, Update, Waiting

__all__ = ["plan"]


def plan(snapshot: MachineDeploymentSnapshot) -> Plan:
    """The finalizer stands before the first MachineSet; a deployment that goes away takes its sets with it."""
    deployment = snapshot.deployment
    if snapshot.cluster is None and not snapshot.deleting:
        text = f"MachineDeployment waits for Cluster {deployment.spec.cluster_name}, which does not exist"
        return Plan(snapshot.subject, waiting_on=(Waiting("Available", "ClusterNotFound", text),), requeue_after=30.0)
    if snapshot.paused:
        return Plan(snapshot.subject)
    if snapshot.deleting:
        return plan_deletion(snapshot)
    after = _with_counter(snapshot, with_ownership(snapshot))
    if MACHINE_DEPLOYMENT_FINALIZER not in deployment.metadata.finalizers:
        after = add_finalizer(after, MACHINE_DEPLOYMENT_FINALIZER)
        reason = "its MachineSets go before it does"
        return Plan(snapshot.subject, (Update(resource=RESOURCE, before=deployment, after=after, reason=reason),))
    sets = plan_sets(snapshot, after)
    actions = [*plan_template_owners(snapshot), *plan_adoptions(snapshot), *sets.actions]
    if sets.deployment != deployment:
        reason = "it says to whom it belongs, and which revision its MachineSet has"
        actions.append(Update(resource=RESOURCE, before=deployment, after=sets.deployment, reason=reason))
    machines = [(m.metadata, m.status.conditions) for m in snapshot.machines]
    requeue = sets.requeue_after or seconds_of_youth(machines, snapshot.now)
    return Plan(snapshot.subject, tuple(actions), sets.waiting_on, requeue)


def _with_counter(snapshot: MachineDeploymentSnapshot, deployment: MachineDeployment) -> MachineDeployment:
    meta = deployment.metadata
    annotations = counted(meta.annotations, meta.uid, (s.metadata.name for s in snapshot.machine_sets))
    return deployment if annotations is meta.annotations else with_metadata(deployment, annotations=annotations)
