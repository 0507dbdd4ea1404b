"""What Capstan remembers of a control plane on its objects, where upstream's schema has no field for it."""

from __future__ import annotations

from capstan.api.cluster.names import PRE_TERMINATE_HOOK_PREFIX

#: On the TalosControlPlane: uid of the Machine that etcd is bootstrapped on, written before it is asked to.
BOOTSTRAP_ANNOTATION = "capstan.dev/etcd-bootstrap-machine"

#: On its Machines: none goes before its etcd member has.
ETCD_HOOK = f"{PRE_TERMINATE_HOOK_PREFIX}/talos-etcd"

#: On a Machine whose member is about to leave, as upstream marks it from 0.5.13 on.
LEAVING_ANNOTATION = "controlplane.cluster.x-k8s.io/etcd-leaving"

#: On the TalosControlPlane: an etcd member that no Machine stands for, and since when it is known: `1f2e@<time>`.
STRANGER_ANNOTATION = "capstan.dev/etcd-unknown-member"

#: On the TalosControlPlane and on the Machine that takes the place of a failed one, as KCP writes them.
REMEDIATION_ANNOTATION = "controlplane.cluster.x-k8s.io/remediation-in-progress"
REMEDIATION_FOR_ANNOTATION = "controlplane.cluster.x-k8s.io/remediation-for"

CONTROL_PLANE_NODE_LABEL = "node-role.kubernetes.io/control-plane"

# Condition types (talos.md 1.2); the odd one is upstream's.
MACHINES_READY = "MachinesReady"
MACHINES_CREATED = "MachinesCreated"
MACHINES_BOOTSTRAPPED = "MachinesBootstrapped"
AVAILABLE = "Available"
RESIZED = "Resized"
MACHINES_SPEC_UP_TO_DATE = "MachinesSpecUpToDate"
COMPONENTS_HEALTHY = "ControlPlaneComponentsHealthy"
ETCD_HEALTHY = "EtcdClusterHealthyCondition"

READY_SUMMARY = (MACHINES_READY, MACHINES_CREATED, MACHINES_BOOTSTRAPPED, AVAILABLE, RESIZED)
