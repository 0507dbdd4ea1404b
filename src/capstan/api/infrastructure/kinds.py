"""Kinds of the Proxmox VE provider and how tables show them."""

from __future__ import annotations

from capstan.api.cluster.names import CONTRACT_V1BETA1_LABEL, CONTRACT_V1BETA2_LABEL, PROVIDER_LABEL
from capstan.api.infrastructure.admission import (
    admit_proxmox_cluster,
    admit_proxmox_cluster_template,
    admit_proxmox_machine,
    admit_proxmox_machine_template,
)
from capstan.api.infrastructure.conversion import (
    convert_proxmoxcluster,
    convert_proxmoxclustertemplate,
    convert_proxmoxmachine,
    convert_proxmoxmachinetemplate,
)
from capstan.api.infrastructure.names import GROUP
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.infrastructure.proxmoxclustertemplate import ProxmoxClusterTemplate
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.infrastructure.proxmoxmachinetemplate import ProxmoxMachineTemplate
from capstan.api.infrastructure.v1alpha1.proxmoxcluster import ProxmoxCluster as ProxmoxClusterV1Alpha1
from capstan.api.infrastructure.v1alpha1.proxmoxclustertemplate import (
    ProxmoxClusterTemplate as ProxmoxClusterTemplateV1Alpha1,
)
from capstan.api.infrastructure.v1alpha1.proxmoxmachine import ProxmoxMachine as ProxmoxMachineV1Alpha1
from capstan.api.infrastructure.v1alpha1.proxmoxmachinetemplate import (
    ProxmoxMachineTemplate as ProxmoxMachineTemplateV1Alpha1,
)
from capstan.api.kinds import Column, Kind, Version


def _proxmox_cluster_columns(ready: str) -> tuple[Column, ...]:
    return (
        Column("Cluster", r".metadata.labels['cluster\.x-k8s\.io/cluster-name']"),
        Column("Ready", ready),
        Column("Endpoint", ".spec.controlPlaneEndpoint"),
    )


_LABELS = {
    PROVIDER_LABEL: "infrastructure-proxmox",
    CONTRACT_V1BETA1_LABEL: "v1alpha2",
    CONTRACT_V1BETA2_LABEL: "v1alpha2",
}

PROXMOX_CLUSTER = Kind(
    group=GROUP,
    kind="ProxmoxCluster",
    plural="proxmoxclusters",
    versions=(
        Version(
            "v1alpha2",
            ProxmoxCluster,
            storage=True,
            columns=_proxmox_cluster_columns(".status.initialization.provisioned"),
        ),
        Version("v1alpha1", ProxmoxClusterV1Alpha1, columns=_proxmox_cluster_columns(".status.ready")),
    ),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_proxmoxcluster,
    admit=admit_proxmox_cluster,
)

PROXMOX_CLUSTER_TEMPLATE = Kind(
    group=GROUP,
    kind="ProxmoxClusterTemplate",
    plural="proxmoxclustertemplates",
    versions=(
        Version("v1alpha2", ProxmoxClusterTemplate, storage=True, status=False),
        Version("v1alpha1", ProxmoxClusterTemplateV1Alpha1),
    ),
    short_names=("pct",),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_proxmoxclustertemplate,
    admit=admit_proxmox_cluster_template,
)


def _proxmox_machine_columns(ready: str) -> tuple[Column, ...]:
    return (
        Column("Cluster", r".metadata.labels.cluster\.x-k8s\.io/cluster-name"),
        Column("Ready", ready),
        Column("Node", ".status.proxmoxNode"),
        Column("Provider_ID", ".spec.providerID"),
        Column("Machine", '.metadata.ownerReferences[?(@.kind=="Machine")].name'),
    )


PROXMOX_MACHINE = Kind(
    group=GROUP,
    kind="ProxmoxMachine",
    plural="proxmoxmachines",
    versions=(
        Version(
            "v1alpha2",
            ProxmoxMachine,
            storage=True,
            columns=_proxmox_machine_columns(".status.initialization.provisioned"),
        ),
        Version("v1alpha1", ProxmoxMachineV1Alpha1, columns=_proxmox_machine_columns(".status.ready")),
    ),
    short_names=("moxm",),
    categories=("cluster-api", "proxmox"),
    labels=_LABELS,
    convert=convert_proxmoxmachine,
    admit=admit_proxmox_machine,
)

PROXMOX_MACHINE_TEMPLATE = Kind(
    group=GROUP,
    kind="ProxmoxMachineTemplate",
    plural="proxmoxmachinetemplates",
    versions=(
        Version("v1alpha2", ProxmoxMachineTemplate, storage=True, status=False),
        Version("v1alpha1", ProxmoxMachineTemplateV1Alpha1, status=False),
    ),
    short_names=("pmt",),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_proxmoxmachinetemplate,
    admit=admit_proxmox_machine_template,
)

KINDS = (
    PROXMOX_CLUSTER,
    PROXMOX_CLUSTER_TEMPLATE,
    PROXMOX_MACHINE,
    PROXMOX_MACHINE_TEMPLATE,
)
