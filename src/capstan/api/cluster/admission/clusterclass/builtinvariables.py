"""The variables that every Cluster of a class has by itself, as patches may name them (cluster-api-core.md 8.5)."""

from __future__ import annotations

from typing import Final

_METADATA: Final = ("metadata.labels", "metadata.annotations")
_WORKERS: Final = (
    "",
    *("class", "name", "replicas", "topologyName", "version"),
    *_METADATA,
    "bootstrap.configRef.name",
    "infrastructureRef.name",
)
_PARTS: Final = {
    "cluster": (
        *("", "name", "namespace", "uid"),
        *_METADATA,
        *("topology", "topology.classRef.name", "topology.classRef.namespace", "topology.class"),
        *("topology.classNamespace", "topology.version"),
        *("network", "network.serviceDomain", "network.services", "network.pods"),
    ),
    "controlPlane": (
        *("", "name", "replicas", "version"),
        *_METADATA,
        "machineTemplate.infrastructureRef.name",
    ),
    "machineDeployment": _WORKERS,
    "machinePool": _WORKERS,
}

BUILTIN_VARIABLES: Final = frozenset(
    ".".join(("builtin", part, leaf)).removesuffix(".") for part, leaves in _PARTS.items() for leaf in leaves
)
