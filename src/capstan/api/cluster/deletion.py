"""Timeouts, order and progress of deletions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from capstan.api.facts import Facts, NonNegative32, entries, one_of
from capstan.api.struct import Struct


class MachineDeletion(Struct, frozen=True, kw_only=True):
    """How long the steps of a Machine's deletion may take.

    node_deletion_timeout_seconds: how long deleting the node object is tried; 0 means for ever.
    node_drain_timeout_seconds: how long draining the node may take; 0 means for ever.
    node_volume_detach_timeout_seconds: how long detaching its volumes may take; 0 means for ever.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    node_deletion_timeout_seconds: NonNegative32 | None = None
    node_drain_timeout_seconds: NonNegative32 | None = None
    node_volume_detach_timeout_seconds: NonNegative32 | None = None


class MachineDeletionProgress(Struct, frozen=True, kw_only=True):
    """When the steps of the deletion began.

    node_drain_start_time: when draining the node began.
    wait_for_node_volume_detach_start_time: when waiting for its volumes began.
    wait_for_pre_drain_hook_start_time: when waiting for pre-drain hooks began.
    wait_for_pre_terminate_hook_start_time: when waiting for pre-terminate hooks began.
    """

    node_drain_start_time: datetime | None = None
    wait_for_node_volume_detach_start_time: datetime | None = None
    wait_for_pre_drain_hook_start_time: datetime | None = None
    wait_for_pre_terminate_hook_start_time: datetime | None = None


class MachineSetDeletion(Struct, frozen=True, kw_only=True):
    """Which Machines go first.

    order: which Machines go first: Random, Newest or Oldest.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    order: Annotated[str, one_of("Random", "Newest", "Oldest")] = ""
