"""Who owns a Machine, and what a Machine owns: labels and owner references (2.2 steps 1 to 3)."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import CLUSTER, MACHINE
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import (
    CLUSTER_NAME_LABEL,
    CONTROL_PLANE_LABEL,
    CONTROL_PLANE_NAME_LABEL,
    GROUP,
    POOL_NAME_LABEL,
    SET_NAME_LABEL,
)
from capstan.api.meta import OwnerReference, controller_of
from capstan.api.rules.contract import External
from capstan.api.rules.owners import (
    add_labels,
    adopted_object,
    owner_of_kind,
    owner_reference,
    same_owner,
    with_metadata,
    with_owner,
)
from capstan.controllers.machine.snapshot import MachineSnapshot
from capstan.runtime.plan import Update

_MANAGED_BY_LABELS = (SET_NAME_LABEL, POOL_NAME_LABEL, CONTROL_PLANE_NAME_LABEL)


def with_ownership(snapshot: MachineSnapshot) -> Machine:
    """The Machine with its cluster's label; one that nobody manages gets the Cluster as its owner."""
    machine, cluster = snapshot.machine, snapshot.cluster
    labelled = add_labels(machine, {CLUSTER_NAME_LABEL: machine.spec.cluster_name})
    if cluster is None or not _is_stand_alone(machine, cluster):
        return labelled
    owner = owner_reference(CLUSTER.resource().api_version, "Cluster", cluster.metadata)
    return with_metadata(labelled, owner_references=with_owner(machine.metadata.owner_references, owner))


def _is_stand_alone(machine: Machine, cluster: Cluster) -> bool:
    """Nobody manages it, and nobody is about to: a restored control plane adopts its Machines a moment later."""
    meta = machine.metadata
    if CONTROL_PLANE_LABEL in meta.labels and cluster.spec.control_plane_ref is not None:
        return False
    if controller_of(meta) is not None or owner_of_kind(meta, GROUP, "Cluster") is not None:
        return False
    return not any(label in meta.labels for label in _MANAGED_BY_LABELS)


def plan_adoptions(snapshot: MachineSnapshot) -> Iterator[Update]:
    """The bootstrap config and the infra machine become the Machine's own; who made them lets go."""
    for found in (snapshot.bootstrap, snapshot.infrastructure):
        if found is not None and found.object is not None and not found.deleting:
            yield from _adopt(snapshot, found)


def _adopt(snapshot: MachineSnapshot, found: External) -> Iterator[Update]:
    machine = snapshot.machine
    owner = owner_reference(MACHINE.resource().api_version, "Machine", machine.metadata, controller=True)
    labels = {CLUSTER_NAME_LABEL: machine.spec.cluster_name}

    def made_it(ref: OwnerReference) -> bool:
        """The MachineSet, or the control plane object that made the Machine: owners until the Machine exists."""
        maker = controller_of(machine.metadata)
        return ref.kind == "MachineSet" or (maker is not None and same_owner(ref, maker))

    if found.object is None or found.resource is None:
        return
    after = adopted_object(found.object, owner, labels, made_it)
    if after is not found.object:
        reason = f"{found.kind} {found.name} belongs to Machine {machine.metadata.name}"
        yield Update(resource=found.resource, before=found.object, after=after, reason=reason)
