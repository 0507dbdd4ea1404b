"""Who owns a MachineSet, its templates and its Machines (3.2)."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.cluster.kinds import CLUSTER, MACHINE
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL, GROUP
from capstan.api.rules.owners import (
    add_labels,
    adopted_object,
    owner_of_kind,
    owner_reference,
    with_metadata,
    with_owner,
)
from capstan.controllers.machineset.snapshot import RESOURCE, MachineSetSnapshot
from capstan.runtime.plan import Action, Emit, Update


def with_ownership(snapshot: MachineSetSnapshot) -> MachineSet:
    """The set with its cluster's label; one that stands alone gets the Cluster as its owner."""
    machine_set, cluster = snapshot.machine_set, snapshot.cluster
    labelled = add_labels(machine_set, {CLUSTER_NAME_LABEL: machine_set.spec.cluster_name})
    meta = machine_set.metadata
    managed = snapshot.deployment_ref is not None or DEPLOYMENT_NAME_LABEL in meta.labels
    if cluster is None or managed or owner_of_kind(meta, GROUP, "Cluster") is not None:
        return labelled
    owner = owner_reference(CLUSTER.resource().api_version, "Cluster", cluster.metadata)
    return with_metadata(labelled, owner_references=with_owner(meta.owner_references, owner))


def plan_template_owners(snapshot: MachineSetSnapshot) -> Iterator[Update]:
    """Templates of a stand-alone set belong to the Cluster; those of a deployment's set are the deployment's care."""
    if snapshot.cluster is None or snapshot.deployment_ref is not None:
        return
    owner = owner_reference(CLUSTER.resource().api_version, "Cluster", snapshot.cluster.metadata)
    for template in snapshot.templates:
        found = template.found
        if found.object is None or found.resource is None:
            continue
        after = adopted_object(found.object, owner, {})
        if after is not found.object:
            reason = f"{found.kind} {found.name} belongs to Cluster {snapshot.cluster.metadata.name}"
            yield Update(resource=found.resource, before=found.object, after=after, reason=reason)


def plan_adoptions(snapshot: MachineSetSnapshot) -> Iterator[Action]:
    """Machines that the selector takes and that nobody controls become the set's."""
    meta = snapshot.machine_set.metadata
    owner = owner_reference(RESOURCE.api_version, "MachineSet", meta, controller=True)
    for machine in snapshot.orphans:
        after = with_metadata(machine, owner_references=with_owner(machine.metadata.owner_references, owner))
        name = machine.metadata.name
        reason = f"Machine {name} has no controller and MachineSet {meta.name} selects it"
        refused = Emit(name="FailedAdopt", type="Warning", reason=f'Failed to adopt Machine "{name}"')
        yield Update(
            resource=MACHINE.resource(), before=machine, after=after, reason=reason, part=name, on_failure=refused
        )
        yield Emit(name="SuccessfulAdopt", reason=f'Adopted Machine "{name}"', part=name)
