"""ClusterResourceSetBinding, the record of what was applied to one cluster."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from capstan.api.addons.resource import ResourceKind, ResourceName
from capstan.api.facts import ATOMIC_LIST, Required, Text63, Text256, items
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class ResourceBinding(Struct, frozen=True, kw_only=True):
    """What became of one ConfigMap or Secret.

    applied: whether all of its manifests were applied.
    hash: the sum of what was tried last.
    kind: ConfigMap or Secret.
    last_applied_time: when it was tried last.
    name: its name.
    """

    applied: Required[bool] = msgspec.field(default_factory=bool)
    hash: Text256 = ""
    kind: Required[ResourceKind] = ""
    last_applied_time: datetime | None = None
    name: Required[ResourceName] = ""


class ResourceSetBinding(Struct, frozen=True, kw_only=True):
    """What one ClusterResourceSet applied.

    cluster_resource_set_name: the name of the set.
    resources: what became of each ConfigMap and Secret.
    """

    cluster_resource_set_name: Required[ResourceName] = ""
    resources: Annotated[tuple[ResourceBinding, ...], items(None, 100), ATOMIC_LIST] = ()


class ClusterResourceSetBindingSpec(Struct, frozen=True, kw_only=True):
    """What was applied to the cluster.

    bindings: by ClusterResourceSet.
    cluster_name: the Cluster; never changes.
    """

    bindings: Annotated[tuple[ResourceSetBinding, ...], items(None, 100), ATOMIC_LIST] = ()
    cluster_name: Required[Text63] = ""


class ClusterResourceSetBinding(TypedObject, frozen=True, kw_only=True):
    """Records what all ClusterResourceSets applied to one cluster; it has the Cluster's name.

    spec: what was applied.
    """

    spec: Required[ClusterResourceSetBindingSpec] = ClusterResourceSetBindingSpec()
