"""Whether a node is to be drained, or its volumes waited for, and what has to be read for it (2.5 steps 2 and 3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from capstan.api.cluster.names import (
    EXCLUDE_NODE_DRAINING_ANNOTATION,
    EXCLUDE_WAIT_FOR_NODE_VOLUME_DETACH_ANNOTATION,
)
from capstan.api.core.node import Node
from capstan.controllers.machine.snapshot import MachineSnapshot

#: How long a node is left alone between two looks at it.
RETRY_SECONDS = 20.0


def is_drain_due(snapshot: MachineSnapshot) -> bool:
    machine = snapshot.machine
    timeout = machine.spec.deletion.node_drain_timeout_seconds
    return (
        EXCLUDE_NODE_DRAINING_ANNOTATION not in machine.metadata.annotations
        and _is_before_the_end(snapshot)
        and not _is_over(machine.status.deletion.node_drain_start_time, timeout, snapshot.now)
    )


def is_volume_wait_due(snapshot: MachineSnapshot) -> bool:
    machine = snapshot.machine
    timeout = machine.spec.deletion.node_volume_detach_timeout_seconds
    return (
        EXCLUDE_WAIT_FOR_NODE_VOLUME_DETACH_ANNOTATION not in machine.metadata.annotations
        and _is_before_the_end(snapshot)
        and not _is_over(machine.status.deletion.wait_for_node_volume_detach_start_time, timeout, snapshot.now)
        and not (snapshot.node is not None and is_unreachable(snapshot.node))
    )


def is_unreachable(node: Node) -> bool:
    """Nothing is heard of its kubelet: it will not stop a pod, nor report that one has ended."""
    return any(c.type == "Ready" and c.status == "Unknown" for c in node.status.conditions)


def seconds_until_look(snapshot: MachineSnapshot, started: datetime | None, timeout: int | None) -> float:
    """When to look again: when the node may be looked at again, or when the time for it is over."""
    wait = snapshot.next_look or RETRY_SECONDS
    if started is None or not timeout or timeout <= 0:
        return wait
    left = (started + timedelta(seconds=timeout) - snapshot.now).total_seconds()
    return min(wait, left)


def _is_before_the_end(snapshot: MachineSnapshot) -> bool:
    """The host is still there, and nobody was asked whether it may go."""
    infrastructure = snapshot.infrastructure
    if snapshot.machine.status.deletion.wait_for_pre_terminate_hook_start_time is not None:
        return False
    if infrastructure.object is None:
        return bool(infrastructure.problem) and not infrastructure.is_nobody
    return not infrastructure.deleting


def _is_over(started: datetime | None, timeout: int | None, now: datetime) -> bool:
    if started is None or not timeout or timeout <= 0:
        return False
    return now - started >= timedelta(seconds=timeout)
