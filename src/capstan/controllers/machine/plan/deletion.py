"""How a Machine goes away: hooks, drain, volumes, host, bootstrap config, node, finalizer, in this order (2.5).

The stage is read from what is still there, from the top; the plan and the `Deleting` condition share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import MACHINE_FINALIZER, PRE_DRAIN_HOOK_PREFIX, PRE_TERMINATE_HOOK_PREFIX
from capstan.api.rules.conditions import find_condition
from capstan.api.rules.contract import PROVIDER_MISSING, External, is_externally_managed
from capstan.api.rules.owners import drop_finalizer
from capstan.controllers.machine.plan.drain.due import is_drain_due
from capstan.controllers.machine.plan.drain.stage import Stage
from capstan.controllers.machine.plan.drain.stages import (
    DETACHING,
    DRAINING,
    drain_stage,
    finished_steps,
    is_detached,
    is_drained,
    node_name,
    volume_stage,
)
from capstan.controllers.machine.plan.node import plan_node
from capstan.controllers.machine.plan.progress import explain_update, with_progress
from capstan.controllers.machine.snapshot import RESOURCE, MachineSnapshot
from capstan.runtime.nodeactions import DeleteNode, PatchNode
from capstan.runtime.plan import Action, Delete, Emit, ObjectRef, Plan, Update, Waiting

PRE_DRAIN = "WaitingForPreDrainHook"
_LOOK_AGAIN_SECONDS = 30.0


def plan_deletion(snapshot: MachineSnapshot) -> Plan:
    """The actions of the stage. Without our finalizer there is nothing of ours to do."""
    if MACHINE_FINALIZER not in snapshot.machine.metadata.finalizers:
        return Plan(snapshot.subject)
    stage = deletion_stage(snapshot)
    if stage.reason == "DeletionCompleted":
        return Plan(snapshot.subject, stage.actions)
    waiting = (Waiting("Deleting", stage.reason, stage.message),)
    actions = (*_keep_identity(snapshot), *stage.actions, *_sync_node(snapshot, stage))
    return Plan(snapshot.subject, actions, waiting, stage.requeue_after)


def _sync_node(snapshot: MachineSnapshot, stage: Stage) -> tuple[Action, ...]:
    """The Node follows its Machine until it goes. Last, so that a Node which cannot be changed holds up nothing; one
    change of it at a time."""
    if any(isinstance(action, PatchNode | DeleteNode) for action in stage.actions):
        return ()
    return tuple(plan_node(snapshot))


def _keep_identity(snapshot: MachineSnapshot) -> tuple[Update, ...]:
    """The provider ID is written down before the object that knows it goes: the node is found by it afterwards."""
    machine = snapshot.machine
    after = with_progress(snapshot, machine)
    if after == machine:
        return ()
    return (Update(resource=RESOURCE, before=machine, after=after, reason=explain_update(machine, after)),)


def deletion_stage(snapshot: MachineSnapshot) -> Stage:
    """The first thing that is still in the way."""
    if unclear := _unclear(snapshot):
        return unclear
    node_matters = is_node_deletion_allowed(snapshot)
    if not node_matters:
        return _first(snapshot, node_matters=False)
    stage = _first(snapshot, node_matters=True)
    if stage.reason in (PRE_DRAIN, DRAINING):
        return stage
    # What this look at the node found to be over is said and done before the stage's own steps.
    return replace(
        stage,
        actions=(*finished_steps(snapshot), *stage.actions),
        drained=is_drained(snapshot),
        detached=is_detached(snapshot) and stage.reason != DETACHING,
    )


def looks_at_pods(snapshot: MachineSnapshot) -> bool:
    """Whether the pods of the node have to be read for the next step."""
    if snapshot.node is None or snapshot.next_look > 0:
        return False
    return deletion_stage(snapshot).reason in (DRAINING, DETACHING) and (
        snapshot.machine.status.deletion.node_drain_start_time is not None or not is_drain_due(snapshot)
    )


def looks_at_volumes(snapshot: MachineSnapshot) -> bool:
    """Whether the volumes of the node have to be read as well, now that its pods are known."""
    return snapshot.pods is not None and deletion_stage(snapshot).reason == DETACHING


def _first(snapshot: MachineSnapshot, *, node_matters: bool) -> Stage:
    annotations = snapshot.machine.metadata.annotations
    if node_matters and (hooks := _hooks(annotations, PRE_DRAIN_HOOK_PREFIX)):
        return Stage(PRE_DRAIN, f"Waiting for pre-drain hooks to succeed (hooks: {hooks})")
    if node_matters and (waiting := drain_stage(snapshot) or volume_stage(snapshot)):
        return waiting
    if hooks := _hooks(annotations, PRE_TERMINATE_HOOK_PREFIX):
        return Stage("WaitingForPreTerminateHook", f"Waiting for pre-terminate hooks to succeed (hooks: {hooks})")
    return (
        _removal(snapshot, snapshot.infrastructure, "WaitingForInfrastructureDeletion")
        or (snapshot.bootstrap and _removal(snapshot, snapshot.bootstrap, "WaitingForBootstrapDeletion"))
        or (_node_removal(snapshot) if node_matters else None)
        or _completed(snapshot)
    )


def is_node_deletion_allowed(snapshot: MachineSnapshot) -> bool:
    """Whether the node is worth removing: not when its cluster or its control plane goes away anyway."""
    if snapshot.cluster_deleting or (snapshot.machine.status.node_ref is None and snapshot.node is None):
        return False
    control_plane = snapshot.control_plane
    if control_plane is not None and control_plane.deleting:
        return False
    if control_plane is not None and is_externally_managed(control_plane):
        return True
    return snapshot.active_control_plane_machines > 0


def _unclear(snapshot: MachineSnapshot) -> Stage | None:
    """Whether the node is worth removing cannot be told while the control plane cannot be looked at."""
    found = snapshot.control_plane
    if snapshot.cluster_deleting or found is None or not found.problem or found.problem_reason == PROVIDER_MISSING:
        return None
    name = node_name(snapshot)
    text = f"Waiting to know whether Node {name} may be deleted: {found.problem}"
    return Stage("InternalError", text, (), _LOOK_AGAIN_SECONDS) if name else None


def _hooks(annotations: Mapping[str, str], prefix: str) -> str:
    return ",".join(sorted(name for name in annotations if name.startswith(prefix)))


def _removal(snapshot: MachineSnapshot, found: External, reason: str) -> Stage | None:
    """Delete once, then wait until it is gone. A kind that nobody serves has no objects, and another Machine's object
    stays; what merely cannot be looked at is not taken for gone."""
    if found.is_nobody:
        return None
    if found.problem:
        return Stage(reason, f"Waiting for {found.kind} {found.name} to be deleted: {found.problem}")
    if found.object is None or found.resource is None:
        return None
    message = f"Waiting for {found.kind} to be deleted"
    if found.deleting:
        return Stage(reason, message)
    target = ObjectRef(found.resource, found.key, found.uid)
    why = f"Machine {snapshot.machine.metadata.name} is being deleted"
    return Stage(reason, message, (Delete(target=target, reason=why),))


def _node_removal(snapshot: MachineSnapshot) -> Stage | None:
    """Remove the Node; when that does not succeed, only until the Machine's timeout, but try once, at a cluster that
    answers or has been silent for long."""
    node, name = snapshot.node, node_name(snapshot)
    can_delete = node is not None and bool(snapshot.kubeconfig)
    message = f"Deleting Node {name}" if can_delete else f"Waiting to delete Node {name}: {snapshot.nodes_problem}"
    failure = _last_failure(snapshot, message) if can_delete else snapshot.nodes_problem
    left = _seconds_left_for_node(snapshot)
    if not can_delete and failure and snapshot.is_connecting:
        # The silence is new, as when the cluster's address moves: it is neither told nor a reason to leave the Node.
        return Stage("DeletingNode", message, (), _LOOK_AGAIN_SECONDS)
    if (node is None and not failure) or (failure and left is not None and left <= 0):
        return None
    text = f"error deleting Machine's Node: {failure}"
    actions: list[Action] = [Emit(name="FailedDeleteNode", type="Warning", reason=text)] if failure else []
    if node is not None and can_delete:
        actions.append(
            DeleteNode(
                cluster=snapshot.cluster_key,
                name=name,
                uid=node.metadata.uid,
                kubeconfig=snapshot.kubeconfig,
                reason=f"the host of Node {name} is gone",
            )
        )
        # Once it is gone nothing is left to look at.
        actions.append(_release(snapshot.machine))
    return Stage("DeletingNode", message, tuple(actions), left)


def _last_failure(snapshot: MachineSnapshot, message: str) -> str:
    """Why the Node could not be deleted the last time, by what the condition says besides `message`."""
    said = find_condition(snapshot.machine.status.conditions, "Deleting")
    if said is None or said.reason != "DeletingNode" or not said.message.startswith(f"{message}: "):
        return ""
    return said.message.removeprefix(f"{message}: ")


def _seconds_left_for_node(snapshot: MachineSnapshot) -> float | None:
    """None means forever: a timeout of zero, or none at all."""
    timeout = snapshot.machine.spec.deletion.node_deletion_timeout_seconds
    since = snapshot.machine.metadata.deletion_timestamp
    if not timeout or since is None:
        return None
    return (since + timedelta(seconds=timeout) - snapshot.now).total_seconds()


def _completed(snapshot: MachineSnapshot) -> Stage:
    return Stage("DeletionCompleted", "Deletion completed", (_release(snapshot.machine),))


def _release(machine: Machine) -> Update:
    reason = "host, bootstrap config and node are gone"
    return Update(resource=RESOURCE, before=machine, after=drop_finalizer(machine, MACHINE_FINALIZER), reason=reason)
