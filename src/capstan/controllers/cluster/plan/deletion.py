"""How a Cluster goes away: workers, control plane, infrastructure, finalizer, in this order (1.3).

The stage is read from what is still there, from the top; the plan and the `Deleting` condition share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capstan.api.cluster.kinds import MACHINE, MACHINE_DEPLOYMENT, MACHINE_POOL, MACHINE_SET
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machinepool import MachinePool
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import CLUSTER_FINALIZER
from capstan.api.meta import TypedObject
from capstan.api.objects import Key, Resource
from capstan.api.rules.bullets import NAMES_OF_A_LINE, names
from capstan.api.rules.contract import External
from capstan.api.rules.owners import drop_finalizer
from capstan.controllers.cluster.plan.blockers import holding_children, holding_provider, until_slow
from capstan.controllers.cluster.plan.milestones import plan_milestones
from capstan.controllers.cluster.snapshot import RESOURCE, ClusterSnapshot
from capstan.runtime.plan import Action, Delete, Emit, ObjectRef, Plan, Update, Waiting


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a deletion stands: the reason and message of `Deleting`, and what to do now."""

    reason: str
    message: str
    actions: tuple[Action, ...] = ()


def plan_deletion(snapshot: ClusterSnapshot) -> Plan:
    """The actions of the stage. Without our finalizer there is nothing of ours to do."""
    if CLUSTER_FINALIZER not in snapshot.cluster.metadata.finalizers:
        return Plan(snapshot.subject)
    stage = deletion_stage(snapshot)
    waiting = () if stage.reason == "DeletionCompleted" else (Waiting("Deleting", stage.reason, stage.message),)
    actions = (*plan_milestones(snapshot), *stage.actions)
    return Plan(snapshot.subject, actions, waiting, until_slow(snapshot))


def deletion_stage(snapshot: ClusterSnapshot) -> Stage:
    """The first thing that is still in the way."""
    return (
        _children(snapshot)
        or _provider(snapshot, snapshot.control_plane, "WaitingForControlPlaneDeletion")
        or _provider(snapshot, snapshot.infrastructure, "WaitingForInfrastructureDeletion")
        or _completed(snapshot)
    )


def _children(snapshot: ClusterSnapshot) -> Stage | None:
    """Everything that makes machines, and the machines. What the Cluster does not own is only waited for."""
    control_plane = () if snapshot.cluster.spec.control_plane_ref else snapshot.control_plane_machines
    groups: list[tuple[str, Sequence[TypedObject]]] = [
        ("Control plane Machines", control_plane),
        ("MachineDeployments", snapshot.deployments),
        ("MachineSets", snapshot.machine_sets),
        ("MachinePools", snapshot.pools),
        ("Worker Machines", snapshot.worker_machines),
    ]
    lines = [
        f"* {what}: {names([o.metadata.name for o in objects], NAMES_OF_A_LINE)}" for what, objects in groups if objects
    ]
    if not lines:
        return None
    reason = f"Cluster {snapshot.cluster.metadata.name} is being deleted"
    actions = tuple(
        Delete(target=_target(child), reason=reason)
        for child in snapshot.owned_children
        if child.metadata.deletion_timestamp is None
    )
    return Stage("WaitingForWorkersDeletion", "\n".join([*lines, *holding_children(snapshot)]), actions)


def _target(child: MachinePool | MachineDeployment | MachineSet | Machine) -> ObjectRef:
    resource: Resource
    if isinstance(child, MachineDeployment):
        resource = MACHINE_DEPLOYMENT.resource()
    elif isinstance(child, MachineSet):
        resource = MACHINE_SET.resource()
    elif isinstance(child, MachinePool):
        resource = MACHINE_POOL.resource()
    else:
        resource = MACHINE.resource()
    meta = child.metadata
    return ObjectRef(resource, Key(meta.namespace, meta.name), meta.uid)


def _provider(snapshot: ClusterSnapshot, found: External | None, reason: str) -> Stage | None:
    """Delete once, then wait until it is gone. A kind that nobody serves has no objects to wait for, and another
    Cluster's object stays."""
    if found is None or found.is_nobody:
        return None
    if found.problem:
        return Stage("InternalError", f"Waiting for {found.kind} to be deleted: {found.problem}")
    if found.object is None or found.resource is None:
        return None
    message = f"Waiting for {found.kind} to be deleted"
    if found.deleting:
        held = holding_provider(found)
        return Stage(reason, f"{message}: {held}" if held else message)
    why = f"Cluster {snapshot.cluster.metadata.name} is being deleted"
    return Stage(reason, message, (Delete(target=ObjectRef(found.resource, found.key, found.uid), reason=why),))


def _completed(snapshot: ClusterSnapshot) -> Stage:
    cluster = snapshot.cluster
    after = drop_finalizer(cluster, CLUSTER_FINALIZER)
    reason = "workers, control plane and infrastructure are gone"
    actions = (
        Emit(name="Deleted", reason=f"Cluster {cluster.metadata.name} has been deleted"),
        Update(resource=RESOURCE, before=cluster, after=after, reason=reason),
    )
    return Stage("DeletionCompleted", "Deletion completed", actions)
