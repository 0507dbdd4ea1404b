"""How a control plane goes away: all its Machines at once, without a last goodbye to etcd, then itself (3.9)."""

from __future__ import annotations

from capstan.api.cluster.kinds import MACHINE
from capstan.api.controlplane.names import FINALIZER
from capstan.api.objects import Key
from capstan.api.rules.owners import drop_finalizer
from capstan.providers.talos.taloscontrolplane.names import RESIZED
from capstan.providers.talos.taloscontrolplane.plan.removal import hook_update
from capstan.providers.talos.taloscontrolplane.snapshot import RESOURCE, ControlPlaneSnapshot
from capstan.runtime.plan import Action, Delete, ObjectRef, Plan, Update, Waiting


def plan_deletion(snapshot: ControlPlaneSnapshot) -> Plan:
    """Delete every Machine once, wait for the last, then let go."""
    control_plane = snapshot.control_plane
    if FINALIZER not in control_plane.metadata.finalizers:
        return Plan(snapshot.subject)
    if not snapshot.machines:
        after = drop_finalizer(control_plane, FINALIZER)
        update = Update(resource=RESOURCE, before=control_plane, after=after, reason="the last Machine is gone")
        return Plan(snapshot.subject, (update,))
    reason = f"TalosControlPlane {control_plane.metadata.name} is being deleted"
    actions: list[Action] = []
    for machine in snapshot.machines:
        if machine.has_hook:
            actions.append(hook_update(machine, "its control plane goes as a whole"))
        if not machine.deleting:
            meta = machine.machine.metadata
            target = ObjectRef(MACHINE.resource(), Key(meta.namespace, meta.name), meta.uid)
            actions.append(Delete(target=target, reason=reason))
    names = ", ".join(m.name for m in snapshot.machines)
    waiting = Waiting(RESIZED, "Deleting", f"Waiting for Machine {names} to be deleted")
    return Plan(snapshot.subject, tuple(actions), (waiting,))
