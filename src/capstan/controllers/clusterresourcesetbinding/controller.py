"""ClusterResourceSetBinding: what it watches and how it is observed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding
from capstan.api.cluster.cluster import Cluster
from capstan.api.objects import Key
from capstan.controllers.clusterresourcesetbinding.plan import plan
from capstan.controllers.clusterresourcesetbinding.snapshot import BindingSnapshot
from capstan.controllers.clusterresourcesetbinding.status import compute_status
from capstan.runtime.controller import Controller, Watch, Writes
from capstan.runtime.plan import Outcomes, Plan
from capstan.runtime.reader import Reader


def wake_by_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    """The record of a Cluster, which has its name, when the Cluster goes."""
    meta = cluster.metadata
    found = reader.get(ClusterResourceSetBinding, meta.namespace, meta.name)
    return [Key(meta.namespace, meta.name)] if found is not None else []


class ClusterResourceSetBindingController(Controller[ClusterResourceSetBinding, BindingSnapshot]):
    """Removes records of clusters that are gone."""

    kind = ClusterResourceSetBinding
    watches = (Watch(Cluster, wake_by_cluster, conditions=False),)
    writes: ClassVar[tuple[Writes, ...]] = (Writes(ClusterResourceSetBinding, ("metadata.deletionTimestamp",)),)

    async def observe(self, reader: Reader, key: Key) -> BindingSnapshot | None:
        binding = reader.get(ClusterResourceSetBinding, key.namespace, key.name)
        if binding is None:
            return None
        name = binding.spec.cluster_name or key.name
        return BindingSnapshot(binding=binding, cluster=reader.get(Cluster, key.namespace, name))

    def plan(self, snapshot: BindingSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: BindingSnapshot, outcomes: Outcomes) -> ClusterResourceSetBinding | None:
        return compute_status(snapshot, outcomes)
