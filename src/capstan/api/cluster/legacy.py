"""TODO cluster/legacy"""

from __future__ import annotations

from capstan.api.facts import Int32, Text10240
from capstan.api.meta import LegacyCondition
from capstan.api.struct import Struct


class DeprecatedV1Beta1Status(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.status.deprecated.v1beta1']"""

    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: Text10240 = ""
    failure_reason: str = ""


class DeprecatedStatus(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.status.deprecated']"""

    v1beta1: DeprecatedV1Beta1Status = DeprecatedV1Beta1Status()


class MachineSetV1Beta1Status(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta2.status.deprecated.v1beta1']"""

    available_replicas: Int32 | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: Text10240 = ""
    failure_reason: str = ""
    fully_labeled_replicas: Int32 | None = None
    ready_replicas: Int32 | None = None


class MachineSetDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta2.status.deprecated']"""

    v1beta1: MachineSetV1Beta1Status = MachineSetV1Beta1Status()


class MachineDeploymentV1Beta1Status(Struct, frozen=True, kw_only=True):
    """TODO ['MachineDeployment/v1beta2.status.deprecated.v1beta1']"""

    available_replicas: Int32 | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    ready_replicas: Int32 | None = None
    unavailable_replicas: Int32 | None = None
    updated_replicas: Int32 | None = None


class MachineDeploymentDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """TODO ['MachineDeployment/v1beta2.status.deprecated']"""

    v1beta1: MachineDeploymentV1Beta1Status = MachineDeploymentV1Beta1Status()
