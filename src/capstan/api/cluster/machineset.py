"""MachineSet, a number of equal Machines."""

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
    """Which Machines there are to be, and how many.

    cluster_name: the Cluster that it belongs to.
    deletion: how Machines are deleted.
    machine_naming: how new Machines are called.
    replicas: how many Machines.
    selector: which Machines are counted; it must match the template's labels.
    template: the form of what is made.
    """

    cluster_name: Required[Text63] = ""
    deletion: MachineSetDeletion = MachineSetDeletion()
    machine_naming: MachineNaming = MachineNaming()
    replicas: Int32 | None = None
    selector: Required[LabelSelector] = LabelSelector()
    template: Required[MachineTemplate] = MachineTemplate()


class MachineSetStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the set.

    available_replicas: how many are Available.
    conditions: how things stand, one by one.
    deprecated: what only older contracts ask for.
    observed_generation: the metadata.generation that this status is about.
    ready_replicas: how many are Ready.
    replicas: how many Machines.
    selector: the selector as text, for the scale subresource.
    up_to_date_replicas: how many are as the template wants them.
    versions: how many have which version.
    """

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
    """Keeps a number of equal Machines alive.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[MachineSetSpec] = MachineSetSpec()
    status: MachineSetStatus = MachineSetStatus()
