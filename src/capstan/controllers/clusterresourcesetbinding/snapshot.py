"""All that a decision about one ClusterResourceSetBinding needs."""

from __future__ import annotations

from dataclasses import dataclass

from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding
from capstan.api.addons.kinds import CLUSTER_RESOURCE_SET_BINDING
from capstan.api.cluster.cluster import Cluster
from capstan.api.objects import Key
from capstan.runtime.plan import ObjectRef

RESOURCE = CLUSTER_RESOURCE_SET_BINDING.resource()


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingSnapshot:
    """`cluster` is the Cluster that the record is about; None when it is gone."""

    binding: ClusterResourceSetBinding
    cluster: Cluster | None = None

    @property
    def cluster_name(self) -> str:
        return self.binding.spec.cluster_name or self.binding.metadata.name

    @property
    def subject(self) -> ObjectRef:
        meta = self.binding.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)
