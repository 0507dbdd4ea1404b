"""All that a decision about one Machine needs, and the questions that plan and status both ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from re import Pattern

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machinedrainrule import MachineDrainRule
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import CONTROL_PLANE_LABEL, PAUSED_ANNOTATION
from capstan.api.core.node import Node
from capstan.api.objects import Key
from capstan.api.rules.contract import External, provider_id
from capstan.controllers.machine.pods import PodsOfNode, VolumesOfNode
from capstan.runtime.plan import ObjectRef

RESOURCE = MACHINE.resource()


@dataclass(frozen=True, slots=True)
class Synced:
    """Which labels and annotations of Machines their Nodes get besides those of the usual domains: the keys in which
    one of the patterns is found; and whether `taints` of Machines go on."""

    labels: tuple[Pattern[str], ...] = ()
    annotations: tuple[Pattern[str], ...] = ()
    taints: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSnapshot:
    """`nodes_problem` says why the workload cluster's nodes are not known; empty when they are. Meanwhile `last_seen`
    is when the cluster answered last, `is_connecting` says that its silence is too new to mean anything, and
    `conditions_grace` for how many seconds what was seen holds. `node` is the one of this Machine, `node_conflict` the
    text when several claim its provider ID. `pods` and `volumes` are what a look at the node found, None when nobody
    looked; it may not be looked at again before `next_look` seconds. `can_update` says that there is somebody who
    updates Machines in place, `synced` what goes on to the Node."""

    machine: Machine
    now: datetime
    cluster: Cluster | None = None
    bootstrap: External | None = None
    infrastructure: External
    machine_set: MachineSet | None = None
    deployment: MachineDeployment | None = None
    control_plane: External | None = None
    active_control_plane_machines: int = 0
    node: Node | None = None
    node_conflict: str = ""
    nodes_problem: str = "not looked for"
    last_seen: datetime | None = None
    is_connecting: bool = False
    conditions_grace: float = 300.0
    kubeconfig: bytes = field(default=b"", repr=False)
    pods: PodsOfNode | None = None
    volumes: VolumesOfNode | None = None
    drain_rules: tuple[MachineDrainRule, ...] = ()
    next_look: float = 0.0
    can_update: bool = False
    synced: Synced = Synced()

    @property
    def subject(self) -> ObjectRef:
        meta = self.machine.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)

    @property
    def cluster_key(self) -> Key:
        return Key(self.machine.metadata.namespace, self.machine.spec.cluster_name)

    @property
    def deleting(self) -> bool:
        return self.machine.metadata.deletion_timestamp is not None

    @property
    def cluster_deleting(self) -> bool:
        """The Cluster goes away as a whole, or is gone already."""
        return self.cluster is None or self.cluster.metadata.deletion_timestamp is not None

    @property
    def paused(self) -> bool:
        cluster_paused = self.cluster is not None and self.cluster.spec.paused is True
        return cluster_paused or PAUSED_ANNOTATION in self.machine.metadata.annotations

    @property
    def provider_id(self) -> str:
        return self.machine.spec.provider_id or provider_id(self.infrastructure)

    @property
    def is_control_plane(self) -> bool:
        return CONTROL_PLANE_LABEL in self.machine.metadata.labels


def find_node(machine: Machine, wanted_provider_id: str, nodes: Iterable[Node]) -> tuple[Node | None, str]:
    """The Machine's Node, and a complaint when it is not one alone.

    By provider ID; a Node that the Machine knows already is also found by its name while either has no provider ID.
    """
    known = machine.status.node_ref.name if machine.status.node_ref else ""
    nodes = tuple(nodes)
    if not wanted_provider_id:
        return next((n for n in nodes if n.metadata.name == known), None), ""
    found = [n for n in nodes if n.spec.provider_id == wanted_provider_id]
    if len(found) > 1:
        names = ", ".join(sorted(n.metadata.name for n in found))
        return None, f"Several Nodes have spec.providerID {wanted_provider_id}: {names}"
    if found:
        return found[0], ""
    return next((n for n in nodes if n.metadata.name == known and not n.spec.provider_id), None), ""
