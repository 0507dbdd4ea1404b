"""ProxmoxClusterTemplate, the form of ProxmoxClusters, as v1alpha1 has it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.cluster.v1beta1.template import TemplateMetadata
from capstan.api.core.reference import SecretReference
from capstan.api.facts import Required, items
from capstan.api.infrastructure.v1alpha1.addresses import IPv4Config, IPv6Config, ProxmoxEndpoint
from capstan.api.infrastructure.v1alpha1.placement import SchedulerHints
from capstan.api.infrastructure.v1alpha1.proxmoxmachinetemplate import ProxmoxMachineBlueprint
from capstan.api.meta import TypedObject
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


class ProxmoxClusterBlueprint(Struct, frozen=True, kw_only=True):
    """What ProxmoxClusters made from the template start with.

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

    allowed_nodes: tuple[str, ...] = ()
    clone_spec: CloneSpec | None = None
    control_plane_endpoint: ProxmoxEndpoint = ProxmoxEndpoint()
    credentials_ref: SecretReference | None = None
    dns_servers: Required[Annotated[tuple[str, ...], items(1)]] = ()
    external_managed_control_plane: bool | None = None
    ipv4_config: IPv4Config | None = None
    ipv6_config: IPv6Config | None = None
    scheduler_hints: SchedulerHints = SchedulerHints()


class ProxmoxClusterTemplateResource(Struct, frozen=True, kw_only=True):
    """The form of the ProxmoxClusters.

    metadata: labels and annotations that are handed down.
    spec: what is wanted.
    """

    metadata: TemplateMetadata = TemplateMetadata()
    spec: Required[ProxmoxClusterBlueprint] = ProxmoxClusterBlueprint()


class ProxmoxClusterTemplateSpec(Struct, frozen=True, kw_only=True):
    """What the template holds.

    template: the form of what is made.
    """

    template: Required[ProxmoxClusterTemplateResource] = ProxmoxClusterTemplateResource()


class ProxmoxClusterTemplate(TypedObject, frozen=True, kw_only=True):
    """The form of ProxmoxClusters that are made for a cluster class.

    spec: what is wanted.
    """

    spec: ProxmoxClusterTemplateSpec = ProxmoxClusterTemplateSpec()
