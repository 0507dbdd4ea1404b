"""What becomes of one pod when its node is drained: the first filter that decides, decides (2.6 step 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from capstan.api.cluster.machinedrainrule import MachineDrainRule
from capstan.api.cluster.names import DRAIN_LABEL
from capstan.controllers.machine.plan.drain.rules import rule_for_pod
from capstan.controllers.machine.pods import PodOnNode, PodsOfNode

#: Completed is what a pod that is waited for ends as: nothing is left to be done, but its volumes are still detached.
Behavior = Literal["Drain", "Skip", "WaitCompleted", "Completed"]


class DrainError(Exception):
    """The drain cannot go on; says why."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What is done with a pod, and in which order; pods that are waited for have order 0."""

    pod: PodOnNode
    behavior: Behavior
    order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What filters need besides the pod. `rules` are those of the Machine, by name. Of an `unreachable` node nobody
    will report that a pod has ended."""

    node: PodsOfNode
    rules: Sequence[MachineDrainRule]
    now: datetime
    unreachable: bool


#: None leaves the decision to the next filter.
Filter = Callable[[PodOnNode, Circumstances], Fate | None]

#: After so long a deleted pod of an unreachable node is not waited for.
PATIENCE = timedelta(seconds=1)


def fate_of(pod: PodOnNode, circumstances: Circumstances) -> Fate:
    """Raises DrainError."""
    for decide in _FILTERS:
        fate = decide(pod, circumstances)
        if fate is not None:
            return fate
    return Fate(pod, "Drain")


def _deleted_for_long(pod: PodOnNode, circumstances: Circumstances) -> Fate | None:
    if not circumstances.unreachable or pod.deleted_at is None:
        return None
    return Fate(pod, "Skip") if circumstances.now - pod.deleted_at > PATIENCE else None


def _daemon(pod: PodOnNode, circumstances: Circumstances) -> Fate | None:
    """A DaemonSet would only put it there again; one that has ended, or whose DaemonSet is gone, can go."""
    kind, name = pod.controller
    if kind != "DaemonSet" or pod.finished or (pod.namespace, name) in circumstances.node.orphaned:
        return None
    return Fate(pod, "Skip")


def _static(pod: PodOnNode, _circumstances: Circumstances) -> Fate | None:
    """The API only mirrors it: the kubelet runs it from a file."""
    return Fate(pod, "Skip") if pod.is_static else None


def _label(pod: PodOnNode, _circumstances: Circumstances) -> Fate | None:
    said = pod.labels.get(DRAIN_LABEL, "").lower().replace("-", "", 1)
    if said == "skip":
        return Fate(pod, "Skip")
    return _waited_for(pod) if said == "waitcompleted" else None


def _rule(pod: PodOnNode, circumstances: Circumstances) -> Fate | None:
    if not circumstances.rules:
        return None
    namespace = circumstances.node.namespaces.get(pod.namespace)
    if namespace is None:
        raise DrainError(f'failed to get Pods for eviction: Pods with error "Pod Namespace does not exist": {pod}')
    rule = rule_for_pod(circumstances.rules, pod, namespace)
    if rule is None:
        return None
    match rule.spec.drain.behavior:
        case "Skip":
            return Fate(pod, "Skip")
        case "WaitCompleted":
            return _waited_for(pod)
    return Fate(pod, "Drain", rule.spec.drain.order or 0)


def _waited_for(pod: PodOnNode) -> Fate:
    """Until it has ended: then there is nothing left to wait for."""
    return Fate(pod, "Completed" if pod.finished else "WaitCompleted")


_FILTERS: tuple[Filter, ...] = (_deleted_for_long, _daemon, _static, _label, _rule)
