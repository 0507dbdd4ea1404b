"""MachineSet, a number of equal Machines, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.replicas import VersionCount
from capstan.api.cluster.v1beta1.conditions import ReplicasV1Beta2Status
from capstan.api.cluster.v1beta1.template import MachineNaming, MachineTemplate
from capstan.api.facts import Int32, Int64, Required, Text63, Text10240, items, keyed_by, length, one_of
from capstan.api.meta import LabelSelector, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class MachineSetSpec(Struct, frozen=True, kw_only=True):
    """Which Machines there are to be, and how many.

    cluster_name: the Cluster that it belongs to.
    delete_policy: which Machines go first: Random, Newest or Oldest.
    machine_naming_strategy: how new Machines are called.
    min_ready_seconds: how long a Machine must be Ready before it is Available.
    replicas: how many Machines.
    selector: which Machines are counted; it must match the template's labels.
    template: the form of what is made.
    """

    cluster_name: Required[Text63] = ""
    delete_policy: Annotated[str, one_of("Random", "Newest", "Oldest")] = ""
    machine_naming_strategy: MachineNaming = MachineNaming()
    min_ready_seconds: Int32 | None = None
    replicas: Int32 | None = None
    selector: Required[LabelSelector] = LabelSelector()
    template: MachineTemplate = MachineTemplate()


class MachineSetStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the set.

    available_replicas: how many are Available.
    conditions: how things stand, one by one.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    fully_labeled_replicas: how many have the template's labels.
    observed_generation: the metadata.generation that this status is about.
    ready_replicas: how many are Ready.
    replicas: how many Machines.
    selector: the selector as text, for the scale subresource.
    v1beta2: what clients of v1beta2 see.
    versions: how many have which version.
    """

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
    """Keeps a number of equal Machines alive.

    spec: what is wanted.
    status: what is observed.
    """

    spec: MachineSetSpec = MachineSetSpec()
    status: MachineSetStatus = MachineSetStatus()
