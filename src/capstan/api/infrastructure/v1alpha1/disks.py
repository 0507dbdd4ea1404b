"""TODO infrastructure/v1alpha1/disks"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import Facts, Int32, Required, between, cel
from capstan.api.struct import Struct


class BootVolume(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.disks.bootVolume']"""

    schema_facts: ClassVar[Facts] = (cel("self == oldSelf", "Value is immutable"),)

    disk: Required[str] = msgspec.field(default_factory=str)
    size_gb: Required[Annotated[Int32, between(5)]] = msgspec.field(default_factory=int)


class Disks(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.disks']"""

    boot_volume: BootVolume | None = None
