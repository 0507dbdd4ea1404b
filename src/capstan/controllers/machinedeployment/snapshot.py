"""All that a decision about one MachineDeployment needs, and the questions that plan and status both ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.difference import template_differences
from capstan.api.cluster.kinds import MACHINE_DEPLOYMENT
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.objects import Key
from capstan.api.rules.contract import External
from capstan.runtime.plan import ObjectRef

RESOURCE = MACHINE_DEPLOYMENT.resource()
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDeploymentSnapshot:
    """`machine_sets` are those that the deployment controls, `orphans` those that it may adopt, `machines` those of
    all its sets; all sorted by name. `updatable` names the sets whose Machines can take the present template without
    being replaced."""

    deployment: MachineDeployment
    now: datetime
    cluster: Cluster | None = None
    machine_sets: tuple[MachineSet, ...] = ()
    orphans: tuple[MachineSet, ...] = ()
    machines: tuple[Machine, ...] = ()
    bootstrap: External | None = None
    infrastructure: External
    updatable: frozenset[str] = frozenset()

    @property
    def subject(self) -> ObjectRef:
        meta = self.deployment.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)

    @property
    def deleting(self) -> bool:
        return self.deployment.metadata.deletion_timestamp is not None

    @property
    def paused(self) -> bool:
        cluster_paused = self.cluster is not None and self.cluster.spec.paused is True
        return cluster_paused or PAUSED_ANNOTATION in self.deployment.metadata.annotations

    @property
    def desired(self) -> int:
        return 0 if self.deleting else self.deployment.spec.replicas or 0

    @property
    def templates(self) -> tuple[External, ...]:
        return (self.infrastructure,) if self.bootstrap is None else (self.bootstrap, self.infrastructure)

    @property
    def all_sets(self) -> tuple[MachineSet, ...]:
        return (*self.machine_sets, *self.orphans)

    @property
    def current(self) -> MachineSet | None:
        """The set that has the deployment's template, the largest if there are several (4.3)."""
        sets = [s for s in self.all_sets if s.metadata.deletion_timestamp is None]
        ordered = sorted(
            sets,
            key=lambda s: (-(s.spec.replicas or 0), s.metadata.creation_timestamp or _EPOCH, s.metadata.name),
        )
        return next((s for s in ordered if not self.differences(s)), None)

    def differences(self, machine_set: MachineSet) -> list[str]:
        """Why the set's machines are not as the deployment wants them."""
        lines = template_differences(machine_set.spec.template.spec, self.deployment.spec.template.spec)
        if self.is_expired(machine_set):
            lines.append("* MachineDeployment spec.rolloutAfter expired")
        return lines

    def is_expired(self, machine_set: MachineSet) -> bool:
        """Whether the set is older than a time after which its machines are to be replaced, whatever they are like."""
        after, created = self.deployment.spec.rollout.after, machine_set.metadata.creation_timestamp
        return after is not None and after <= self.now and (created is None or created < after)
