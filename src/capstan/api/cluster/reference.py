"""References from core kinds to objects of providers."""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import DnsLabel, KindName, Required, Subdomain, length, pattern
from capstan.api.struct import Struct

#: The API group and version of a template: the group has to be there.
TemplateApiVersion = Annotated[
    str,
    length(1, 317),
    pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[a-z]([-a-z0-9]*[a-z0-9])?$"),
]


class ContractReference(Struct, frozen=True, kw_only=True):
    """An object of a provider, in the same namespace; its version follows from the contract.

    api_group: the API group.
    kind: the kind.
    name: the name.
    """

    api_group: Required[Subdomain] = ""
    kind: Required[KindName] = ""
    name: Required[Subdomain] = ""


class ClassReference(Struct, frozen=True, kw_only=True):
    """A ClusterClass.

    name: the name.
    namespace: the namespace; the cluster's own where empty.
    """

    name: Required[Subdomain] = ""
    namespace: DnsLabel = ""


class TemplateReference(Struct, frozen=True, kw_only=True):
    """A template of a provider.

    api_version: the API group and version.
    kind: the kind.
    name: the name.
    """

    api_version: Required[TemplateApiVersion] = ""
    kind: Required[KindName] = ""
    name: Required[Subdomain] = ""
