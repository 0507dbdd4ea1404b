"""Kinds of Cluster API's core: Cluster and its class, Machine, its sets, deployments, health checks, drain rules."""

from __future__ import annotations

from capstan.api.cluster.admission import (
    admit_cluster,
    admit_cluster_class,
    admit_machine,
    admit_machine_deployment,
    admit_machine_drain_rule,
    admit_machine_health_check,
    admit_machine_pool,
    admit_machine_set,
    class_schemas,
    lookups_cluster_class,
)
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.clusterclass.clusterclass import ClusterClass
from capstan.api.cluster.conversion import (
    convert_cluster,
    convert_clusterclass,
    convert_machine,
    convert_machinedeployment,
    convert_machinedrainrule,
    convert_machinehealthcheck,
    convert_machinepool,
    convert_machineset,
)
from capstan.api.cluster.conversion.references import CLUSTER_REFS, MACHINE_REFS, TEMPLATE_REFS
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machinedrainrule import MachineDrainRule
from capstan.api.cluster.machinehealthcheck import MachineHealthCheck
from capstan.api.cluster.machinepool import MachinePool
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import CONTRACT_V1BETA1_LABEL, CONTRACT_V1BETA2_LABEL, GROUP, PROVIDER_LABEL
from capstan.api.cluster.v1beta1.cluster import Cluster as ClusterV1Beta1
from capstan.api.cluster.v1beta1.clusterclass.clusterclass import ClusterClass as ClusterClassV1Beta1
from capstan.api.cluster.v1beta1.machine import Machine as MachineV1Beta1
from capstan.api.cluster.v1beta1.machinedeployment import MachineDeployment as MachineDeploymentV1Beta1
from capstan.api.cluster.v1beta1.machinedrainrule import MachineDrainRule as MachineDrainRuleV1Beta1
from capstan.api.cluster.v1beta1.machinehealthcheck import MachineHealthCheck as MachineHealthCheckV1Beta1
from capstan.api.cluster.v1beta1.machinepool import MachinePool as MachinePoolV1Beta1
from capstan.api.cluster.v1beta1.machineset import MachineSet as MachineSetV1Beta1
from capstan.api.kinds import AGE, Column, Kind, ScalePaths, Version

_SCALE = ScalePaths(label_selector=".status.selector")
_CLUSTER_COLUMNS = (
    Column("ClusterClass", ".spec.topology.classRef.name"),
    Column("Available", '.status.conditions[?(@.type=="Available")].status'),
    Column("CP Desired", ".status.controlPlane.desiredReplicas", "integer"),
    Column("CP Current", ".status.controlPlane.replicas", "integer", 10),
    Column("CP Ready", ".status.controlPlane.readyReplicas", "integer", 10),
    Column("CP Available", ".status.controlPlane.availableReplicas", "integer"),
    Column("CP Up-to-date", ".status.controlPlane.upToDateReplicas", "integer"),
    Column("W Desired", ".status.workers.desiredReplicas", "integer"),
    Column("W Current", ".status.workers.replicas", "integer", 10),
    Column("W Ready", ".status.workers.readyReplicas", "integer", 10),
    Column("W Available", ".status.workers.availableReplicas", "integer"),
    Column("W Up-to-date", ".status.workers.upToDateReplicas", "integer"),
    Column("Paused", '.status.conditions[?(@.type=="Paused")].status', "string", 10),
    Column("Phase", ".status.phase"),
    AGE,
    Column("Version", ".spec.topology.version"),
)

_CLUSTER_COLUMNS_V1BETA1 = (
    Column("ClusterClass", ".spec.topology.class"),
    Column("Phase", ".status.phase"),
    AGE,
    Column("Version", ".spec.topology.version"),
)

_LABELS = {PROVIDER_LABEL: "cluster-api", CONTRACT_V1BETA1_LABEL: "v1beta1", CONTRACT_V1BETA2_LABEL: "v1beta2"}

CLUSTER = Kind(
    group=GROUP,
    kind="Cluster",
    plural="clusters",
    versions=(
        Version("v1beta2", Cluster, storage=True, columns=_CLUSTER_COLUMNS),
        Version("v1beta1", ClusterV1Beta1, deprecated=True, columns=_CLUSTER_COLUMNS_V1BETA1),
    ),
    short_names=("cl",),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_cluster,
    references=CLUSTER_REFS,
    admit=admit_cluster,
)

CLUSTER_CLASS = Kind(
    group=GROUP,
    kind="ClusterClass",
    plural="clusterclasses",
    versions=(
        Version(
            "v1beta2",
            ClusterClass,
            storage=True,
            columns=(
                Column("Paused", '.status.conditions[?(@.type=="Paused")].status', "string", 10),
                Column("Variables Ready", '.status.conditions[?(@.type=="VariablesReady")].status'),
                AGE,
            ),
        ),
        Version("v1beta1", ClusterClassV1Beta1, deprecated=True, columns=(AGE,)),
    ),
    short_names=("cc",),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_clusterclass,
    admit=admit_cluster_class,
    lookups=lookups_cluster_class,
    schemas=class_schemas,
)

_MACHINE_COLUMNS = (
    Column("Cluster", ".spec.clusterName"),
    Column("Node Name", ".status.nodeRef.name"),
    Column("Provider ID", ".spec.providerID", "string", 10),
    Column("Failure domain", ".status.failureDomain"),
    Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    Column("Available", '.status.conditions[?(@.type=="Available")].status'),
    Column("Up-to-date", '.status.conditions[?(@.type=="UpToDate")].status'),
    Column("Internal-IP", '.status.addresses[?(@.type=="InternalIP")].address', "string", 10),
    Column("External-IP", '.status.addresses[?(@.type=="ExternalIP")].address', "string", 10),
    Column("OS-Image", ".status.nodeInfo.osImage", "string", 10),
    Column("Paused", '.status.conditions[?(@.type=="Paused")].status', "string", 10),
    Column("Phase", ".status.phase"),
    AGE,
    Column("Version", ".spec.version"),
)

_MACHINE_COLUMNS_V1BETA1 = (
    Column("Cluster", ".spec.clusterName"),
    Column("NodeName", ".status.nodeRef.name"),
    Column("ProviderID", ".spec.providerID"),
    Column("Phase", ".status.phase"),
    AGE,
    Column("Version", ".spec.version"),
)

MACHINE = Kind(
    group=GROUP,
    kind="Machine",
    plural="machines",
    versions=(
        Version("v1beta2", Machine, storage=True, columns=_MACHINE_COLUMNS),
        Version("v1beta1", MachineV1Beta1, deprecated=True, columns=_MACHINE_COLUMNS_V1BETA1),
    ),
    short_names=("ma",),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_machine,
    references=MACHINE_REFS,
    admit=admit_machine,
)

_MACHINE_SET_COLUMNS = (
    Column("Cluster", ".spec.clusterName"),
    Column("Desired", ".spec.replicas", "integer"),
    Column("Current", ".status.replicas", "integer"),
    Column("Ready", ".status.readyReplicas", "integer"),
    Column("Available", ".status.availableReplicas", "integer"),
    Column("Up-to-date", ".status.upToDateReplicas", "integer"),
    Column("Paused", '.status.conditions[?(@.type=="Paused")].status', "string", 10),
    AGE,
    Column("Version", ".spec.template.spec.version"),
)

_MACHINE_SET_COLUMNS_V1BETA1 = (
    Column("Cluster", ".spec.clusterName"),
    Column("Desired", ".spec.replicas", "integer", 10),
    Column("Replicas", ".status.replicas", "integer"),
    Column("Ready", ".status.readyReplicas", "integer"),
    Column("Available", ".status.availableReplicas", "integer"),
    AGE,
    Column("Version", ".spec.template.spec.version"),
)

MACHINE_SET = Kind(
    group=GROUP,
    kind="MachineSet",
    plural="machinesets",
    versions=(
        Version("v1beta2", MachineSet, storage=True, columns=_MACHINE_SET_COLUMNS, scale=_SCALE),
        Version("v1beta1", MachineSetV1Beta1, deprecated=True, columns=_MACHINE_SET_COLUMNS_V1BETA1, scale=_SCALE),
    ),
    short_names=("ms",),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_machineset,
    references=TEMPLATE_REFS,
    admit=admit_machine_set,
)

_MACHINE_DEPLOYMENT_COLUMNS = (
    Column("Cluster", ".spec.clusterName"),
    Column("Available", '.status.conditions[?(@.type=="Available")].status'),
    Column("Desired", ".spec.replicas", "integer"),
    Column("Current", ".status.replicas", "integer"),
    Column("Ready", ".status.readyReplicas", "integer"),
    Column("Available", ".status.availableReplicas", "integer"),
    Column("Up-to-date", ".status.upToDateReplicas", "integer"),
    Column("Paused", '.status.conditions[?(@.type=="Paused")].status', "string", 10),
    Column("Phase", ".status.phase"),
    AGE,
    Column("Version", ".spec.template.spec.version"),
)

_MACHINE_DEPLOYMENT_COLUMNS_V1BETA1 = (
    Column("Cluster", ".spec.clusterName"),
    Column("Desired", ".spec.replicas", "integer", 10),
    Column("Replicas", ".status.replicas", "integer"),
    Column("Ready", ".status.readyReplicas", "integer"),
    Column("Updated", ".status.updatedReplicas", "integer"),
    Column("Unavailable", ".status.unavailableReplicas", "integer"),
    Column("Phase", ".status.phase"),
    AGE,
    Column("Version", ".spec.template.spec.version"),
)

MACHINE_DEPLOYMENT = Kind(
    group=GROUP,
    kind="MachineDeployment",
    plural="machinedeployments",
    versions=(
        Version("v1beta2", MachineDeployment, storage=True, columns=_MACHINE_DEPLOYMENT_COLUMNS, scale=_SCALE),
        Version(
            "v1beta1",
            MachineDeploymentV1Beta1,
            deprecated=True,
            columns=_MACHINE_DEPLOYMENT_COLUMNS_V1BETA1,
            scale=_SCALE,
        ),
    ),
    short_names=("md",),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_machinedeployment,
    references=TEMPLATE_REFS,
    admit=admit_machine_deployment,
)

_HEALTH_CHECK_COLUMNS = (
    Column("Cluster", ".spec.clusterName"),
    Column("Replicas", ".status.expectedMachines", "integer"),
    Column("Healthy", ".status.currentHealthy", "integer"),
    Column("Paused", '.status.conditions[?(@.type=="Paused")].status', "string", 10),
    AGE,
)

_HEALTH_CHECK_COLUMNS_V1BETA1 = (
    Column("Cluster", ".spec.clusterName"),
    Column("ExpectedMachines", ".status.expectedMachines", "integer"),
    Column("MaxUnhealthy", ".spec.maxUnhealthy"),
    Column("CurrentHealthy", ".status.currentHealthy", "integer"),
    AGE,
)

MACHINE_HEALTH_CHECK = Kind(
    group=GROUP,
    kind="MachineHealthCheck",
    plural="machinehealthchecks",
    versions=(
        Version("v1beta2", MachineHealthCheck, storage=True, columns=_HEALTH_CHECK_COLUMNS),
        Version("v1beta1", MachineHealthCheckV1Beta1, deprecated=True, columns=_HEALTH_CHECK_COLUMNS_V1BETA1),
    ),
    short_names=("mhc", "mhcs"),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_machinehealthcheck,
    admit=admit_machine_health_check,
)

_DRAIN_RULE_COLUMNS = (
    Column("Behavior", ".spec.drain.behavior"),
    Column("Order", ".spec.drain.order"),
    AGE,
)

MACHINE_DRAIN_RULE = Kind(
    group=GROUP,
    kind="MachineDrainRule",
    plural="machinedrainrules",
    versions=(
        Version("v1beta2", MachineDrainRule, storage=True, status=False, columns=_DRAIN_RULE_COLUMNS),
        Version("v1beta1", MachineDrainRuleV1Beta1, deprecated=True, status=False, columns=_DRAIN_RULE_COLUMNS),
    ),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_machinedrainrule,
    admit=admit_machine_drain_rule,
)

_MACHINE_POOL_COLUMNS = (
    Column("Cluster", ".spec.clusterName"),
    Column("Desired", ".spec.replicas", "integer"),
    Column("Current", ".status.replicas", "integer"),
    Column("Ready", ".status.readyReplicas", "integer"),
    Column("Available", ".status.availableReplicas", "integer"),
    Column("Up-to-date", ".status.upToDateReplicas", "integer"),
    Column("Paused", '.status.conditions[?(@.type=="Paused")].status', "string", 10),
    Column("Phase", ".status.phase"),
    AGE,
    Column("Version", ".spec.template.spec.version"),
)

_MACHINE_POOL_COLUMNS_V1BETA1 = (
    Column("Cluster", ".spec.clusterName"),
    Column("Desired", ".spec.replicas", "integer", 10),
    Column("Replicas", ".status.replicas"),
    Column("Phase", ".status.phase"),
    AGE,
    Column("Version", ".spec.template.spec.version"),
)

MACHINE_POOL = Kind(
    group=GROUP,
    kind="MachinePool",
    plural="machinepools",
    versions=(
        Version("v1beta2", MachinePool, storage=True, columns=_MACHINE_POOL_COLUMNS, scale=ScalePaths()),
        Version(
            "v1beta1", MachinePoolV1Beta1, deprecated=True, columns=_MACHINE_POOL_COLUMNS_V1BETA1, scale=ScalePaths()
        ),
    ),
    short_names=("mp",),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_machinepool,
    references=TEMPLATE_REFS,
    admit=admit_machine_pool,
)

KINDS = (
    CLUSTER,
    CLUSTER_CLASS,
    MACHINE,
    MACHINE_SET,
    MACHINE_DEPLOYMENT,
    MACHINE_HEALTH_CHECK,
    MACHINE_POOL,
    MACHINE_DRAIN_RULE,
)
