"""Checks and metadata of a ProxmoxMachine."""

from __future__ import annotations

import msgspec

from capstan.api.facts import Required
from capstan.api.struct import Struct


class ProvisioningChecks(Struct, frozen=True, kw_only=True):
    """Which signs of life are not waited for.

    skip_cloud_init_status: does not wait for cloud-init; needed with Talos.
    skip_qemu_guest_agent: does not wait for the guest agent.
    """

    skip_cloud_init_status: bool | None = None
    skip_qemu_guest_agent: bool | None = None


class MetadataSettings(Struct, frozen=True, kw_only=True):
    """What is added to the machine's metadata.

    provider_id_injection: puts the provider ID into the metadata.
    """

    provider_id_injection: Required[bool] = msgspec.field(default_factory=bool, name="providerIDInjection")
