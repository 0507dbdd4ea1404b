"""How a MachineSet goes away: its Machines first."""

from __future__ import annotations

from capstan.api.cluster.names import MACHINE_SET_FINALIZER
from capstan.api.rules.owners import drop_finalizer
from capstan.controllers.machineset.plan.deleting import delete_machine
from capstan.controllers.machineset.plan.propagation import plan_propagation
from capstan.controllers.machineset.plan.scale import plan_scale
from capstan.controllers.machineset.snapshot import RESOURCE, MachineSetSnapshot
from capstan.runtime.plan import Action, Plan, Update, Waiting


def plan_deletion(snapshot: MachineSetSnapshot) -> Plan:
    """Delete every Machine once, wait for the last, then let go."""
    machine_set = snapshot.machine_set
    if MACHINE_SET_FINALIZER not in machine_set.metadata.finalizers:
        return Plan(snapshot.subject)
    if not snapshot.machines:
        leftovers = plan_scale(snapshot, machine_set).actions
        after = drop_finalizer(machine_set, MACHINE_SET_FINALIZER)
        update = Update(resource=RESOURCE, before=machine_set, after=after, reason="the last Machine is gone")
        return Plan(snapshot.subject, (*leftovers, update))
    reason = f"MachineSet {machine_set.metadata.name} is being deleted"
    going = [machine for machine in snapshot.machines if machine.metadata.deletion_timestamp is None]
    actions: list[Action] = [*plan_propagation(snapshot), *(delete_machine(machine, reason) for machine in going)]
    text = f"MachineSet waits for {len(snapshot.machines)} Machine(s) to be deleted"
    return Plan(snapshot.subject, tuple(actions), (Waiting("Deleting", "Deleting", text),))
