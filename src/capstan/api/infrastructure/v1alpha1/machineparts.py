"""TODO infrastructure/v1alpha1/machineparts"""

from __future__ import annotations

import msgspec

from capstan.api.struct import Struct


class MetadataSettings(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec.cloneSpec.machineSpec{}.metadataSettings']"""

    provider_id_injection: bool | None = msgspec.field(default=None, name="providerIDInjection")
