"""All that a decision about one ClusterResourceSet needs, and the questions that plan and status both ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from capstan.api.addons.clusterresourceset import ClusterResourceSet
from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding, ResourceBinding, ResourceSetBinding
from capstan.api.addons.kinds import CLUSTER_RESOURCE_SET
from capstan.api.addons.names import RECONCILE, RESOURCE_SET_SECRET_TYPE
from capstan.api.addons.resource import ResourceRef
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.core.configmap import ConfigMap
from capstan.api.core.secret import Secret
from capstan.api.objects import Key
from capstan.runtime.plan import ObjectRef

RESOURCE = CLUSTER_RESOURCE_SET.resource()


@dataclass(frozen=True, slots=True)
class Source:
    """A ConfigMap or Secret that the set names. `found` is None while it does not exist; `data` are its values and
    `digest` their sum."""

    ref: ResourceRef
    found: ConfigMap | Secret | None = field(default=None, repr=False)
    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    digest: str = ""

    @property
    def text(self) -> str:
        return f"{self.ref.kind} {self.ref.name}"

    @property
    def wrong_type(self) -> str:
        """What is wrong with the type of a Secret, in words; empty when nothing is."""
        if not isinstance(self.found, Secret) or self.found.type == RESOURCE_SET_SECRET_TYPE:
            return ""
        told = f"Secret type of resource {self.ref.name} is not supported"
        return f"{told}: it is {self.found.type or 'Opaque'}, and must be {RESOURCE_SET_SECRET_TYPE}"


@dataclass(frozen=True, slots=True)
class Target:
    """A Cluster that the set selects. `waits_for` says why its workload cluster cannot be reached now; empty when
    it can."""

    cluster: Cluster
    binding: ClusterResourceSetBinding | None = None
    kubeconfig: bytes = field(default=b"", repr=False)
    waits_for: str = ""

    @property
    def name(self) -> str:
        return self.cluster.metadata.name

    @property
    def key(self) -> Key:
        return Key(self.cluster.metadata.namespace, self.cluster.metadata.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSetSnapshot:
    """`targets` are the selected Clusters that stay; `bindings` are all records that name the set, read while it is
    deleted."""

    resource_set: ClusterResourceSet
    now: datetime
    sources: tuple[Source, ...] = ()
    targets: tuple[Target, ...] = ()
    bindings: tuple[ClusterResourceSetBinding, ...] = ()

    @property
    def name(self) -> str:
        return self.resource_set.metadata.name

    @property
    def subject(self) -> ObjectRef:
        meta = self.resource_set.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)

    @property
    def paused(self) -> bool:
        return PAUSED_ANNOTATION in self.resource_set.metadata.annotations

    @property
    def deleting(self) -> bool:
        return self.resource_set.metadata.deletion_timestamp is not None

    @property
    def repeats(self) -> bool:
        """Whether what changed is applied again."""
        return self.resource_set.spec.strategy == RECONCILE

    def due(self, target: Target) -> tuple[Source, ...]:
        """What is to be applied to a cluster now, in the order of the set."""
        return tuple(s for s in self.sources if s.found is not None and self._is_due(s, record_of(self, target, s)))

    def _is_due(self, source: Source, record: ResourceBinding | None) -> bool:
        if record is None or not record.applied:
            return True
        return self.repeats and record.hash != source.digest


def own_part(binding: ClusterResourceSetBinding | None, name: str) -> ResourceSetBinding | None:
    """What a record says of one set."""
    parts = binding.spec.bindings if binding is not None else ()
    return next((part for part in parts if part.cluster_resource_set_name == name), None)


def record_of(snapshot: ResourceSetSnapshot, target: Target, source: Source) -> ResourceBinding | None:
    """What became of one ConfigMap or Secret in one cluster."""
    part = own_part(target.binding, snapshot.name)
    resources = part.resources if part is not None else ()
    return next((r for r in resources if (r.kind, r.name) == (source.ref.kind, source.ref.name)), None)
