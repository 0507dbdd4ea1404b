"""TODO cluster/machineset"""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.deletion import MachineSetDeletion
from capstan.api.cluster.legacy import MachineSetDeprecatedStatus
from capstan.api.cluster.replicas import VersionCount
from capstan.api.cluster.template import MachineNaming, MachineTemplate
from capstan.api.facts import Facts, Int32, Int64, Required, Text63, between, entries, items, keyed_by, length
from capstan.api.meta import Condition, LabelSelector, TypedObject
from capstan.api.struct import Struct


class MachineSetSpec(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta2.spec']"""

    cluster_name: Required[Text63] = ""
    deletion: MachineSetDeletion = MachineSetDeletion()
    machine_naming: MachineNaming = MachineNaming()
    replicas: Int32 | None = None
    selector: Required[LabelSelector] = LabelSelector()
    template: Required[MachineTemplate] = MachineTemplate()


class MachineSetStatus(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta2.status']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    available_replicas: Int32 | None = None
    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    deprecated: MachineSetDeprecatedStatus = MachineSetDeprecatedStatus()
    observed_generation: Annotated[Int64, between(1)] | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    selector: Annotated[str, length(1, 4096)] = ""
    up_to_date_replicas: Int32 | None = None
    versions: Annotated[tuple[VersionCount, ...], items(1, 100), keyed_by("version")] = ()


class MachineSet(TypedObject, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta2']"""

    spec: Required[MachineSetSpec] = MachineSetSpec()
    status: MachineSetStatus = MachineSetStatus()
