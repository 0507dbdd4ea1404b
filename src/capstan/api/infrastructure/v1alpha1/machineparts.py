"""Checks and metadata of a ProxmoxMachine, as v1alpha1 has it."""

from __future__ import annotations

import msgspec

from capstan.api.struct import Struct


class MetadataSettings(Struct, frozen=True, kw_only=True):
    """What is added to the machine's metadata.

    provider_id_injection: puts the provider ID into the metadata.
    """

    provider_id_injection: bool | None = msgspec.field(default=None, name="providerIDInjection")
