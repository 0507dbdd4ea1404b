"""What v1beta1 shows of the newer contract."""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.replicas import ReplicaCounts
from capstan.api.facts import Int32, items, keyed_by
from capstan.api.meta import Condition
from capstan.api.struct import Struct


class ClusterV1Beta2Status(Struct, frozen=True, kw_only=True):
    """What clients of the newer contract see.

    conditions: how things stand, one by one.
    control_plane: the control plane.
    workers: the workers.
    """

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    control_plane: ReplicaCounts = ReplicaCounts()
    workers: ReplicaCounts = ReplicaCounts()


class ConditionsV1Beta2Status(Struct, frozen=True, kw_only=True):
    """What clients of the newer contract see.

    conditions: how things stand, one by one.
    """

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()


class ReplicasV1Beta2Status(Struct, frozen=True, kw_only=True):
    """What clients of the newer contract see.

    available_replicas: how many are Available.
    conditions: how things stand, one by one.
    ready_replicas: how many are Ready.
    up_to_date_replicas: how many are as the template wants them.
    """

    available_replicas: Int32 | None = None
    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    ready_replicas: Int32 | None = None
    up_to_date_replicas: Int32 | None = None
