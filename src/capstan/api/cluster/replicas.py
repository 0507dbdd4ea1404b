"""Counts of Machines and of their versions."""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import ATOMIC_LIST, Int32, Positive32, Required, Text256, items
from capstan.api.struct import Struct


class UpgradeStep(Struct, frozen=True, kw_only=True):
    """One version on the way of an upgrade.

    version: the version.
    """

    version: Required[Text256] = ""


class VersionCount(Struct, frozen=True, kw_only=True):
    """How many Machines have one version.

    replicas: how many have it.
    version: the version.
    """

    replicas: Positive32 | None = None
    version: Required[Text256] = ""


class ReplicaCounts(Struct, frozen=True, kw_only=True):
    """How many Machines there are.

    available_replicas: how many are Available.
    desired_replicas: how many are wanted.
    ready_replicas: how many are Ready.
    replicas: how many there are.
    up_to_date_replicas: how many are as the template wants them.
    upgrade_plan: the versions on the way of an upgrade.
    versions: how many have which version.
    """

    available_replicas: Int32 | None = None
    desired_replicas: Int32 | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    up_to_date_replicas: Int32 | None = None
    upgrade_plan: Annotated[tuple[UpgradeStep, ...], items(1, 32), ATOMIC_LIST] = ()
    versions: Annotated[tuple[VersionCount, ...], items(1, 32), ATOMIC_LIST] = ()
