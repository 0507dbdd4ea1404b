"""TODO infrastructure/v1alpha1/proxmoxclustertemplate"""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.v1beta1.template import TemplateMetadata
from capstan.api.core.reference import SecretReference
from capstan.api.facts import Required, items
from capstan.api.infrastructure.v1alpha1.addresses import IPv4Config, IPv6Config, ProxmoxEndpoint
from capstan.api.infrastructure.v1alpha1.placement import SchedulerHints
from capstan.api.infrastructure.v1alpha1.proxmoxcluster import CloneSpec
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class ProxmoxClusterBlueprint(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxClusterTemplate/v1alpha1.spec.template.spec']"""

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
    """TODO ['ProxmoxClusterTemplate/v1alpha1.spec.template']"""

    metadata: TemplateMetadata = TemplateMetadata()
    spec: Required[ProxmoxClusterBlueprint] = ProxmoxClusterBlueprint()


class ProxmoxClusterTemplateSpec(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxClusterTemplate/v1alpha1.spec']"""

    template: Required[ProxmoxClusterTemplateResource] = ProxmoxClusterTemplateResource()


class ProxmoxClusterTemplate(TypedObject, frozen=True, kw_only=True):
    """TODO ['ProxmoxClusterTemplate/v1alpha1']"""

    spec: ProxmoxClusterTemplateSpec = ProxmoxClusterTemplateSpec()
