"""TODO cluster/reference"""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import DnsLabel, KindName, Required, Subdomain, length, pattern
from capstan.api.struct import Struct


class ContractReference(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.controlPlaneRef']"""

    api_group: Required[Subdomain] = ""
    kind: Required[KindName] = ""
    name: Required[Subdomain] = ""


class ClassReference(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.classRef']"""

    name: Required[Subdomain] = ""
    namespace: DnsLabel = ""


class TemplateReference(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.healthCheck.remediation.templateRef']"""

    api_version: Required[
        Annotated[
            str,
            length(1, 317),
            pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[a-z]([-a-z0-9]*[a-z0-9])?$"),
        ]
    ] = ""
    kind: Required[KindName] = ""
    name: Required[Subdomain] = ""
