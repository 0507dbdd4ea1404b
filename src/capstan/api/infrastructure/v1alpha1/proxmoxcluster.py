"""ProxmoxCluster, what the machines of a cluster share on Proxmox VE, as v1alpha1 has it."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.core.reference import LocalReference, SecretReference
from capstan.api.facts import Facts, Required, cel, default, items
from capstan.api.infrastructure.v1alpha1.addresses import IPv4Config, IPv6Config, ProxmoxEndpoint
from capstan.api.infrastructure.v1alpha1.placement import NodeLocations, SchedulerHints
from capstan.api.infrastructure.v1alpha1.proxmoxmachinetemplate import ProxmoxMachineBlueprint
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class CloneSpec(Struct, frozen=True, kw_only=True):
    """Settings that older manifests have for the machines of a cluster.

    machine_spec: settings by role.
    ssh_authorized_keys: SSH keys of the machines.
    virtual_ip_network_interface: the interface of the virtual IP.
    """

    machine_spec: Required[dict[str, ProxmoxMachineBlueprint]] = {}
    ssh_authorized_keys: tuple[str, ...] = ()
    virtual_ip_network_interface: str = msgspec.field(default="", name="virtualIPNetworkInterface")


class ProxmoxClusterSpec(Struct, frozen=True, kw_only=True):
    """What the cluster's machines share on Proxmox VE.

    allowed_nodes: the Proxmox nodes that machines may be on; all where empty.
    clone_spec: settings for the machines of the cluster.
    control_plane_endpoint: where the cluster's API is reached; filled by the infrastructure provider where empty.
    credentials_ref: the Secret with url, token and secret of the Proxmox API.
    dns_servers: the DNS servers of the machines.
    external_managed_control_plane: true when the control plane is not made of machines of this cluster.
    ipv4_config: the IPv4 addresses that nodes get.
    ipv6_config: the IPv6 addresses that nodes get.
    scheduler_hints: how machines are placed.
    """

    schema_facts: ClassVar[Facts] = (
        cel(
            "self.ipv4Config != null || self.ipv6Config != null",
            "at least one ip config must be set, either ipv4Config or ipv6Config",
        ),
    )

    allowed_nodes: tuple[str, ...] = ()
    clone_spec: CloneSpec | None = None
    control_plane_endpoint: ProxmoxEndpoint = ProxmoxEndpoint()
    credentials_ref: SecretReference | None = None
    dns_servers: Required[Annotated[tuple[str, ...], items(1)]] = ()
    external_managed_control_plane: bool | None = None
    ipv4_config: IPv4Config | None = None
    ipv6_config: IPv6Config | None = None
    scheduler_hints: SchedulerHints = SchedulerHints()


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
