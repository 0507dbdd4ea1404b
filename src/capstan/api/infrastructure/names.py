"""Names of the Proxmox VE provider: finalizers, labels, annotations, and how objects and VMs are called."""

from __future__ import annotations

from typing import Final

GROUP: Final = "infrastructure.cluster.x-k8s.io"

CLUSTER_FINALIZER: Final = "proxmoxcluster.infrastructure.cluster.x-k8s.io"
MACHINE_FINALIZER: Final = "proxmoxmachine.infrastructure.cluster.x-k8s.io"
CREDENTIALS_FINALIZER: Final = "proxmoxcluster.infrastructure.cluster.x-k8s.io/secret"

ZONE_LABEL: Final = "topology.kubernetes.io/proxmox-zone"
DEFAULT_ZONE: Final = "default"

# Annotations of pools
IP_FAMILY_ANNOTATION: Final = "ipam.capmox.cluster.x-k8s.io/ip-family"
GATEWAY_METRIC_ANNOTATION: Final = "ipam.capmox.cluster.x-k8s.io/gateway-metric"
OLD_METRIC_ANNOTATION: Final = "metric"

# Annotations of claims
POOL_OFFSET_ANNOTATION: Final = "ipam.capmox.cluster.x-k8s.io/pool-ref-counter"
DEFAULT_GATEWAY_ANNOTATION: Final = "ipam.capmox.cluster.x-k8s.io/default-gateway"

#: What the clone will be: its VMID and a nonce, written before the clone is asked for.
VM_IDENTITY: Final = "capstan.dev/vm-identity"

PROVIDER_ID_PREFIX: Final = "proxmox://"
