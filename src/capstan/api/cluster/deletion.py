"""TODO cluster/deletion"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from capstan.api.facts import Facts, NonNegative32, entries, one_of
from capstan.api.struct import Struct


class MachineDeletion(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.deletion']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    node_deletion_timeout_seconds: NonNegative32 | None = None
    node_drain_timeout_seconds: NonNegative32 | None = None
    node_volume_detach_timeout_seconds: NonNegative32 | None = None


class MachineDeletionProgress(Struct, frozen=True, kw_only=True):
    """TODO ['Machine/v1beta2.status.deletion']"""

    node_drain_start_time: datetime | None = None
    wait_for_node_volume_detach_start_time: datetime | None = None
    wait_for_pre_drain_hook_start_time: datetime | None = None
    wait_for_pre_terminate_hook_start_time: datetime | None = None


class MachineSetDeletion(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta2.spec.deletion']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    order: Annotated[str, one_of("Random", "Newest", "Oldest")] = ""
