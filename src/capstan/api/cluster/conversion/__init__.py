"""How the core kinds convert between v1beta1 and v1beta2 (cluster-api-core.md 14)."""

from __future__ import annotations

from capstan.api.cluster.conversion.cluster import convert_cluster
from capstan.api.cluster.conversion.clusterclass import convert_clusterclass
from capstan.api.cluster.conversion.machine import convert_machine
from capstan.api.cluster.conversion.machinedeployment import convert_machinedeployment
from capstan.api.cluster.conversion.machinedrainrule import convert_machinedrainrule
from capstan.api.cluster.conversion.machinehealthcheck import convert_machinehealthcheck
from capstan.api.cluster.conversion.machinepool import convert_machinepool
from capstan.api.cluster.conversion.machineset import convert_machineset

__all__ = [
    "convert_cluster",
    "convert_clusterclass",
    "convert_machine",
    "convert_machinedeployment",
    "convert_machinedrainrule",
    "convert_machinehealthcheck",
    "convert_machinepool",
    "convert_machineset",
]
