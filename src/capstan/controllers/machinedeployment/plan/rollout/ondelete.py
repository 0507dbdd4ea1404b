"""OnDelete: an old Machine is replaced when somebody deletes it, and not before (4.6)."""

from __future__ import annotations

from capstan.controllers.machinedeployment.plan.rollout.fleet import Fleet, Rollout, existing, machines_in, replicas_of


def plan_on_delete(fleet: Fleet) -> Rollout:
    """The current set fills what is missing; old sets never grow again, and shrink only when fewer are wanted."""
    rollout = Rollout()
    total = machines_in(fleet, rollout)
    if total < fleet.desired:
        note = f"{total} current Machines < {fleet.desired} MachineDeployment spec.replicas"
        rollout.resize(fleet.current, replicas_of(fleet.current) + fleet.desired - total, note)
    for machine_set in fleet.old:
        if existing(machine_set) < replicas_of(machine_set):
            rollout.resize(machine_set, existing(machine_set), "scale down to align to existing Machines")
    surplus = sum(rollout.size(s) for s in fleet.sets) - fleet.desired
    for machine_set in (*fleet.old, fleet.current):
        size = rollout.size(machine_set)
        fewer = min(size, surplus)
        if fewer > 0:
            note = f"{size} replicas are {surplus} more than MachineDeployment spec.replicas leaves room for"
            rollout.resize(machine_set, size - fewer, note)
            surplus -= fewer
    return rollout
