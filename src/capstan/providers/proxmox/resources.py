"""The API resources that this provider reads and writes, and the names that it shares with CAPMOX."""

from __future__ import annotations

from capstan.api.objects import Resource

INFRASTRUCTURE = "infrastructure.cluster.x-k8s.io"
IPAM = "ipam.cluster.x-k8s.io"

PROXMOX_CLUSTERS = Resource(INFRASTRUCTURE, "v1alpha2", "proxmoxclusters", "ProxmoxCluster")
PROXMOX_MACHINES = Resource(INFRASTRUCTURE, "v1alpha2", "proxmoxmachines", "ProxmoxMachine")
POOLS = Resource(IPAM, "v1alpha2", "inclusterippools", "InClusterIPPool")
CLAIMS = Resource(IPAM, "v1beta2", "ipaddressclaims", "IPAddressClaim")
SECRETS = Resource("", "v1", "secrets", "Secret")
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)

CLUSTER_FINALIZER = "proxmoxcluster.infrastructure.cluster.x-k8s.io"
MACHINE_FINALIZER = "proxmoxmachine.infrastructure.cluster.x-k8s.io"
SECRET_FINALIZER = "proxmoxcluster.infrastructure.cluster.x-k8s.io/secret"

CLUSTER_LABEL = "cluster.x-k8s.io/cluster-name"
CONTROL_PLANE_LABEL = "cluster.x-k8s.io/control-plane"
ZONE_LABEL = "topology.kubernetes.io/proxmox-zone"
PAUSED_ANNOTATION = "cluster.x-k8s.io/paused"
MANAGED_BY_ANNOTATION = "cluster.x-k8s.io/managed-by"

FAMILY_ANNOTATION = "ipam.capmox.cluster.x-k8s.io/ip-family"
METRIC_ANNOTATION = "ipam.capmox.cluster.x-k8s.io/gateway-metric"
OFFSET_ANNOTATION = "ipam.capmox.cluster.x-k8s.io/pool-ref-counter"
GATEWAY_ANNOTATION = "ipam.capmox.cluster.x-k8s.io/default-gateway"

#: The zone of machines and pools that name none.
DEFAULT_ZONE = "default"

#: Which VM belongs to a ProxmoxMachine, written down before the VM is asked for.
IDENTITY_ANNOTATION = "capstan.dev/vm-identity"

#: The tag that a VM carries while its data ISO is attached, as CAPMOX names it.
SEED_TAG = "go-proxmox+cloud-init"
