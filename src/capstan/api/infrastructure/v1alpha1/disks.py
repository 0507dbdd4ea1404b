"""A machine's disks, as v1alpha1 has it."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import Facts, Int32, Required, between, cel
from capstan.api.struct import Struct


class BootVolume(Struct, frozen=True, kw_only=True):
    """The disk that the machine boots from. It only grows.

    disk: the name of the disk, such as scsi0.
    size_gb: the size in GiB; a smaller one than the template's is refused.
    """

    schema_facts: ClassVar[Facts] = (cel("self == oldSelf", "Value is immutable"),)

    disk: Required[str] = msgspec.field(default_factory=str)
    size_gb: Required[Annotated[Int32, between(5)]] = msgspec.field(default_factory=int)


class Disks(Struct, frozen=True, kw_only=True):
    """The machine's disks.

    boot_volume: the disk that the machine boots from.
    """

    boot_volume: BootVolume | None = None
