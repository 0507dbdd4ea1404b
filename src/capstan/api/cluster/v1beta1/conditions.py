"""TODO cluster/v1beta1/conditions"""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.replicas import ReplicaCounts
from capstan.api.facts import Int32, items, keyed_by
from capstan.api.meta import Condition
from capstan.api.struct import Struct


class ClusterV1Beta2Status(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.status.v1beta2']"""

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    control_plane: ReplicaCounts = ReplicaCounts()
    workers: ReplicaCounts = ReplicaCounts()


class ConditionsV1Beta2Status(Struct, frozen=True, kw_only=True):
    """TODO ['Machine/v1beta1.status.v1beta2']"""

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()


class ReplicasV1Beta2Status(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta1.status.v1beta2']"""

    available_replicas: Int32 | None = None
    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    ready_replicas: Int32 | None = None
    up_to_date_replicas: Int32 | None = None
