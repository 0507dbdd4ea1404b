"""TalosConfig, what a machine configuration is made from, as v1alpha3 has it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.bootstrap.talosconfig import ConfigPatch, HostnameSpec
from capstan.api.facts import Int64, Required, keyed_by
from capstan.api.meta import Condition, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class TalosConfigSpec(Struct, frozen=True, kw_only=True):
    """What the machine configuration is made from.

    config_patches: JSON patches of the generated configuration.
    data: a whole configuration, used instead of a generated one.
    generate_type: controlplane, init, worker, or none to use data.
    hostname: how the machine gets its name.
    strategic_patches: documents that are merged into the generated configuration.
    talos_version: the Talos version that the configuration is made for, such as v1.11.
    """

    config_patches: tuple[ConfigPatch, ...] = ()
    data: str = ""
    generate_type: Required[str] = msgspec.field(default_factory=str)
    hostname: HostnameSpec = HostnameSpec()
    strategic_patches: tuple[str, ...] = ()
    talos_version: str = ""


class TalosConfigV1Beta2Status(Struct, frozen=True, kw_only=True):
    """What clients of the newer contract see.

    conditions: how things stand, one by one.
    """

    conditions: Annotated[tuple[Condition, ...], keyed_by("type")] = ()


class TalosConfigStatus(Struct, frozen=True, kw_only=True):
    """How far the machine configuration has got.

    conditions: how things stand, one by one.
    data_secret_name: the Secret that holds the instructions.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    observed_generation: the metadata.generation that this status is about.
    ready: true when it can be used.
    talos_config: the talosconfig.
    v1beta2_status: what clients of the newer contract see.
    """

    conditions: tuple[LegacyCondition, ...] = ()
    data_secret_name: str | None = None
    failure_message: str = ""
    failure_reason: str = ""
    observed_generation: Int64 | None = None
    ready: bool | None = None
    talos_config: str = ""
    v1beta2_status: TalosConfigV1Beta2Status = TalosConfigV1Beta2Status()


class TalosConfig(TypedObject, frozen=True, kw_only=True):
    """What the Talos machine configuration of one Machine is made from.

    spec: what is wanted.
    status: what is observed.
    """

    spec: TalosConfigSpec = TalosConfigSpec()
    status: TalosConfigStatus = TalosConfigStatus()
