"""TODO infrastructure/proxmoxclustertemplate"""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.template import TemplateMetadata
from capstan.api.core.reference import SecretReference
from capstan.api.facts import SET_LIST, Required, default, items, keyed_by
from capstan.api.infrastructure.addresses import IPv4Config, IPv6Config, ProxmoxEndpoint, ZoneConfig
from capstan.api.infrastructure.placement import SchedulerHints
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class ProxmoxClusterBlueprint(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxClusterTemplate/v1alpha2.spec.template.spec']"""

    allowed_nodes: Annotated[tuple[str, ...], SET_LIST] = ()
    control_plane_endpoint: ProxmoxEndpoint = ProxmoxEndpoint()
    credentials_ref: SecretReference | None = None
    dns_servers: Required[Annotated[tuple[str, ...], items(1), SET_LIST]] = ()
    external_managed_control_plane: Annotated[bool, default(False)] | None = None
    ipv4_config: IPv4Config | None = None
    ipv6_config: IPv6Config | None = None
    scheduler_hints: SchedulerHints = SchedulerHints()
    zone_config: Annotated[tuple[ZoneConfig, ...], keyed_by("zone")] = ()


class ProxmoxClusterTemplateResource(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxClusterTemplate/v1alpha2.spec.template']"""

    metadata: TemplateMetadata = TemplateMetadata()
    spec: Required[ProxmoxClusterBlueprint] = ProxmoxClusterBlueprint()


class ProxmoxClusterTemplateSpec(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxClusterTemplate/v1alpha2.spec']"""

    template: Required[ProxmoxClusterTemplateResource] = ProxmoxClusterTemplateResource()


class ProxmoxClusterTemplate(TypedObject, frozen=True, kw_only=True):
    """TODO ['ProxmoxClusterTemplate/v1alpha2']"""

    spec: Required[ProxmoxClusterTemplateSpec] = ProxmoxClusterTemplateSpec()
