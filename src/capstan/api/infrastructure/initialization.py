"""TODO infrastructure/initialization"""

from __future__ import annotations

from typing import ClassVar

from capstan.api.facts import Facts, entries
from capstan.api.struct import Struct


class InfrastructureInitialization(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha2.status.initialization']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    provisioned: bool | None = None
