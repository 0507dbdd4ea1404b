"""TODO cluster/v1beta1/machinedeployment"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from capstan.api.cluster.replicas import VersionCount
from capstan.api.cluster.v1beta1.conditions import ReplicasV1Beta2Status
from capstan.api.cluster.v1beta1.rollout import DeploymentStrategy
from capstan.api.cluster.v1beta1.template import MachineNaming, MachineTemplate
from capstan.api.facts import Int32, Int64, Required, Text63, items, keyed_by, length, one_of
from capstan.api.meta import LabelSelector, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class MachineDeploymentSpec(Struct, frozen=True, kw_only=True):
    """TODO ['MachineDeployment/v1beta1.spec']"""

    cluster_name: Required[Text63] = ""
    machine_naming_strategy: MachineNaming = MachineNaming()
    min_ready_seconds: Int32 | None = None
    paused: bool | None = None
    progress_deadline_seconds: Int32 | None = None
    replicas: Int32 | None = None
    revision_history_limit: Int32 | None = None
    rollout_after: datetime | None = None
    selector: Required[LabelSelector] = LabelSelector()
    strategy: DeploymentStrategy = DeploymentStrategy()
    template: Required[MachineTemplate] = MachineTemplate()


class MachineDeploymentStatus(Struct, frozen=True, kw_only=True):
    """TODO ['MachineDeployment/v1beta1.status']"""

    available_replicas: Int32 | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    observed_generation: Int64 | None = None
    phase: Annotated[str, one_of("ScalingUp", "ScalingDown", "Running", "Failed", "Unknown")] = ""
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    selector: Annotated[str, length(1, 4096)] = ""
    unavailable_replicas: Int32 | None = None
    updated_replicas: Int32 | None = None
    v1beta2: ReplicasV1Beta2Status = ReplicasV1Beta2Status()
    versions: Annotated[tuple[VersionCount, ...], items(1, 100), keyed_by("version")] = ()


class MachineDeployment(TypedObject, frozen=True, kw_only=True):
    """TODO ['MachineDeployment/v1beta1']"""

    spec: MachineDeploymentSpec = MachineDeploymentSpec()
    status: MachineDeploymentStatus = MachineDeploymentStatus()
