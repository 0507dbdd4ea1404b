"""How Machines are replaced after a change, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import one_of
from capstan.api.struct import Struct


class RemediationLimit(Struct, frozen=True, kw_only=True):
    """How many Machines are remediated at one time.

    max_in_flight: how many Machines, or which part, are remediated at one time.
    """

    max_in_flight: int | str | None = None


class RollingUpdate(Struct, frozen=True, kw_only=True):
    """How far replacing may go at one time.

    delete_policy: which Machines go first: Random, Newest or Oldest.
    max_surge: how many Machines, or which part, there may be above the wanted number.
    max_unavailable: how many Machines, or which part, may be missing.
    """

    delete_policy: Annotated[str, one_of("Random", "Newest", "Oldest")] = ""
    max_surge: int | str | None = None
    max_unavailable: int | str | None = None


class DeploymentStrategy(Struct, frozen=True, kw_only=True):
    """How Machines are replaced after a change.

    remediation: what is done with unhealthy Machines.
    rolling_update: how far replacing may go at one time.
    type: RollingUpdate or OnDelete.
    """

    remediation: RemediationLimit = RemediationLimit()
    rolling_update: RollingUpdate = RollingUpdate()
    type: Annotated[str, one_of("RollingUpdate", "OnDelete")] = ""
