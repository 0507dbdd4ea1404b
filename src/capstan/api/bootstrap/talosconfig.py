"""TalosConfig, what a machine configuration is made from."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import AnyValue, Facts, Int64, Required, entries, keyed_by, length, one_of
from capstan.api.meta import Condition, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ConfigPatch(Struct, frozen=True, kw_only=True):
    """One JSON patch operation.

    op: add, remove, replace, move, copy or test.
    path: a JSON pointer.
    value: the value.
    """

    op: Required[str] = msgspec.field(default_factory=str)
    path: Required[str] = msgspec.field(default_factory=str)
    value: AnyValue = None


class HostnameSpec(Struct, frozen=True, kw_only=True):
    """How the machine gets its name.

    source: MachineName takes the Machine's name, InfrastructureName the name of its infrastructure object.
    """

    source: str = ""


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
    generate_type: Required[Annotated[str, one_of("controlplane", "worker", "init", "none")]] = ""
    hostname: HostnameSpec = HostnameSpec()
    strategic_patches: tuple[str, ...] = ()
    talos_version: str = ""


class TalosConfigDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What clients of the older version see.

    conditions: how things stand, one by one.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    """

    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: str = ""
    failure_reason: str = ""


class TalosConfigDeprecated(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta: what clients of the older version see.
    """

    v1beta: TalosConfigDeprecatedStatus = TalosConfigDeprecatedStatus()


class BootstrapInitialization(Struct, frozen=True, kw_only=True):
    """Steps that happen once in the object's life.

    data_secret_created: true once the data Secret has been there.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    data_secret_created: bool | None = None


class TalosConfigStatus(Struct, frozen=True, kw_only=True):
    """How far the machine configuration has got.

    conditions: how things stand, one by one.
    data_secret_name: the Secret that holds the instructions.
    deprecated: what only older contracts ask for.
    initialization: steps that happen once.
    observed_generation: the metadata.generation that this status is about.
    """

    conditions: Annotated[tuple[Condition, ...], keyed_by("type")] = ()
    data_secret_name: Annotated[str, length(1, 253)] | None = None
    deprecated: TalosConfigDeprecated = TalosConfigDeprecated()
    initialization: BootstrapInitialization = BootstrapInitialization()
    observed_generation: Int64 | None = None


class TalosConfig(TypedObject, frozen=True, kw_only=True):
    """What the Talos machine configuration of one Machine is made from.

    spec: what is wanted.
    status: what is observed.
    """

    spec: TalosConfigSpec = TalosConfigSpec()
    status: TalosConfigStatus = TalosConfigStatus()
