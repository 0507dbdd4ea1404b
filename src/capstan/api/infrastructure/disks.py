"""TODO infrastructure/disks"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import Facts, Int32, Required, between, cel, length
from capstan.api.struct import Struct


class BootVolume(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.spec.disks.bootVolume']"""

    schema_facts: ClassVar[Facts] = (cel("self == oldSelf", "Value is immutable"),)

    disk: Required[Annotated[str, length(1)]] = ""
    size_gb: Required[Annotated[Int32, between(5)]] = msgspec.field(default_factory=int)


class Disks(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.spec.disks']"""

    boot_volume: BootVolume | None = None
