"""Names that Cluster API's core gives a meaning: labels, annotations, finalizers and taints."""

from __future__ import annotations

from typing import Final

GROUP: Final = "cluster.x-k8s.io"

# Labels
CLUSTER_NAME_LABEL: Final = "cluster.x-k8s.io/cluster-name"
CONTROL_PLANE_LABEL: Final = "cluster.x-k8s.io/control-plane"
CONTROL_PLANE_NAME_LABEL: Final = "cluster.x-k8s.io/control-plane-name"
DEPLOYMENT_NAME_LABEL: Final = "cluster.x-k8s.io/deployment-name"
SET_NAME_LABEL: Final = "cluster.x-k8s.io/set-name"
POOL_NAME_LABEL: Final = "cluster.x-k8s.io/pool-name"
INTERRUPTIBLE_LABEL: Final = "cluster.x-k8s.io/interruptible"
WATCH_FILTER_LABEL: Final = "cluster.x-k8s.io/watch-filter"
DRAIN_LABEL: Final = "cluster.x-k8s.io/drain"
PROVIDER_LABEL: Final = "cluster.x-k8s.io/provider"
TEMPLATE_HASH_LABEL: Final = "machine-template-hash"
TOPOLOGY_OWNED_LABEL: Final = "topology.cluster.x-k8s.io/owned"
TOPOLOGY_DEPLOYMENT_NAME_LABEL: Final = "topology.cluster.x-k8s.io/deployment-name"
TOPOLOGY_POOL_NAME_LABEL: Final = "topology.cluster.x-k8s.io/pool-name"
#: On CRDs: which of their versions follow a contract, highest last, joined by "_".
CONTRACT_V1BETA1_LABEL: Final = "cluster.x-k8s.io/v1beta1"
CONTRACT_V1BETA2_LABEL: Final = "cluster.x-k8s.io/v1beta2"
CLUSTERCTL_MOVE_LABEL: Final = "clusterctl.cluster.x-k8s.io/move"
CLUSTERCTL_MOVE_HIERARCHY_LABEL: Final = "clusterctl.cluster.x-k8s.io/move-hierarchy"
#: Label prefixes and domains that go from a Machine to its Node.
NODE_ROLE_DOMAIN: Final = "node-role.kubernetes.io"
NODE_RESTRICTION_DOMAIN: Final = "node-restriction.kubernetes.io"
MANAGED_NODE_DOMAIN: Final = "node.cluster.x-k8s.io"

# Annotations
PAUSED_ANNOTATION: Final = "cluster.x-k8s.io/paused"
CLONED_FROM_NAME_ANNOTATION: Final = "cluster.x-k8s.io/cloned-from-name"
CLONED_FROM_GROUP_KIND_ANNOTATION: Final = "cluster.x-k8s.io/cloned-from-groupkind"
MANAGED_BY_ANNOTATION: Final = "cluster.x-k8s.io/managed-by"
DELETE_MACHINE_ANNOTATION: Final = "cluster.x-k8s.io/delete-machine"
SKIP_REMEDIATION_ANNOTATION: Final = "cluster.x-k8s.io/skip-remediation"
REMEDIATE_MACHINE_ANNOTATION: Final = "cluster.x-k8s.io/remediate-machine"
DISABLE_MACHINE_CREATE_ANNOTATION: Final = "cluster.x-k8s.io/disable-machine-create"
REPLICAS_MANAGED_BY_ANNOTATION: Final = "cluster.x-k8s.io/replicas-managed-by"
AUTOSCALER_MIN_SIZE_ANNOTATION: Final = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"
AUTOSCALER_MAX_SIZE_ANNOTATION: Final = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size"
CONVERSION_DATA_ANNOTATION: Final = "cluster.x-k8s.io/conversion-data"
CERTIFICATES_EXPIRY_ANNOTATION: Final = "machine.cluster.x-k8s.io/certificates-expiry"
EXCLUDE_NODE_DRAINING_ANNOTATION: Final = "machine.cluster.x-k8s.io/exclude-node-draining"
EXCLUDE_WAIT_FOR_NODE_VOLUME_DETACH_ANNOTATION: Final = "machine.cluster.x-k8s.io/exclude-wait-for-node-volume-detach"
#: Prefixes: any annotation that starts with one of these holds a deletion back at that point.
PRE_DRAIN_HOOK_PREFIX: Final = "pre-drain.delete.hook.machine.cluster.x-k8s.io"
PRE_TERMINATE_HOOK_PREFIX: Final = "pre-terminate.delete.hook.machine.cluster.x-k8s.io"
SKIP_PREFLIGHT_CHECKS_ANNOTATION: Final = "machineset.cluster.x-k8s.io/skip-preflight-checks"
#: The plural "clusters" is upstream's.
REVISION_ANNOTATION: Final = "machinedeployment.clusters.x-k8s.io/revision"
REVISION_HISTORY_ANNOTATION: Final = "machinedeployment.clusters.x-k8s.io/revision-history"
DESIRED_REPLICAS_ANNOTATION: Final = "machinedeployment.clusters.x-k8s.io/desired-replicas"
MAX_REPLICAS_ANNOTATION: Final = "machinedeployment.clusters.x-k8s.io/max-replicas"
PENDING_HOOKS_ANNOTATION: Final = "runtime.cluster.x-k8s.io/pending-hooks"
OK_TO_DELETE_ANNOTATION: Final = "runtime.cluster.x-k8s.io/ok-to-delete"
#: The version to which the control plane of a topology is being upgraded at the moment.
UPGRADE_STEP_ANNOTATION: Final = "topology.internal.cluster.x-k8s.io/upgrade-step"
TOPOLOGY_DRY_RUN_ANNOTATION: Final = "topology.cluster.x-k8s.io/dry-run"
LAST_APPLIED_ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"

#: What follows a cluster's name in the name of the Secret with its kubeconfig.
KUBECONFIG_SUFFIX: Final = "-kubeconfig"

# Annotations of Nodes in the workload cluster
NODE_CLUSTER_NAME_ANNOTATION: Final = "cluster.x-k8s.io/cluster-name"
NODE_CLUSTER_NAMESPACE_ANNOTATION: Final = "cluster.x-k8s.io/cluster-namespace"
NODE_MACHINE_ANNOTATION: Final = "cluster.x-k8s.io/machine"
NODE_OWNER_KIND_ANNOTATION: Final = "cluster.x-k8s.io/owner-kind"
NODE_OWNER_NAME_ANNOTATION: Final = "cluster.x-k8s.io/owner-name"
NODE_LABELS_FROM_MACHINE_ANNOTATION: Final = "cluster.x-k8s.io/labels-from-machine"
NODE_ANNOTATIONS_FROM_MACHINE_ANNOTATION: Final = "cluster.x-k8s.io/annotations-from-machine"
NODE_TAINTS_FROM_MACHINE_ANNOTATION: Final = "cluster.x-k8s.io/taints-from-machine"

# Taints of Nodes in the workload cluster
UNINITIALIZED_TAINT: Final = "node.cluster.x-k8s.io/uninitialized"
OUTDATED_REVISION_TAINT: Final = "node.cluster.x-k8s.io/outdated-revision"

# Finalizers
CLUSTER_FINALIZER: Final = "cluster.cluster.x-k8s.io"
MACHINE_FINALIZER: Final = "machine.cluster.x-k8s.io"
MACHINE_SET_FINALIZER: Final = "cluster.x-k8s.io/machineset"
MACHINE_DEPLOYMENT_FINALIZER: Final = "cluster.x-k8s.io/machinedeployment"
MACHINE_POOL_FINALIZER: Final = "machinepool.cluster.x-k8s.io"

#: The type of the Secrets that belong to a cluster (kubeconfig, certificates, bootstrap data).
CLUSTER_SECRET_TYPE: Final = "cluster.x-k8s.io/secret"

#: Annotations by which deployments, sets and machines agree on Machines that change in place (7).
_IN_PLACE: Final = "in-place-updates.internal.cluster.x-k8s.io"
MOVE_MACHINES_ANNOTATION: Final = f"{_IN_PLACE}/move-machines-to-machineset"
RECEIVE_MACHINES_ANNOTATION: Final = f"{_IN_PLACE}/receive-machines-from-machinesets"
PENDING_MOVE_ANNOTATION: Final = f"{_IN_PLACE}/pending-acknowledge-move"
ACKNOWLEDGED_MOVE_ANNOTATION: Final = f"{_IN_PLACE}/acknowledged-move"
UPDATE_IN_PROGRESS_ANNOTATION: Final = f"{_IN_PLACE}/update-in-progress"
#: Among the pending hooks of a Machine whose update somebody has to carry out.
UPDATE_MACHINE_HOOK: Final = "UpdateMachine"
