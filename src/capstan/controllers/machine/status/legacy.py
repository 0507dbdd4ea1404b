"""The v1beta1 conditions of a Machine (2.8, last paragraph)."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.cluster.machine import MachineStatus
from capstan.api.core.node import Node
from capstan.api.meta import LegacyCondition
from capstan.api.rules.conditions_v1beta1 import (
    ERROR,
    INFO,
    WARNING,
    legacy_false,
    legacy_true,
    legacy_unknown,
    put_legacies,
    summarize_legacy,
)
from capstan.api.rules.contract import is_data_secret_created, is_provisioned
from capstan.api.rules.progress import external_legacy
from capstan.controllers.machine.plan.deletion import is_node_deletion_allowed
from capstan.controllers.machine.plan.drain.stage import Stage
from capstan.controllers.machine.snapshot import MachineSnapshot
from capstan.controllers.machine.status.node import NODE_HEALTH

_BEGINS = "Draining the node before deletion"
_SUMMARIZED = (
    "InfrastructureReady",
    "BootstrapReady",
    "HealthCheckSucceeded",
    "OwnerRemediated",
    "DrainingSucceeded",
)


def legacy_conditions(
    snapshot: MachineSnapshot, status: MachineStatus, stage: Stage | None, said: str
) -> list[LegacyCondition | None]:
    """All that are known now; `said` is the message of `Deleting`. Ready is their summary, with a step counter while
    the host is being made."""
    infrastructure = external_legacy(
        "InfrastructureReady",
        snapshot.infrastructure,
        done=is_provisioned(snapshot.infrastructure),
        waiting="WaitingForInfrastructure",
        deleting=snapshot.deleting,
    )
    new: list[LegacyCondition | None] = [infrastructure, _bootstrap(snapshot), _node(snapshot, status)]
    if stage is not None:
        new.extend((*_hooks(snapshot, stage), *_node_steps(status, stage, said)))
        if stage.reason == "DeletingNode" and (snapshot.nodes_problem or said != stage.message):
            new.append(legacy_false("NodeHealthy", "DeletionFailed", WARNING, said))
    so_far = put_legacies(status.deprecated.v1beta1.conditions, new, now=snapshot.now)
    counted = not snapshot.machine.spec.provider_id and not snapshot.deleting
    extra = any(c.type in _SUMMARIZED[2:] for c in so_far)
    return [*new, summarize_legacy(so_far, _SUMMARIZED, steps=2 if counted and not extra else 0)]


def _bootstrap(snapshot: MachineSnapshot) -> LegacyCondition:
    if snapshot.bootstrap is None:
        if snapshot.machine.spec.bootstrap.data_secret_name is not None:
            return legacy_true("BootstrapReady")
        return legacy_false("BootstrapReady", "WaitingForDataSecret")
    if snapshot.bootstrap.object is not None and snapshot.machine.spec.bootstrap.data_secret_name is not None:
        return legacy_true("BootstrapReady")
    return external_legacy(
        "BootstrapReady",
        snapshot.bootstrap,
        done=is_data_secret_created(snapshot.bootstrap),
        waiting="WaitingForDataSecret",
        deleting=snapshot.deleting,
    )


def _node(snapshot: MachineSnapshot, status: MachineStatus) -> LegacyCondition | None:
    """None, which keeps what was seen, while the nodes of the cluster cannot be asked for."""
    if not snapshot.provider_id and snapshot.node is None:
        return legacy_false("NodeHealthy", "WaitingForNodeRef")
    if snapshot.node_conflict:
        return legacy_unknown("NodeHealthy", "NodeInspectionFailed", snapshot.node_conflict)
    if snapshot.node is not None:
        return _seen(snapshot, snapshot.node)
    if snapshot.nodes_problem or snapshot.deleting:
        return None
    if status.node_ref is not None:
        text = f"Node {status.node_ref.name} does not exist"
        return legacy_false("NodeHealthy", "NodeNotFound", ERROR, text)
    text = "Waiting for a node with matching ProviderID to exist"
    return legacy_false("NodeHealthy", "NodeProvisioning", WARNING, text)


def _seen(snapshot: MachineSnapshot, node: Node) -> LegacyCondition:
    """What the Node says of itself, while its host is there to stay; one thing that is known to be good is enough."""
    if snapshot.infrastructure.missing or snapshot.infrastructure.deleting:
        return legacy_false("NodeHealthy", "Deleting")
    bad = [c for c in node.status.conditions if c.type in NODE_HEALTH and c.status != NODE_HEALTH[c.type]]
    text = ". ".join(f"Node condition {c.type} is {c.status}" for c in bad)
    if any(c.status != "Unknown" for c in bad):
        return legacy_false("NodeHealthy", "NodeConditionsFailed", WARNING, text)
    if len(bad) < len(NODE_HEALTH):
        return legacy_true("NodeHealthy")
    return legacy_unknown("NodeHealthy", "NodeConditionsFailed", text)


def _hooks(snapshot: MachineSnapshot, stage: Stage) -> list[LegacyCondition]:
    """A hook that is waited for; once past it, it has succeeded. Before the drain there is one only where there is a
    drain."""
    if stage.reason == "WaitingForPreDrainHook":
        return [legacy_false("PreDrainDeleteHookSucceeded", "WaitingExternalHook", INFO)]
    passed = [legacy_true("PreDrainDeleteHookSucceeded")] if is_node_deletion_allowed(snapshot) else []
    if stage.reason == "WaitingForPreTerminateHook":
        return [*passed, legacy_false("PreTerminateDeleteHookSucceeded", "WaitingExternalHook", INFO)]
    return [*passed, legacy_true("PreTerminateDeleteHookSucceeded")]


def _node_steps(status: MachineStatus, stage: Stage, said: str) -> Iterator[LegacyCondition]:
    """The drain and the wait for volumes. One that was cut short stays as it was."""
    if stage.reason == "DrainingNode":
        if stage.failed:
            yield legacy_false("DrainingSucceeded", "DrainingFailed", WARNING, said)
        else:
            begins = stage.round is None and status.deletion.node_drain_start_time is None
            yield legacy_false("DrainingSucceeded", "Draining", INFO, _BEGINS if begins else said)
    elif stage.drained:
        yield legacy_true("DrainingSucceeded")
    if stage.reason == "WaitingForVolumeDetach":
        text = "Waiting for node volumes to be detached"
        yield legacy_false("VolumeDetachSucceeded", "WaitingForVolumeDetach", INFO, text)
    elif stage.detached:
        yield legacy_true("VolumeDetachSucceeded")
