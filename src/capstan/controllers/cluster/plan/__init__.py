"""Decides the next step of one Cluster: own its providers' objects, take over what they report, go in order."""

from __future__ import annotations

from capstan.api.cluster.names import CLUSTER_FINALIZER
from capstan.api.rules.owners import add_finalizer
from capstan.api.rules.replicas import seconds_of_youth
from capstan.controllers.cluster.plan.deletion import plan_deletion
from capstan.controllers.cluster.plan.kubeconfig import plan_kubeconfig, waiting_for_kubeconfig
from capstan.controllers.cluster.plan.milestones import plan_milestones
from capstan.controllers.cluster.plan.missing import plan_missing
from capstan.controllers.cluster.plan.progress import (
    plan_ownership,
    waiting_on,
    with_endpoint,
)
from capstan.controllers.cluster.snapshot import RESOURCE, ClusterSnapshot
from capstan.runtime.plan import Action, Plan, Update

__all__ = ["plan"]


def plan(snapshot: ClusterSnapshot) -> Plan:
    """The finalizer stands before anything that must not outlive the Cluster."""
    cluster = snapshot.cluster
    if snapshot.deleting and not snapshot.paused:
        return plan_deletion(snapshot)
    if snapshot.paused:
        return Plan(snapshot.subject)
    if CLUSTER_FINALIZER not in cluster.metadata.finalizers:
        after = add_finalizer(cluster, CLUSTER_FINALIZER)
        reason = "machines and infrastructure go before the Cluster does"
        update = Update(resource=RESOURCE, before=cluster, after=after, reason=reason)
        return Plan(snapshot.subject, (*plan_milestones(snapshot), update))
    actions: list[Action] = [*plan_milestones(snapshot), *plan_ownership(snapshot), *plan_kubeconfig(snapshot)]
    after = with_endpoint(snapshot)
    if after != cluster:
        endpoint = after.spec.control_plane_endpoint
        reason = f"the API of the cluster is at {endpoint.host}:{endpoint.port}"
        actions.append(Update(resource=RESOURCE, before=cluster, after=after, reason=reason))
    told, until_told = plan_missing(snapshot)
    machines = [(m.metadata, m.status.conditions) for m in snapshot.machines]
    pauses = [seconds for seconds in (seconds_of_youth(machines, snapshot.now), until_told) if seconds is not None]
    waiting = (*waiting_on(snapshot), *waiting_for_kubeconfig(snapshot))
    return Plan(snapshot.subject, (*told, *actions), waiting, min(pauses, default=None))
