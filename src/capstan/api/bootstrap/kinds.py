"""Kinds of the Talos bootstrap provider and how tables show them."""

from __future__ import annotations

from capstan.api.bootstrap.admission import admit_talos_config, admit_talos_config_template
from capstan.api.bootstrap.conversion import convert_talosconfig, convert_talosconfigtemplate
from capstan.api.bootstrap.names import GROUP
from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.bootstrap.talosconfigtemplate import TalosConfigTemplate
from capstan.api.bootstrap.v1alpha3.talosconfig import TalosConfig as TalosConfigV1Alpha3
from capstan.api.bootstrap.v1alpha3.talosconfigtemplate import TalosConfigTemplate as TalosConfigTemplateV1Alpha3
from capstan.api.cluster.names import CONTRACT_V1BETA1_LABEL, CONTRACT_V1BETA2_LABEL, PROVIDER_LABEL
from capstan.api.kinds import AGE, Column, Kind, Version

_TALOS_CONFIG_COLUMNS = (
    Column("Cluster", r".metadata.labels['cluster\.x-k8s\.io/cluster-name']"),
    Column("Initialized", ".status.initialization.dataSecretCreated"),
    Column("Bootstrap secret", ".status.dataSecretName"),
    AGE,
)

_LABELS = {PROVIDER_LABEL: "bootstrap-talos", CONTRACT_V1BETA1_LABEL: "v1alpha3", CONTRACT_V1BETA2_LABEL: "v1beta1"}

TALOS_CONFIG = Kind(
    group=GROUP,
    kind="TalosConfig",
    plural="talosconfigs",
    versions=(
        Version("v1beta1", TalosConfig, storage=True, columns=_TALOS_CONFIG_COLUMNS),
        Version("v1alpha3", TalosConfigV1Alpha3),
    ),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_talosconfig,
    admit=admit_talos_config,
)

_TALOS_CONFIG_TEMPLATE_COLUMNS = (
    Column("ClusterClass", '.metadata.ownerReferences[?(@.kind=="ClusterClass")].name'),
    Column("Cluster", '.metadata.ownerReferences[?(@.kind=="Cluster")].name'),
    AGE,
)

TALOS_CONFIG_TEMPLATE = Kind(
    group=GROUP,
    kind="TalosConfigTemplate",
    plural="talosconfigtemplates",
    versions=(
        Version("v1beta1", TalosConfigTemplate, storage=True, columns=_TALOS_CONFIG_TEMPLATE_COLUMNS),
        Version("v1alpha3", TalosConfigTemplateV1Alpha3),
    ),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_talosconfigtemplate,
    admit=admit_talos_config_template,
)

KINDS = (
    TALOS_CONFIG,
    TALOS_CONFIG_TEMPLATE,
)
