"""TODO infrastructure/v1alpha1/placement"""

from __future__ import annotations

import msgspec

from capstan.api.core.reference import LocalReference
from capstan.api.facts import Int64, Required
from capstan.api.struct import Struct


class SchedulerHints(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.spec.schedulerHints']"""

    memory_adjustment: Int64 | None = None


class NodeLocation(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.status.nodeLocations.controlPlane[]']"""

    machine: Required[LocalReference] = LocalReference()
    node: Required[str] = msgspec.field(default_factory=str)


class NodeLocations(Struct, frozen=True, kw_only=True):
    """TODO ['ProxmoxCluster/v1alpha1.status.nodeLocations']"""

    control_plane: tuple[NodeLocation, ...] = ()
    workers: tuple[NodeLocation, ...] = ()
