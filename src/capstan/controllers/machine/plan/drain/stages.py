"""The stages in which a deletion waits for its node: drained, and without volumes (2.5 steps 2 and 3)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.core.node import Node
from capstan.api.rules.conditions import find_condition
from capstan.controllers.machine.plan.drain.due import (
    is_drain_due,
    is_unreachable,
    is_volume_wait_due,
    seconds_until_look,
)
from capstan.controllers.machine.plan.drain.eviction import Evictions, EvictPods, drain_message
from capstan.controllers.machine.plan.drain.filters import Circumstances, DrainError
from capstan.controllers.machine.plan.drain.round import Round, drain_round
from capstan.controllers.machine.plan.drain.rules import broken_rule, rules_for_machine
from capstan.controllers.machine.plan.drain.stage import Stage
from capstan.controllers.machine.plan.drain.volumes import Attached, attached_volumes
from capstan.controllers.machine.snapshot import MachineSnapshot
from capstan.runtime.nodeactions import PatchNode
from capstan.runtime.plan import Action, Emit

DRAINING = "DrainingNode"
DETACHING = "WaitingForVolumeDetach"


def drain_stage(snapshot: MachineSnapshot) -> Stage | None:
    """What the drain does now; None when the node is empty, or is not to be emptied."""
    if not is_drain_due(snapshot) or (snapshot.node is None and not snapshot.nodes_problem):
        return None
    machine = snapshot.machine
    started = machine.status.deletion.node_drain_start_time
    wait = seconds_until_look(snapshot, started, machine.spec.deletion.node_drain_timeout_seconds)
    name = node_name(snapshot)
    if started is None:
        # The beginning is written down before anything is evicted; that write brings the next round.
        return Stage(DRAINING, f"Draining Node {name}")
    if snapshot.node is None:
        return Stage(DRAINING, f"Waiting to drain Node {name}: {snapshot.nodes_problem}", (), wait)
    if snapshot.pods is None:
        if _waits_for_volumes(snapshot):
            return None
        return Stage(DRAINING, _said(snapshot, DRAINING) or f"Draining Node {name}", (), wait)
    found = look(snapshot)
    if isinstance(found, str):
        return _failed(snapshot, DRAINING, "FailedDrainNode", "error draining", found, wait)
    if found.done:
        return None
    return Stage(DRAINING, _intent(snapshot, found), tuple(_steps(snapshot, snapshot.node, found)), wait, found)


def volume_stage(snapshot: MachineSnapshot) -> Stage | None:
    """What still holds the drained node; None when nothing does, or nothing is to be waited for."""
    if not is_volume_wait_due(snapshot) or (snapshot.node is None and not snapshot.nodes_problem):
        return None
    machine = snapshot.machine
    started = machine.status.deletion.wait_for_node_volume_detach_start_time
    wait = seconds_until_look(snapshot, started, machine.spec.deletion.node_volume_detach_timeout_seconds)
    if snapshot.node is None:
        message = f"Waiting for volumes of Node {node_name(snapshot)}: {snapshot.nodes_problem}"
        return Stage(DETACHING, message, (), wait)
    if snapshot.volumes is None:
        return Stage(DETACHING, _said(snapshot, DETACHING) or Attached().message(started), (), wait)
    found = look(snapshot)
    problem = snapshot.volumes.problem or (found if isinstance(found, str) else "")
    if problem or isinstance(found, str):
        return _failed(
            snapshot, DETACHING, "FailedWaitForVolumeDetach", "error waiting for node volumes detaching,", problem, wait
        )
    attached = attached_volumes(snapshot.node, snapshot.volumes, found.ignored_claims)
    return None if attached.nothing else Stage(DETACHING, attached.message(started or snapshot.now), (), wait)


def finished_steps(snapshot: MachineSnapshot) -> tuple[Action, ...]:
    """What is done once the node is found empty: no new pod may come, and users are told what is over."""
    steps: list[Action] = []
    if snapshot.node is not None and is_drained(snapshot):
        steps.extend(_cordon(snapshot, snapshot.node))
    name = node_name(snapshot)
    said = find_condition(snapshot.machine.status.conditions, "Deleting")
    before = said.reason if said is not None else ""
    if before == DRAINING and is_drained(snapshot):
        text = f'success draining Machine\'s node "{name}"'
        steps.append(Emit(name="SuccessfulDrainNode", reason=text))
    if before == DETACHING and is_detached(snapshot):
        text = f'success waiting for node volumes detaching Machine\'s node "{name}"'
        steps.append(Emit(name="NodeVolumesDetached", reason=text))
    return tuple(steps)


def is_drained(snapshot: MachineSnapshot) -> bool:
    """This look at the node found it empty, or it is gone."""
    started = snapshot.machine.status.deletion.node_drain_start_time is not None
    seen = snapshot.pods is not None or (snapshot.node is None and not snapshot.nodes_problem)
    return started and seen and is_drain_due(snapshot) and drain_stage(snapshot) is None


def is_detached(snapshot: MachineSnapshot) -> bool:
    seen = snapshot.volumes is not None or (snapshot.node is None and not snapshot.nodes_problem)
    return seen and is_volume_wait_due(snapshot) and volume_stage(snapshot) is None


def look(snapshot: MachineSnapshot) -> Round | str:
    """The pods of the node in their groups, or why that cannot be said."""
    pods, cluster = snapshot.pods, snapshot.cluster
    if pods is None or snapshot.node is None:
        return Round()
    if pods.problem:
        return pods.problem
    if pods.pods and (broken := broken_rule(snapshot.drain_rules)):
        return broken
    labels = cluster.metadata.labels if cluster is not None else {}
    rules = rules_for_machine(snapshot.drain_rules, snapshot.machine.metadata.labels, labels)
    around = Circumstances(node=pods, rules=rules, now=snapshot.now, unreachable=is_unreachable(snapshot.node))
    try:
        return drain_round(around)
    except DrainError as error:
        return str(error)


def node_name(snapshot: MachineSnapshot) -> str:
    if snapshot.node is not None:
        return snapshot.node.metadata.name
    ref = snapshot.machine.status.node_ref
    return ref.name if ref is not None else ""


def _waits_for_volumes(snapshot: MachineSnapshot) -> bool:
    """The last look found the node empty, and volumes on it; nobody looks again yet."""
    found = find_condition(snapshot.machine.status.conditions, "Deleting")
    return found is not None and found.reason == DETACHING and is_volume_wait_due(snapshot)


def _said(snapshot: MachineSnapshot, reason: str) -> str:
    """What the condition said last, for as long as nobody looks again."""
    found = find_condition(snapshot.machine.status.conditions, "Deleting")
    return found.message if found is not None and found.reason == reason else ""


def _intent(snapshot: MachineSnapshot, found: Round) -> str:
    if not found.now:
        return drain_message(found, Evictions(), snapshot.machine.status.deletion.node_drain_start_time)
    count = len(found.now)
    return f"Evicting {count} {'Pod' if count == 1 else 'Pods'} from Node {node_name(snapshot)}"


def _steps(snapshot: MachineSnapshot, node: Node, found: Round) -> Iterator[Action]:
    yield from _cordon(snapshot, node)
    if found.now:
        yield EvictPods(
            cluster=snapshot.cluster_key,
            pods=tuple(pod.place for pod in found.now),
            grace_seconds=1 if is_unreachable(node) else None,
            kubeconfig=snapshot.kubeconfig,
            reason=f"Node {node.metadata.name} is emptied before its host goes",
            on_failure=_failed_drain(snapshot),
        )


def _cordon(snapshot: MachineSnapshot, node: Node) -> Iterator[Action]:
    if not node.spec.unschedulable:
        spec = msgspec.structs.replace(node.spec, unschedulable=True)
        yield PatchNode(
            cluster=snapshot.cluster_key,
            before=node,
            after=msgspec.structs.replace(node, spec=spec),
            kubeconfig=snapshot.kubeconfig,
            reason=f"no pod may come to Node {node.metadata.name} any more",
            on_failure=_failed_drain(snapshot),
        )


def _failed_drain(snapshot: MachineSnapshot) -> Emit:
    """What users are told, with the error, of a step that failed."""
    text = f'error draining Machine\'s node "{node_name(snapshot)}"'
    return Emit(name="FailedDrainNode", type="Warning", reason=text)


def _failed(snapshot: MachineSnapshot, stage: str, event: str, what: str, problem: str, wait: float) -> Stage:
    text = f'{what} Machine\'s node "{node_name(snapshot)}": {problem}'
    emit = Emit(name=event, type="Warning", reason=text)
    message = {
        DRAINING: f"Error draining Node {node_name(snapshot)}: {problem}",
        DETACHING: f"Error waiting for volumes to be detached from Node {node_name(snapshot)}: {problem}",
    }[stage]
    return Stage(stage, message, (emit,), wait, failed=True)
