"""Defaults and rules of the core kinds, as Cluster API's webhooks have them."""

from capstan.api.cluster.admission.cluster import admit_cluster
from capstan.api.cluster.admission.clusterclass import admit_cluster_class, class_schemas, lookups_cluster_class
from capstan.api.cluster.admission.machine import admit_machine
from capstan.api.cluster.admission.machinedeployment import admit_machine_deployment
from capstan.api.cluster.admission.machinedrainrule import admit_machine_drain_rule
from capstan.api.cluster.admission.machinehealthcheck import admit_machine_health_check
from capstan.api.cluster.admission.machinepool import admit_machine_pool
from capstan.api.cluster.admission.machineset import admit_machine_set

__all__ = [
    "admit_cluster",
    "admit_cluster_class",
    "admit_machine",
    "admit_machine_deployment",
    "admit_machine_drain_rule",
    "admit_machine_health_check",
    "admit_machine_pool",
    "admit_machine_set",
    "class_schemas",
    "lookups_cluster_class",
]
