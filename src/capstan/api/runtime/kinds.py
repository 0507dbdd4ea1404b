"""The kind of the runtime group, and how tables show it."""

from __future__ import annotations

from capstan.api.cluster.names import CONTRACT_V1BETA1_LABEL, CONTRACT_V1BETA2_LABEL, PROVIDER_LABEL
from capstan.api.kinds import AGE, Column, Kind, Version
from capstan.api.runtime.admission import admit_extension_config
from capstan.api.runtime.conversion import convert_extensionconfig
from capstan.api.runtime.extensionconfig import ExtensionConfig
from capstan.api.runtime.v1alpha1.extensionconfig import ExtensionConfig as ExtensionConfigV1Alpha1

GROUP = "runtime.cluster.x-k8s.io"

_COLUMNS = (
    Column("Paused", '.status.conditions[?(@.type=="Paused")].status', "string", 10),
    Column("Discovered", '.status.conditions[?(@.type=="Discovered")].status'),
    AGE,
)

EXTENSION_CONFIG = Kind(
    group=GROUP,
    kind="ExtensionConfig",
    plural="extensionconfigs",
    versions=(
        Version("v1beta2", ExtensionConfig, storage=True, columns=_COLUMNS),
        Version("v1alpha1", ExtensionConfigV1Alpha1, deprecated=True, columns=(AGE,)),
    ),
    short_names=("ext",),
    categories=("cluster-api",),
    namespaced=False,
    labels={PROVIDER_LABEL: "cluster-api", CONTRACT_V1BETA1_LABEL: "v1alpha1", CONTRACT_V1BETA2_LABEL: "v1beta2"},
    convert=convert_extensionconfig,
    admit=admit_extension_config,
)

KINDS = (EXTENSION_CONFIG,)
