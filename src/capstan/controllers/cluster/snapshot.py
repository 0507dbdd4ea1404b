"""All that a decision about one Cluster needs, and the questions that plan and status both ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import CLUSTER
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machinepool import MachinePool
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import CONTROL_PLANE_LABEL, PAUSED_ANNOTATION, POOL_NAME_LABEL
from capstan.api.objects import Key
from capstan.api.rules.certificates import Authority
from capstan.api.rules.contract import External
from capstan.api.rules.owners import is_owned_by
from capstan.runtime.plan import ObjectRef

RESOURCE = CLUSTER.resource()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSnapshot:
    """Descendants carry the cluster's label and are sorted by name. `probe_problem` says why the workload cluster's
    API did not answer; `probe_unsure` that this is too new to say anything of the cluster, `probe_last_seen` when it
    answered last; `probed` whether it was asked at all. `has_kubeconfig` says whether its Secret exists; `authority`
    is the CA to make one with, read only when nobody else would, and `authority_problem` why that Secret is of no
    use."""

    cluster: Cluster
    now: datetime
    infrastructure: External | None = None
    control_plane: External | None = None
    deployments: tuple[MachineDeployment, ...] = ()
    machine_sets: tuple[MachineSet, ...] = ()
    pools: tuple[MachinePool, ...] = ()
    machines: tuple[Machine, ...] = ()
    probed: bool = False
    probe_problem: str = ""
    probe_unsure: bool = False
    probe_last_seen: datetime | None = None
    has_kubeconfig: bool = False
    authority: Authority | None = None
    authority_problem: str = ""

    @property
    def subject(self) -> ObjectRef:
        meta = self.cluster.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)

    @property
    def deleting(self) -> bool:
        return self.cluster.metadata.deletion_timestamp is not None

    @property
    def paused(self) -> bool:
        return self.cluster.spec.paused is True or PAUSED_ANNOTATION in self.cluster.metadata.annotations

    @property
    def control_plane_machines(self) -> tuple[Machine, ...]:
        return tuple(m for m in self.machines if CONTROL_PLANE_LABEL in m.metadata.labels)

    @property
    def worker_machines(self) -> tuple[Machine, ...]:
        return tuple(m for m in self.machines if CONTROL_PLANE_LABEL not in m.metadata.labels)

    @property
    def stand_alone_sets(self) -> tuple[MachineSet, ...]:
        """MachineSets that are the Cluster's own, and no deployment's."""
        return tuple(s for s in self.machine_sets if is_owned_by(s.metadata, self.cluster.metadata.uid))

    @property
    def stand_alone_workers(self) -> tuple[Machine, ...]:
        """Worker Machines that are the Cluster's own, and no set's or pool's."""
        return tuple(m for m in self.set_workers if is_owned_by(m.metadata, self.cluster.metadata.uid))

    @property
    def set_workers(self) -> tuple[Machine, ...]:
        """Worker Machines without those of MachinePools, which count through their pool."""
        return tuple(m for m in self.worker_machines if POOL_NAME_LABEL not in m.metadata.labels)

    @property
    def owned_children(self) -> Sequence[MachinePool | MachineDeployment | MachineSet | Machine]:
        """What the Cluster deletes itself, in the order of their kinds; control plane Machines last, and only when
        there is no control plane object to do it."""
        control_plane = () if self.cluster.spec.control_plane_ref else self.control_plane_machines
        children: list[MachinePool | MachineDeployment | MachineSet | Machine] = [
            *self.pools,
            *self.deployments,
            *self.machine_sets,
            *self.worker_machines,
            *control_plane,
        ]
        return [c for c in children if is_owned_by(c.metadata, self.cluster.metadata.uid)]
