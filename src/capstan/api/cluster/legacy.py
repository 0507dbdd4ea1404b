"""The parts of status that only the v1beta1 contract asks for."""

from __future__ import annotations

from capstan.api.facts import Int32, Text10240
from capstan.api.meta import LegacyCondition
from capstan.api.struct import Struct


class DeprecatedV1Beta1Status(Struct, frozen=True, kw_only=True):
    """What clients of v1beta1 see.

    conditions: how things stand, one by one.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    """

    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: Text10240 = ""
    failure_reason: str = ""


class DeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta1: what clients of v1beta1 see.
    """

    v1beta1: DeprecatedV1Beta1Status = DeprecatedV1Beta1Status()


class MachineSetV1Beta1Status(Struct, frozen=True, kw_only=True):
    """What clients of v1beta1 see.

    available_replicas: how many are Available.
    conditions: how things stand, one by one.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    fully_labeled_replicas: how many have the template's labels.
    ready_replicas: how many are Ready.
    """

    available_replicas: Int32 | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: Text10240 = ""
    failure_reason: str = ""
    fully_labeled_replicas: Int32 | None = None
    ready_replicas: Int32 | None = None


class MachineSetDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta1: what clients of v1beta1 see.
    """

    v1beta1: MachineSetV1Beta1Status = MachineSetV1Beta1Status()


class MachineDeploymentV1Beta1Status(Struct, frozen=True, kw_only=True):
    """What clients of v1beta1 see.

    available_replicas: how many are Available.
    conditions: how things stand, one by one.
    ready_replicas: how many are Ready.
    unavailable_replicas: how many are missing.
    updated_replicas: how many are as the template wants them.
    """

    available_replicas: Int32 | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    ready_replicas: Int32 | None = None
    unavailable_replicas: Int32 | None = None
    updated_replicas: Int32 | None = None


class MachineDeploymentDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta1: what clients of v1beta1 see.
    """

    v1beta1: MachineDeploymentV1Beta1Status = MachineDeploymentV1Beta1Status()
