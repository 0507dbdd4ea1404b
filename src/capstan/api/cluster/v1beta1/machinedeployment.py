"""MachineDeployment, workers declared as one thing, as v1beta1 has it."""

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
    """Which Machines there are to be, how many, and how changes roll out.

    cluster_name: the Cluster that it belongs to.
    machine_naming_strategy: how new Machines are called.
    min_ready_seconds: how long a Machine must be Ready before it is Available.
    paused: true while nothing is to be done.
    progress_deadline_seconds: no longer used.
    replicas: how many Machines.
    revision_history_limit: no longer used.
    rollout_after: Machines made before this moment are replaced once it has come.
    selector: which Machines are counted; it must match the template's labels.
    strategy: the way of replacing Machines.
    template: the form of what is made.
    """

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
    """What is observed of the deployment.

    available_replicas: how many are Available.
    conditions: how things stand, one by one.
    observed_generation: the metadata.generation that this status is about.
    phase: where in its life it is, in one word.
    ready_replicas: how many are Ready.
    replicas: how many Machines.
    selector: the selector as text, for the scale subresource.
    unavailable_replicas: how many are missing.
    updated_replicas: how many are as the template wants them.
    v1beta2: what clients of v1beta2 see.
    versions: how many have which version.
    """

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
    """Worker Machines declared as one thing: how many, of which kind, and how changes roll out.

    spec: what is wanted.
    status: what is observed.
    """

    spec: MachineDeploymentSpec = MachineDeploymentSpec()
    status: MachineDeploymentStatus = MachineDeploymentStatus()
