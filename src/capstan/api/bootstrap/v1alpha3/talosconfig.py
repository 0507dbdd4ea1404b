"""TODO bootstrap/v1alpha3/talosconfig"""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.bootstrap.talosconfig import ConfigPatch, HostnameSpec
from capstan.api.facts import Int64, Required, keyed_by
from capstan.api.meta import Condition, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class TalosConfigSpec(Struct, frozen=True, kw_only=True):
    """TODO ['TalosControlPlane/v1alpha3.spec.controlPlaneConfig.controlplane']"""

    config_patches: tuple[ConfigPatch, ...] = ()
    data: str = ""
    generate_type: Required[str] = msgspec.field(default_factory=str)
    hostname: HostnameSpec = HostnameSpec()
    strategic_patches: tuple[str, ...] = ()
    talos_version: str = ""


class TalosConfigV1Beta2Status(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1alpha3.status.v1beta2Status']"""

    conditions: Annotated[tuple[Condition, ...], keyed_by("type")] = ()


class TalosConfigStatus(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1alpha3.status']"""

    conditions: tuple[LegacyCondition, ...] = ()
    data_secret_name: str | None = None
    failure_message: str = ""
    failure_reason: str = ""
    observed_generation: Int64 | None = None
    ready: bool | None = None
    talos_config: str = ""
    v1beta2_status: TalosConfigV1Beta2Status = TalosConfigV1Beta2Status()


class TalosConfig(TypedObject, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1alpha3']"""

    spec: TalosConfigSpec = TalosConfigSpec()
    status: TalosConfigStatus = TalosConfigStatus()
