"""What a machine configuration is generated from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from capstan.providers.talos.config.contract import NEWEST, Contract

MachineType = Literal["controlplane", "worker", "init"]

DEFAULT_DNS_DOMAIN = "cluster.local"
DEFAULT_POD_SUBNET = "10.244.0.0/16"
DEFAULT_SERVICE_SUBNET = "10.96.0.0/12"
DISCOVERY_ENDPOINT = "https://discovery.talos.dev/"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomCni:
    """A CNI whose manifests Talos applies from URLs."""

    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateInput:
    """`endpoint` is a URL; `kubernetes_version` has no leading v. No install disk: no install section to speak of."""

    machine_type: MachineType
    cluster_name: str
    endpoint: str
    kubernetes_version: str
    contract: Contract = NEWEST
    dns_domain: str = DEFAULT_DNS_DOMAIN
    pod_subnets: tuple[str, ...] = (DEFAULT_POD_SUBNET,)
    service_subnets: tuple[str, ...] = (DEFAULT_SERVICE_SUBNET,)
    additional_sans: tuple[str, ...] = ()
    install_disk: str = ""
    install_image: str = ""
    install_kernel_args: tuple[str, ...] = ()
    allow_scheduling_on_control_planes: bool = False
    local_api_server_port: int = 0
    sysctls: Mapping[str, str] = field(default_factory=dict)
    custom_cni: CustomCni | None = None
    registry_mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_control_plane(self) -> bool:
        return self.machine_type in ("controlplane", "init")

    def image(self, component: str) -> str:
        """The image of a Kubernetes component in this version."""
        registry = "ghcr.io/siderolabs" if component == "kubelet" else "registry.k8s.io"
        return f"{registry}/{component}:v{self.kubernetes_version}"


def pod_security() -> dict[str, object]:
    """The admission configuration that Talos has by default."""
    return {
        "apiVersion": "pod-security.admission.config.k8s.io/v1alpha1",
        "defaults": {
            "audit": "restricted",
            "audit-version": "latest",
            "enforce": "baseline",
            "enforce-version": "latest",
            "warn": "restricted",
            "warn-version": "latest",
        },
        "exemptions": {"namespaces": ["kube-system"], "runtimeClasses": [], "usernames": []},
        "kind": "PodSecurityConfiguration",
    }


def audit_policy() -> dict[str, object]:
    """Metadata of every request."""
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
