"""Kinds of the add-ons group, and how tables show them."""

from __future__ import annotations

from capstan.api.addons.admission import admit_cluster_resource_set, admit_cluster_resource_set_binding
from capstan.api.addons.clusterresourceset import ClusterResourceSet
from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding
from capstan.api.addons.conversion import convert_clusterresourceset, convert_clusterresourcesetbinding
from capstan.api.addons.names import GROUP
from capstan.api.addons.v1beta1.clusterresourceset import ClusterResourceSet as ClusterResourceSetV1Beta1
from capstan.api.addons.v1beta1.clusterresourcesetbinding import (
    ClusterResourceSetBinding as ClusterResourceSetBindingV1Beta1,
)
from capstan.api.cluster.names import CONTRACT_V1BETA1_LABEL, CONTRACT_V1BETA2_LABEL, PROVIDER_LABEL
from capstan.api.kinds import AGE, Column, Kind, Version

_LABELS = {PROVIDER_LABEL: "cluster-api", CONTRACT_V1BETA1_LABEL: "v1beta1", CONTRACT_V1BETA2_LABEL: "v1beta2"}

_SET_COLUMNS = (
    Column("Applied", '.status.conditions[?(@.type=="ResourcesApplied")].status'),
    Column("Paused", '.status.conditions[?(@.type=="Paused")].status', "string", 10),
    AGE,
)

CLUSTER_RESOURCE_SET = Kind(
    group=GROUP,
    kind="ClusterResourceSet",
    plural="clusterresourcesets",
    versions=(
        Version("v1beta2", ClusterResourceSet, storage=True, columns=_SET_COLUMNS),
        Version("v1beta1", ClusterResourceSetV1Beta1, deprecated=True, columns=(AGE,)),
    ),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_clusterresourceset,
    admit=admit_cluster_resource_set,
)

_BINDING_COLUMNS = (Column("Cluster", ".spec.clusterName"), AGE)

CLUSTER_RESOURCE_SET_BINDING = Kind(
    group=GROUP,
    kind="ClusterResourceSetBinding",
    plural="clusterresourcesetbindings",
    versions=(
        Version("v1beta2", ClusterResourceSetBinding, storage=True, columns=_BINDING_COLUMNS, status=False),
        Version("v1beta1", ClusterResourceSetBindingV1Beta1, deprecated=True, columns=(AGE,)),
    ),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_clusterresourcesetbinding,
    admit=admit_cluster_resource_set_binding,
)

KINDS = (
    CLUSTER_RESOURCE_SET,
    CLUSTER_RESOURCE_SET_BINDING,
)
