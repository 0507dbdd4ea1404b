"""All that a decision about one MachinePool needs, and the questions that plan and status both ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import MACHINE_POOL
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinepool import MachinePool
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.core.conditions import CoreCondition
from capstan.api.core.node import Node
from capstan.api.objects import Key, Obj
from capstan.api.rules.contract import External, at, is_provisioned, number, text
from capstan.runtime.plan import ObjectRef

RESOURCE = MACHINE_POOL.resource()


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePoolSnapshot:
    """`bootstrap` is None for a pool without a config. `nodes_problem` says why the workload cluster's Nodes are not
    known; empty when they are. `infra_machines` are the provider's objects for single machines of the pool, of the
    kind `machine_kind`; `machines` those that stand for them."""

    pool: MachinePool
    now: datetime
    cluster: Cluster | None = None
    bootstrap: External | None = None
    infrastructure: External
    machines: tuple[Machine, ...] = ()
    infra_machines: tuple[Obj, ...] = ()
    nodes: tuple[Node, ...] = ()
    nodes_problem: str = "not looked for"
    kubeconfig: bytes = field(default=b"", repr=False)

    @property
    def subject(self) -> ObjectRef:
        meta = self.pool.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)

    @property
    def cluster_key(self) -> Key:
        return Key(self.pool.metadata.namespace, self.pool.spec.cluster_name)

    @property
    def deleting(self) -> bool:
        return self.pool.metadata.deletion_timestamp is not None

    @property
    def paused(self) -> bool:
        cluster_paused = self.cluster is not None and self.cluster.spec.paused is True
        return cluster_paused or PAUSED_ANNOTATION in self.pool.metadata.annotations

    @property
    def provisioned(self) -> bool:
        """The provider has made the pool. Some providers of the newer contract only set the flag of the older one,
        because Cluster API never read the other."""
        found = self.infrastructure
        return is_provisioned(found) or at(found.object, "status", "ready") is True

    @property
    def machine_kind(self) -> str:
        """The kind of the provider's single machines; empty where it shows none."""
        return text(self.infrastructure.object, "status", "infrastructureMachineKind")

    @property
    def provider_ids(self) -> tuple[str, ...]:
        """The provider IDs that belong to the pool now: the provider's, once it has made the pool."""
        listed = at(self.infrastructure.object, "spec", "providerIDList") if self.provisioned else None
        if not isinstance(listed, list):
            return self.pool.spec.provider_id_list
        return tuple(entry for entry in listed if isinstance(entry, str) and entry)

    @property
    def replicas(self) -> int | None:
        """How many machines the provider says that there are."""
        reported = number(self.infrastructure.object, "status", "replicas") if self.provisioned else None
        return self.pool.status.replicas if reported is None else reported

    @property
    def members(self) -> tuple[Node, ...]:
        """The Nodes of the pool, by name."""
        wanted = frozenset(self.provider_ids)
        found = (node for node in self.nodes if node.spec.provider_id in wanted)
        return tuple(sorted(found, key=lambda node: node.metadata.name))

    @property
    def ready_members(self) -> tuple[Node, ...]:
        return tuple(node for node in self.members if _ready(node) is not None)

    @property
    def available_members(self) -> tuple[Node, ...]:
        """Those that have been ready for long enough."""
        return tuple(node for node in self.ready_members if not self._seconds_left(node))

    @property
    def seconds_until_available(self) -> float | None:
        """When the next Node has been ready for long enough; None when only something else than time brings one."""
        left = [self._seconds_left(node) for node in self.ready_members]
        return min((seconds for seconds in left if 0 < seconds < float("inf")), default=None)

    def _seconds_left(self, node: Node) -> float:
        wanted, ready = self.pool.spec.template.spec.min_ready_seconds, _ready(node)
        if not wanted or ready is None:
            return 0
        since = ready.last_transition_time
        if since is None:
            return float("inf")
        return max(0.0, (since + timedelta(seconds=wanted) - self.now).total_seconds())


def _ready(node: Node) -> CoreCondition | None:
    return next((c for c in node.status.conditions if c.type == "Ready" and c.status == "True"), None)
