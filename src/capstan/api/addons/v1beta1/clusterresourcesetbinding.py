"""ClusterResourceSetBinding, the record of what was applied to one cluster, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.addons.clusterresourcesetbinding import ResourceBinding
from capstan.api.addons.resource import ResourceName
from capstan.api.facts import Required, Text63, items
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class ResourceSetBinding(Struct, frozen=True, kw_only=True):
    """What one ClusterResourceSet applied.

    cluster_resource_set_name: the name of the set.
    resources: what became of each ConfigMap and Secret.
    """

    cluster_resource_set_name: Required[ResourceName] = ""
    resources: Annotated[tuple[ResourceBinding, ...], items(None, 100)] = ()


class ClusterResourceSetBindingSpec(Struct, frozen=True, kw_only=True):
    """What was applied to the cluster.

    bindings: by ClusterResourceSet.
    cluster_name: the Cluster; never changes.
    """

    bindings: Annotated[tuple[ResourceSetBinding, ...], items(None, 100)] = ()
    cluster_name: Text63 = ""


class ClusterResourceSetBinding(TypedObject, frozen=True, kw_only=True):
    """Records what all ClusterResourceSets applied to one cluster; it has the Cluster's name.

    spec: what was applied.
    """

    spec: ClusterResourceSetBindingSpec = ClusterResourceSetBindingSpec()
