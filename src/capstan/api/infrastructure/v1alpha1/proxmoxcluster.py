"""ProxmoxCluster, what the machines of a cluster share on Proxmox VE, as v1alpha1 has it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.core.reference import LocalReference
from capstan.api.facts import Facts, cel, default
from capstan.api.infrastructure.v1alpha1.placement import NodeLocations
from capstan.api.infrastructure.v1alpha1.proxmoxclustertemplate import ProxmoxClusterBlueprint
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ProxmoxClusterSpec(ProxmoxClusterBlueprint, frozen=True, kw_only=True):
    """What the cluster's machines share on Proxmox VE."""

    schema_facts: ClassVar[Facts] = (
        cel(
            "self.ipv4Config != null || self.ipv6Config != null",
            "at least one ip config must be set, either ipv4Config or ipv6Config",
        ),
    )


class ProxmoxClusterStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the cluster on Proxmox VE.

    conditions: how things stand, one by one.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    in_cluster_ip_pool_ref: the pools that the addresses come from.
    node_locations: which Proxmox node each machine is on.
    ready: true when it can be used.
    """

    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: str = ""
    failure_reason: str = ""
    in_cluster_ip_pool_ref: tuple[LocalReference, ...] = ()
    node_locations: NodeLocations | None = None
    ready: Annotated[bool, default(False)] | None = None


class ProxmoxCluster(TypedObject, frozen=True, kw_only=True):
    """What a cluster shares on Proxmox VE: where its API is reached, its nodes' addresses, its credentials.

    spec: what is wanted.
    status: what is observed.
    """

    spec: ProxmoxClusterSpec = ProxmoxClusterSpec()
    status: ProxmoxClusterStatus = ProxmoxClusterStatus()
