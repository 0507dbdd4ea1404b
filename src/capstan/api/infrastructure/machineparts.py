"""TODO infrastructure/machineparts"""

from __future__ import annotations

import msgspec

from capstan.api.facts import Required
from capstan.api.struct import Struct


class ProvisioningChecks(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.spec.checks']"""

    skip_cloud_init_status: bool | None = None
    skip_qemu_guest_agent: bool | None = None


class MetadataSettings(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxMachine/v1alpha2.spec.metadataSettings']"""

    provider_id_injection: Required[bool] = msgspec.field(default_factory=bool, name="providerIDInjection")
