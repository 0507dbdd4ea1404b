"""Says that a change needs new machines and that rolling it out is not carried out yet, and what differs."""

from __future__ import annotations

from dataclasses import dataclass

from capstan.api.rules.conditions import find_condition
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.runtime.plan import Emit, Waiting

REASON = "RolloutNotCarriedOut"


@dataclass(frozen=True, slots=True)
class Notice:
    """The Event is told once: while the condition does not say the same yet."""

    actions: tuple[Emit, ...] = ()
    waiting_on: tuple[Waiting, ...] = ()


def rollout_message(snapshot: MachineDeploymentSnapshot) -> str:
    """What is not rolled out; empty when every set has the deployment's template."""
    outdated = [s for s in snapshot.all_sets if (s.spec.replicas or s.status.replicas) and snapshot.differences(s)]
    if not outdated:
        return ""
    lines = dict.fromkeys(line for s in outdated for line in snapshot.differences(s))
    count = sum(max(s.status.replicas or 0, s.spec.replicas or 0) for s in outdated)
    head = (
        f"Rolling out {count} not up-to-date replicas is not carried out yet: "
        "Machines stay as they are, and new ones are made like them"
    )
    return "\n".join([head, *sorted(lines, key=lambda line: (not line.startswith("* Version"), line))])


def plan_rollout_notice(snapshot: MachineDeploymentSnapshot) -> Notice:
    message = rollout_message(snapshot)
    if not message:
        return Notice()
    told = find_condition(snapshot.deployment.status.conditions, "RollingOut")
    event = () if told is not None and told.message == message else (_event(message),)
    return Notice(event, (Waiting("RollingOut", REASON, message),))


def _event(message: str) -> Emit:
    return Emit(name=REASON, type="Warning", reason=message)
