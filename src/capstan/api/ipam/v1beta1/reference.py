"""TODO ipam/v1beta1/reference"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from capstan.api.facts import ATOMIC_MAP, Facts, Required
from capstan.api.struct import Struct


class PoolTypedReference(Struct, frozen=True, kw_only=True):
    """TODO ['IPAddress/v1beta1.spec.poolRef']"""

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    api_group: str = ""
    kind: Required[str] = msgspec.field(default_factory=str)
    name: Required[str] = msgspec.field(default_factory=str)
