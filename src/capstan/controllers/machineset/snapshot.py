"""All that a decision about one MachineSet needs, and the questions that plan and status both ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import MACHINE_SET
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import GROUP, PAUSED_ANNOTATION
from capstan.api.meta import OwnerReference
from capstan.api.objects import Key, Obj, Resource
from capstan.api.rules.contract import External
from capstan.api.rules.owners import is_owned_by, owner_of_kind
from capstan.runtime.plan import ObjectRef

RESOURCE = MACHINE_SET.resource()


@dataclass(frozen=True, slots=True)
class Template:
    """A template that the set clones, the resource of what it makes, and what it made for this set so far."""

    found: External
    made: Resource | None = None
    objects: tuple[Obj, ...] = ()

    @property
    def problem(self) -> str:
        """Why nothing can be cloned from it now; empty when it can."""
        if self.found.problem:
            return self.found.problem
        if self.found.object is None:
            return f"{self.found.kind} {self.found.name} does not exist"
        if self.made is None:
            return f"no CustomResourceDefinition serves {self.found.kind.removesuffix('Template')}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSetSnapshot:
    """`machines` are those that the set controls, `orphans` those that it may adopt; both sorted by name.
    `move_target` is the set that its Machines are to be handed to, as an annotation says; `unchecked` are the preflight
    checks that no set of this process makes."""

    machine_set: MachineSet
    now: datetime
    cluster: Cluster | None = None
    machines: tuple[Machine, ...] = ()
    orphans: tuple[Machine, ...] = ()
    bootstrap: Template | None = None
    infrastructure: Template
    control_plane: External | None = None
    deployment: MachineDeployment | None = None
    move_target: MachineSet | None = None
    unchecked: frozenset[str] = frozenset()

    @property
    def subject(self) -> ObjectRef:
        meta = self.machine_set.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)

    @property
    def deleting(self) -> bool:
        return self.machine_set.metadata.deletion_timestamp is not None

    @property
    def paused(self) -> bool:
        cluster_paused = self.cluster is not None and self.cluster.spec.paused is True
        return cluster_paused or PAUSED_ANNOTATION in self.machine_set.metadata.annotations

    @property
    def desired(self) -> int:
        """How many Machines there should be; none once the set goes away."""
        return 0 if self.deleting else self.machine_set.spec.replicas or 0

    @property
    def deployment_ref(self) -> OwnerReference | None:
        return owner_of_kind(self.machine_set.metadata, GROUP, "MachineDeployment")

    @property
    def templates(self) -> tuple[Template, ...]:
        """Bootstrap first: the order of creation."""
        return (self.infrastructure,) if self.bootstrap is None else (self.bootstrap, self.infrastructure)

    def object_of(self, template: Template, name: str) -> Obj | None:
        """The object of that name that was made from the template."""
        return next((o for o in template.objects if o["metadata"]["name"] == name), None)

    def is_owned(self, machine: Machine) -> bool:
        return is_owned_by(machine.metadata, self.machine_set.metadata.uid)
