"""TODO bootstrap/talosconfig"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import AnyValue, Facts, Int64, Required, entries, keyed_by, length, one_of
from capstan.api.meta import Condition, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ConfigPatch(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1beta1.spec.configPatches[]']"""

    op: Required[str] = msgspec.field(default_factory=str)
    path: Required[str] = msgspec.field(default_factory=str)
    value: AnyValue = None


class HostnameSpec(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1beta1.spec.hostname']"""

    source: str = ""


class TalosConfigSpec(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1beta1.spec']"""

    config_patches: tuple[ConfigPatch, ...] = ()
    data: str = ""
    generate_type: Required[Annotated[str, one_of("controlplane", "worker", "init", "none")]] = ""
    hostname: HostnameSpec = HostnameSpec()
    strategic_patches: tuple[str, ...] = ()
    talos_version: str = ""


class TalosConfigDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1beta1.status.deprecated.v1beta']"""

    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: str = ""
    failure_reason: str = ""


class TalosConfigDeprecated(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1beta1.status.deprecated']"""

    v1beta: TalosConfigDeprecatedStatus = TalosConfigDeprecatedStatus()


class BootstrapInitialization(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1beta1.status.initialization']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    data_secret_created: bool | None = None


class TalosConfigStatus(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1beta1.status']"""

    conditions: Annotated[tuple[Condition, ...], keyed_by("type")] = ()
    data_secret_name: Annotated[str, length(1, 253)] | None = None
    deprecated: TalosConfigDeprecated = TalosConfigDeprecated()
    initialization: BootstrapInitialization = BootstrapInitialization()
    observed_generation: Int64 | None = None


class TalosConfig(TypedObject, frozen=True, kw_only=True):
    """TODO ['TalosConfig/v1beta1']"""

    spec: TalosConfigSpec = TalosConfigSpec()
    status: TalosConfigStatus = TalosConfigStatus()
