"""The kind of the Talos control plane provider and how tables show it."""

from __future__ import annotations

from capstan.api.cluster.names import CONTRACT_V1BETA1_LABEL, PROVIDER_LABEL
from capstan.api.controlplane.admission import admit_talos_control_plane
from capstan.api.controlplane.names import GROUP
from capstan.api.controlplane.taloscontrolplane import TalosControlPlane
from capstan.api.kinds import Column, Kind, ScalePaths, Version

_SCALE = ScalePaths(label_selector=".status.selector")
_TALOS_CONTROL_PLANE_COLUMNS = (
    Column("Ready", ".status.ready", "boolean"),
    Column("Initialized", ".status.initialized", "boolean"),
    Column("Replicas", ".status.replicas", "integer"),
    Column("Ready Replicas", ".status.readyReplicas", "integer"),
    Column("Unavailable Replicas", ".status.unavailableReplicas", "integer"),
)

_LABELS = {PROVIDER_LABEL: "control-plane-talos", CONTRACT_V1BETA1_LABEL: "v1alpha3"}

TALOS_CONTROL_PLANE = Kind(
    group=GROUP,
    kind="TalosControlPlane",
    plural="taloscontrolplanes",
    versions=(
        Version("v1alpha3", TalosControlPlane, storage=True, columns=_TALOS_CONTROL_PLANE_COLUMNS, scale=_SCALE),
    ),
    short_names=("tcp",),
    categories=("cluster-api",),
    labels=_LABELS,
    admit=admit_talos_control_plane,
)

KINDS = (TALOS_CONTROL_PLANE,)
