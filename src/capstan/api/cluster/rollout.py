"""How Machines are replaced after a change."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from capstan.api.facts import Facts, Required, entries, one_of
from capstan.api.struct import Struct


class RolloutAfter(Struct, frozen=True, kw_only=True):
    """When Machines are replaced without any other change.

    after: Machines made before this moment are replaced once it has come.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    after: datetime | None = None


class RollingUpdate(Struct, frozen=True, kw_only=True):
    """How far replacing may go at one time.

    max_surge: how many Machines, or which part, there may be above the wanted number.
    max_unavailable: how many Machines, or which part, may be missing.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    max_surge: int | str | None = None
    max_unavailable: int | str | None = None


class RolloutStrategy(Struct, frozen=True, kw_only=True):
    """The way of replacing Machines.

    rolling_update: how far replacing may go at one time.
    type: RollingUpdate or OnDelete.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    rolling_update: RollingUpdate = RollingUpdate()
    type: Required[Annotated[str, one_of("RollingUpdate", "OnDelete")]] = ""


class Rollout(Struct, frozen=True, kw_only=True):
    """How Machines are replaced after a change.

    after: Machines made before this moment are replaced once it has come.
    strategy: the way of replacing Machines.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    after: datetime | None = None
    strategy: RolloutStrategy = RolloutStrategy()


class RemediationLimit(Struct, frozen=True, kw_only=True):
    """How many Machines are remediated at one time.

    max_in_flight: how many Machines, or which part, are remediated at one time.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    max_in_flight: int | str | None = None
