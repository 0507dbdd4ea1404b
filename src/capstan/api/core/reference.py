"""TODO core/reference"""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.facts import ATOMIC_MAP, Facts, Required, Subdomain, default
from capstan.api.struct import Struct


class NameReference(Struct, frozen=True, kw_only=True):
    """TODO ['Machine/v1beta2.status.nodeRef']"""

    name: Required[Subdomain] = ""


class SecretReference(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha2.spec.credentialsRef']"""

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    name: str = ""
    namespace: str = ""


class LocalReference(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha2.status.inClusterIPPoolRef[]']"""

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    name: Annotated[str, default("")] = ""


class ObjectReference(Struct, frozen=True, kw_only=True):
    """TODO ['TalosControlPlane/v1alpha3.spec.infrastructureTemplate']"""

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    api_version: str = ""
    field_path: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    uid: str = ""
