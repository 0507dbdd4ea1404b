"""Addresses of machines."""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import Required, Text256, one_of
from capstan.api.struct import Struct


class MachineAddress(Struct, frozen=True, kw_only=True):
    """One address of a machine.

    address: the address.
    type: the type.
    """

    address: Required[Text256] = ""
    type: Required[Annotated[str, one_of("Hostname", "ExternalIP", "InternalIP", "ExternalDNS", "InternalDNS")]] = ""
