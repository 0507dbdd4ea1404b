"""TODO cluster/v1beta1/machineset"""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.replicas import VersionCount
from capstan.api.cluster.v1beta1.conditions import ReplicasV1Beta2Status
from capstan.api.cluster.v1beta1.template import MachineNaming, MachineTemplate
from capstan.api.facts import Int32, Int64, Required, Text63, Text10240, items, keyed_by, length, one_of
from capstan.api.meta import LabelSelector, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class MachineSetSpec(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta1.spec']"""

    cluster_name: Required[Text63] = ""
    delete_policy: Annotated[str, one_of("Random", "Newest", "Oldest")] = ""
    machine_naming_strategy: MachineNaming = MachineNaming()
    min_ready_seconds: Int32 | None = None
    replicas: Int32 | None = None
    selector: Required[LabelSelector] = LabelSelector()
    template: MachineTemplate = MachineTemplate()


class MachineSetStatus(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta1.status']"""

    available_replicas: Int32 | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: Text10240 = ""
    failure_reason: str = ""
    fully_labeled_replicas: Int32 | None = None
    observed_generation: Int64 | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    selector: Annotated[str, length(1, 4096)] = ""
    v1beta2: ReplicasV1Beta2Status = ReplicasV1Beta2Status()
    versions: Annotated[tuple[VersionCount, ...], items(1, 100), keyed_by("version")] = ()


class MachineSet(TypedObject, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta1']"""

    spec: MachineSetSpec = MachineSetSpec()
    status: MachineSetStatus = MachineSetStatus()
