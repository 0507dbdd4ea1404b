"""TODO infrastructure/v1alpha1/proxmoxcluster"""

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
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec']"""

    machine_spec: Required[dict[str, ProxmoxMachineBlueprint]] = {}
    ssh_authorized_keys: tuple[str, ...] = ()
    virtual_ip_network_interface: str = msgspec.field(default="", name="virtualIPNetworkInterface")


class ProxmoxClusterSpec(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec']"""

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
    """TODO ['ProxmoxCluster/v1alpha1.status']"""

    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: str = ""
    failure_reason: str = ""
    in_cluster_ip_pool_ref: tuple[LocalReference, ...] = ()
    node_locations: NodeLocations | None = None
    ready: Annotated[bool, default(False)] | None = None


class ProxmoxCluster(TypedObject, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1']"""

    spec: ProxmoxClusterSpec = ProxmoxClusterSpec()
    status: ProxmoxClusterStatus = ProxmoxClusterStatus()
