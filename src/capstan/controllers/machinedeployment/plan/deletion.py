"""How a MachineDeployment goes away: its MachineSets first."""

from __future__ import annotations

from capstan.api.cluster.kinds import MACHINE_SET
from capstan.api.cluster.names import MACHINE_DEPLOYMENT_FINALIZER
from capstan.api.objects import Key
from capstan.api.rules.owners import drop_finalizer
from capstan.controllers.machinedeployment.snapshot import RESOURCE, MachineDeploymentSnapshot
from capstan.runtime.plan import Delete, ObjectRef, Plan, Update, Waiting


def plan_deletion(snapshot: MachineDeploymentSnapshot) -> Plan:
    """Delete every set once, wait for the last, then let go."""
    deployment = snapshot.deployment
    if MACHINE_DEPLOYMENT_FINALIZER not in deployment.metadata.finalizers:
        return Plan(snapshot.subject)
    if not snapshot.machine_sets:
        after = drop_finalizer(deployment, MACHINE_DEPLOYMENT_FINALIZER)
        update = Update(resource=RESOURCE, before=deployment, after=after, reason="the last MachineSet is gone")
        return Plan(snapshot.subject, (update,))
    reason = f"MachineDeployment {deployment.metadata.name} is being deleted"
    actions = tuple(
        Delete(
            target=ObjectRef(MACHINE_SET.resource(), Key(s.metadata.namespace, s.metadata.name), s.metadata.uid),
            reason=reason,
        )
        for s in snapshot.machine_sets
        if s.metadata.deletion_timestamp is None
    )
    text = f"MachineDeployment waits for {len(snapshot.machine_sets)} MachineSet(s) to be deleted"
    return Plan(snapshot.subject, actions, (Waiting("Deleting", "Deleting", text),))
