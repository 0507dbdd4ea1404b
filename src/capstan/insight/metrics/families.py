"""Which metrics there are of which kind: the names and labels of Cluster API's configuration of kube-state-metrics,
which existing dashboards and alerts ask for (cluster-api-core.md 17.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

#: Where a value stands in an object.
Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """Always 1; tells by its labels. With a `path` it is there only when something is there, once for each entry of
    a list; its labels are then looked for below that."""

    name: str
    text: str
    labels: Mapping[str, Path]
    path: Path = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A count, a switch or an instant. What is missing is left out, or zero."""

    name: str
    text: str
    path: Path
    zero: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """One of a few words: 1 for that which holds, 0 for the others."""

    name: str
    text: str
    label: str
    path: Path
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Each condition by its three states, and since when it is so."""


Family: TypeAlias = Info | Number | States | Conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class KindMetrics:
    """The metrics of one kind. `labels` are those that all have besides name, namespace and uid."""

    group: str
    kind: str
    families: tuple[Family, ...] = (Conditions(),)
    labels: Mapping[str, Path] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return f"capi_{self.kind.lower()}"


def _path(text: str) -> Path:
    return tuple(text.split("."))


def _paths(**paths: str) -> dict[str, Path]:
    return {label: _path(text) for label, text in paths.items()}


CORE: Final = "cluster.x-k8s.io"
_CLUSTER: Final = _paths(cluster_name="spec.clusterName")
_CREATED: Final = Number(name="created", text="When it was created", path=("metadata", "creationTimestamp"))
_PAUSED: Final = Info(
    name="annotation_paused",
    text="It has the annotation that pauses it",
    path=("metadata", "annotations", "cluster.x-k8s.io/paused"),
    labels={"paused_value": ()},
)
_SPEC_PAUSED: Final = Number(
    name="spec_paused", text="Whether spec.paused is set", path=_path("spec.paused"), zero=True
)
_COMMON: Final[tuple[Family, ...]] = (_PAUSED, _CREATED, Conditions())
_WANTED: Final = Number(name="spec_replicas", text="Machines that are wanted", path=_path("spec.replicas"))
_COUNTS: Final[tuple[Family, ...]] = tuple(
    Number(name=f"status_{name}", text=text, path=("status", path), zero=True)
    for name, path, text in (
        ("replicas", "replicas", "Machines"),
        ("replicas_available", "availableReplicas", "Machines that are Available"),
        ("replicas_ready", "readyReplicas", "Machines that are Ready"),
        ("replicas_uptodate", "upToDateReplicas", "Machines that are as wanted"),
    )
)


def _phases(*words: str) -> States:
    return States(
        name="status_phase", text="Where in its life it is", label="phase", path=_path("status.phase"), words=words
    )


_OF_SETS: Final = _phases("ScalingUp", "ScalingDown", "Running", "Failed", "Unknown")


def _info(**paths: str) -> Info:
    return Info(name="info", text="What it refers to", labels=_paths(**paths))


def _template(bootstrap: str = "bootstrap_reference") -> dict[str, str]:
    """Labels of what makes Machines."""
    at = "spec.template.spec"
    return {
        f"{bootstrap}_kind": f"{at}.bootstrap.configRef.kind",
        f"{bootstrap}_name": f"{at}.bootstrap.configRef.name",
        "infrastructure_reference_kind": f"{at}.infrastructureRef.kind",
        "infrastructure_reference_name": f"{at}.infrastructureRef.name",
        "version": f"{at}.version",
    }


def _strategy(part: str, path: str) -> Number:
    text = f"{path} of a rolling update"
    at = ("spec", "rollout", "strategy", "rollingUpdate", path)
    return Number(name=f"spec_strategy_rollingupdate_{part}", text=text, path=at)


_SURGE: Final = _strategy("max_surge", "maxSurge")

_OF_CLUSTER: Final = (
    *_COMMON,
    _SPEC_PAUSED,
    _phases("Pending", "Provisioning", "Provisioned", "Deleting", "Failed", "Unknown"),
    _info(
        control_plane_endpoint_host="spec.controlPlaneEndpoint.host",
        control_plane_endpoint_port="spec.controlPlaneEndpoint.port",
        control_plane_reference_kind="spec.controlPlaneRef.kind",
        control_plane_reference_name="spec.controlPlaneRef.name",
        infrastructure_reference_kind="spec.infrastructureRef.kind",
        infrastructure_reference_name="spec.infrastructureRef.name",
    ),
)
_OF_MACHINE: Final = (
    *_COMMON,
    _phases(
        "Pending", "Provisioning", "Provisioned", "Running", "Updating", "Deleting", "Deleted", "Failed", "Unknown"
    ),
    Info(
        name="info",
        text="What it refers to, and what runs on it",
        labels={
            **_paths(
                bootstrap_reference_kind="spec.bootstrap.configRef.kind",
                bootstrap_reference_name="spec.bootstrap.configRef.name",
                container_runtime_version="status.nodeInfo.containerRuntimeVersion",
                failure_domain="spec.failureDomain",
                infrastructure_reference_kind="spec.infrastructureRef.kind",
                infrastructure_reference_name="spec.infrastructureRef.name",
                kernel_version="status.nodeInfo.kernelVersion",
                kube_proxy_version="status.nodeInfo.kubeProxyVersion",
                kubelet_version="status.nodeInfo.kubeletVersion",
                os_image="status.nodeInfo.osImage",
                provider_id="spec.providerID",
                version="spec.version",
            ),
            "control_plane_name": ("metadata", "labels", "cluster.x-k8s.io/control-plane-name"),
        },
    ),
    Info(
        name="addresses",
        text="Its addresses",
        path=_path("status.addresses"),
        labels=_paths(address="address", type="type"),
    ),
    Info(name="status_noderef", text="Its Node", path=_path("status.nodeRef"), labels=_paths(node_name="name")),
    Number(
        name="status_certificatesexpirydate",
        text="When the certificates of a control plane machine expire; 0 when nobody knows",
        path=_path("status.certificatesExpiryDate"),
        zero=True,
    ),
)
_OF_CHECK: Final = (
    *_COMMON,
    _info(
        remediation_triggerif_unhealthyinrange="spec.remediation.triggerIf.unhealthyInRange",
        remediation_triggerif_unhealthylessthanorequalto="spec.remediation.triggerIf.unhealthyLessThanOrEqualTo",
    ),
    *(
        Number(name=f"status_{name}", text=text, path=("status", path), zero=True)
        for name, path, text in (
            ("current_healthy", "currentHealthy", "Machines that are healthy"),
            ("expected_machines", "expectedMachines", "Machines that are looked after"),
            ("remediations_allowed", "remediationsAllowed", "Machines that may be remediated now"),
        )
    ),
)

KINDS: Final = (
    KindMetrics(group=CORE, kind="Cluster", families=_OF_CLUSTER),
    KindMetrics(group=CORE, kind="ClusterClass", families=_COMMON),
    KindMetrics(group=CORE, kind="Machine", families=_OF_MACHINE, labels=_CLUSTER),
    KindMetrics(
        group=CORE,
        kind="MachineSet",
        families=(*_COMMON, _info(**_template()), _WANTED, *_COUNTS),
        labels=_CLUSTER,
    ),
    KindMetrics(
        group=CORE,
        kind="MachineDeployment",
        families=(
            *_COMMON,
            _SPEC_PAUSED,
            _OF_SETS,
            _info(**_template()),
            _WANTED,
            _SURGE,
            _strategy("max_unavailable", "maxUnavailable"),
            *_COUNTS,
        ),
        labels=_CLUSTER,
    ),
    KindMetrics(
        group=CORE,
        kind="MachinePool",
        families=(
            *_COMMON,
            _OF_SETS,
            _info(**_template("bootstrap_configuration_reference"), failure_domain="spec.template.spec.failureDomain"),
            _WANTED,
            *_COUNTS,
        ),
        labels=_CLUSTER,
    ),
    KindMetrics(group=CORE, kind="MachineHealthCheck", families=_OF_CHECK, labels=_CLUSTER),
    KindMetrics(
        group="controlplane.cluster.x-k8s.io",
        kind="TalosControlPlane",
        families=(*_COMMON, _info(version="spec.version"), _WANTED, *_COUNTS[:1], *_COUNTS[2:3]),
        labels={"cluster_name": ("metadata", "labels", "cluster.x-k8s.io/cluster-name")},
    ),
    KindMetrics(group="addons.cluster.x-k8s.io", kind="ClusterResourceSet"),
    KindMetrics(
        group="ipam.cluster.x-k8s.io",
        kind="IPAddressClaim",
        labels={"cluster_name": ("metadata", "labels", "cluster.x-k8s.io/cluster-name")},
    ),
    KindMetrics(group="runtime.cluster.x-k8s.io", kind="ExtensionConfig"),
)
