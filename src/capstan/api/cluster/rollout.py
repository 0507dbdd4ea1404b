"""TODO cluster/rollout"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from capstan.api.facts import Facts, Required, entries, one_of
from capstan.api.struct import Struct


class RolloutAfter(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.rollout']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    after: datetime | None = None


class RollingUpdate(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.workers.machineDeployments[].rollout.strategy.rollingUpdate']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    max_surge: int | str | None = None
    max_unavailable: int | str | None = None


class RolloutStrategy(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.workers.machineDeployments[].rollout.strategy']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    rolling_update: RollingUpdate = RollingUpdate()
    type: Required[Annotated[str, one_of("RollingUpdate", "OnDelete")]] = ""


class Rollout(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.workers.machineDeployments[].rollout']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    after: datetime | None = None
    strategy: RolloutStrategy = RolloutStrategy()


class RemediationLimit(Struct, frozen=True, kw_only=True):
    """TODO ['MachineDeployment/v1beta2.spec.remediation']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    max_in_flight: int | str | None = None
