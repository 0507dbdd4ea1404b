"""TODO cluster/replicas"""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import ATOMIC_LIST, Int32, Positive32, Required, Text256, items
from capstan.api.struct import Struct


class UpgradeStep(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.status.controlPlane.upgradePlan[]']"""

    version: Required[Text256] = ""


class VersionCount(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.status.controlPlane.versions[]']"""

    replicas: Positive32 | None = None
    version: Required[Text256] = ""


class ReplicaCounts(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.status.controlPlane']"""

    available_replicas: Int32 | None = None
    desired_replicas: Int32 | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    up_to_date_replicas: Int32 | None = None
    upgrade_plan: Annotated[tuple[UpgradeStep, ...], items(1, 32), ATOMIC_LIST] = ()
    versions: Annotated[tuple[VersionCount, ...], items(1, 32), ATOMIC_LIST] = ()
