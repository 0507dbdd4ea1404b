"""Who owns a MachineDeployment, its templates and its MachineSets (4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.cluster.kinds import CLUSTER, MACHINE_SET
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.rules.owners import add_labels, adopted_object, owner_reference, with_metadata, with_owner
from capstan.controllers.machinedeployment.snapshot import RESOURCE, MachineDeploymentSnapshot
from capstan.runtime.plan import Action, Emit, Update


def with_ownership(snapshot: MachineDeploymentSnapshot) -> MachineDeployment:
    """The deployment with its cluster's label and the Cluster among its owners (not as its controller)."""
    deployment, cluster = snapshot.deployment, snapshot.cluster
    labelled = add_labels(deployment, {CLUSTER_NAME_LABEL: deployment.spec.cluster_name})
    if cluster is None:
        return labelled
    owner = owner_reference(CLUSTER.resource().api_version, "Cluster", cluster.metadata)
    refs = with_owner(deployment.metadata.owner_references, owner)
    return labelled if refs == deployment.metadata.owner_references else with_metadata(labelled, owner_references=refs)


def plan_template_owners(snapshot: MachineDeploymentSnapshot) -> Iterator[Update]:
    """The templates belong to the Cluster."""
    if snapshot.cluster is None:
        return
    owner = owner_reference(CLUSTER.resource().api_version, "Cluster", snapshot.cluster.metadata)
    for found in snapshot.templates:
        if found.object is None or found.resource is None:
            continue
        after = adopted_object(found.object, owner, {})
        if after is not found.object:
            reason = f"{found.kind} {found.name} belongs to Cluster {snapshot.cluster.metadata.name}"
            yield Update(resource=found.resource, before=found.object, after=after, reason=reason)


def plan_adoptions(snapshot: MachineDeploymentSnapshot) -> Iterator[Action]:
    """MachineSets that the selector takes and that nobody controls become the deployment's."""
    meta = snapshot.deployment.metadata
    owner = owner_reference(RESOURCE.api_version, "MachineDeployment", meta, controller=True)
    for machine_set in snapshot.orphans:
        name = machine_set.metadata.name
        after = with_metadata(machine_set, owner_references=with_owner(machine_set.metadata.owner_references, owner))
        reason = f"MachineSet {name} has no controller and MachineDeployment {meta.name} selects it"
        refused = Emit(name="FailedAdopt", type="Warning", reason=f'Failed to adopt MachineSet "{name}"')
        yield Update(
            resource=MACHINE_SET.resource(),
            before=machine_set,
            after=after,
            reason=reason,
            part=name,
            on_failure=refused,
        )
        yield Emit(name="SuccessfulAdopt", reason=f'Adopted MachineSet "{name}"', part=name)
