"""The conditions NodeReady and NodeHealthy: the Node's own when it is known, else why it is not (2.8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from capstan.api.cluster.machine import Machine
from capstan.api.core.conditions import CoreCondition
from capstan.api.core.node import Node
from capstan.api.meta import Condition
from capstan.api.rules.conditions import FALSE, TRUE, UNKNOWN, find_condition
from capstan.controllers.machine.snapshot import MachineSnapshot

NODE_READY = "NodeReady"
NODE_HEALTHY = "NodeHealthy"
CONNECTION_DOWN = "ConnectionDown"
_NOT_ESTABLISHED = "Remote connection not established yet"

#: The Node's conditions that count, and their good value.
NODE_HEALTH: Final = {"Ready": TRUE, "MemoryPressure": FALSE, "DiskPressure": FALSE, "PIDPressure": FALSE}


def node_conditions(snapshot: MachineSnapshot) -> tuple[Condition, ...]:
    """Both conditions; none when what is known stays as it is."""
    too_early = _too_early(snapshot)
    if snapshot.node is not None and not too_early:
        return node_ready(snapshot.node), node_healthy(snapshot.node)
    status, reason, message = (UNKNOWN, "InspectionFailed", too_early) if too_early else _why_unknown(snapshot)
    if not reason:
        return ()
    return tuple(Condition(type=t, status=status, reason=reason, message=message) for t in (NODE_READY, NODE_HEALTHY))


def node_ready(node: Node) -> Condition:
    """The Node's Ready, with its own transition time."""
    found = _find(node, "Ready")
    if found is None:
        message = "* Node.Ready: Condition not yet reported"
        return Condition(type=NODE_READY, status=UNKNOWN, reason="NodeReadyUnknown", message=message)
    reasons = {TRUE: "NodeReady", FALSE: "NodeNotReady"}
    message = f"* Node.Ready: {found.message}" if found.message and found.status != TRUE else ""
    return Condition(
        type=NODE_READY,
        status=found.status,
        reason=reasons.get(found.status, "NodeReadyUnknown"),
        message=message,
        last_transition_time=found.last_transition_time,
    )


def node_healthy(node: Node) -> Condition:
    """Ready and no pressure; one line for each that is not good, or one for all when they say the same."""
    statuses: list[str] = []
    said: dict[str, str] = {}
    for name, good in NODE_HEALTH.items():
        found = _find(node, name)
        status = found.status if found is not None else UNKNOWN
        if status != good:
            statuses.append(status)
            said[name] = _said(found) if found is not None else "Condition not yet reported"
    lines = [f"* Node.{name}: {text}" for name, text in said.items()]
    if len(said) == len(NODE_HEALTH) and len(set(said.values())) == 1:
        lines = [f"* Node.AllConditions: {said['Ready']}"]
    if any(status != UNKNOWN for status in statuses):
        return _healthy(FALSE, "NodeNotHealthy", lines)
    if statuses:
        return _healthy(UNKNOWN, "NodeHealthyUnknown", lines)
    return _healthy(TRUE, "NodeHealthy", [])


def _said(condition: CoreCondition) -> str:
    return condition.message or f"Condition is {condition.status}"


def _healthy(status: str, reason: str, lines: list[str]) -> Condition:
    return Condition(type=NODE_HEALTHY, status=status, reason=reason, message="\n".join(lines))


def _find(node: Node, type: str) -> CoreCondition | None:
    return next((c for c in node.status.conditions if c.type == type), None)


def _too_early(snapshot: MachineSnapshot) -> str:
    """What has to come before any node can be looked at; empty when it has. Nothing more will come of a Cluster that
    is gone."""
    if snapshot.cluster is None:
        return ""
    initialized = snapshot.cluster.status.initialization
    if not initialized.infrastructure_provisioned:
        return "Waiting for Cluster status.initialization.infrastructureProvisioned to be true"
    return "" if initialized.control_plane_initialized else "Waiting for Cluster control plane to be initialized"


def _why_unknown(snapshot: MachineSnapshot) -> tuple[str, str, str]:
    """Status, reason and message while there is no Node to look at; an empty reason keeps what is there."""
    if snapshot.node_conflict:
        return UNKNOWN, "InternalError", snapshot.node_conflict
    if snapshot.nodes_problem:
        return _unreachable(snapshot)
    return _absent(snapshot.machine, snapshot)


def _unreachable(snapshot: MachineSnapshot) -> tuple[str, str, str]:
    """What was last seen of a Node stays, for as long as it can be taken for true; or until its cluster is gone, whose
    nodes nobody looks at any more."""
    old = find_condition(snapshot.machine.status.conditions, NODE_HEALTHY)
    seen = f"{snapshot.last_seen:%Y-%m-%dT%H:%M:%SZ}" if snapshot.last_seen is not None else ""
    is_open = snapshot.cluster_deleting or (snapshot.last_seen is None and snapshot.is_connecting)
    if not is_open and is_connection_down(snapshot):
        return UNKNOWN, CONNECTION_DOWN, f"Last successful probe at {seen}" if seen else ""
    if old is not None and not _is_awaited(old):
        return "", "", ""
    return UNKNOWN, CONNECTION_DOWN, f"Last successful probe at {seen}" if seen else _NOT_ESTABLISHED


def _is_awaited(condition: Condition) -> bool:
    """Whether the condition still says what had to come first."""
    return condition.reason == "InspectionFailed" and condition.message.startswith("Waiting for Cluster ")


def is_connection_down(snapshot: MachineSnapshot) -> bool:
    """Nothing was heard of the cluster for the whole grace period, since it could first be reached."""
    conditions = snapshot.cluster.status.conditions if snapshot.cluster is not None else ()
    initialized = find_condition(conditions, "ControlPlaneInitialized")
    since = initialized.last_transition_time if initialized is not None else None
    known = [at for at in (snapshot.last_seen, since) if at is not None]
    return not known or snapshot.now - max(known) > timedelta(seconds=snapshot.conditions_grace)


def _absent(machine: Machine, snapshot: MachineSnapshot) -> tuple[str, str, str]:
    known = machine.status.node_ref.name if machine.status.node_ref else ""
    if snapshot.deleting:
        if known:
            return FALSE, "NodeDeleted", f"Node {known} has been deleted"
        return UNKNOWN, "NodeDoesNotExist", "Node does not exist"
    if known:
        return FALSE, "NodeDeleted", f"Node {known} has been deleted while the Machine still exists"
    if snapshot.provider_id:
        return (
            UNKNOWN,
            "InspectionFailed",
            f"Waiting for a Node with spec.providerID {snapshot.provider_id} to exist",
        )
    return UNKNOWN, "InspectionFailed", f"Waiting for {snapshot.infrastructure.kind} to report spec.providerID"
