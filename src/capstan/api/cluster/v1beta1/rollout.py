"""TODO cluster/v1beta1/rollout"""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import one_of
from capstan.api.struct import Struct


class RemediationLimit(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.workers.machineDeployments[].strategy.remediation']"""

    max_in_flight: int | str | None = None


class RollingUpdate(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.workers.machineDeployments[].strategy.rollingUpdate']"""

    delete_policy: Annotated[str, one_of("Random", "Newest", "Oldest")] = ""
    max_surge: int | str | None = None
    max_unavailable: int | str | None = None


class DeploymentStrategy(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.workers.machineDeployments[].strategy']"""

    remediation: RemediationLimit = RemediationLimit()
    rolling_update: RollingUpdate = RollingUpdate()
    type: Annotated[str, one_of("RollingUpdate", "OnDelete")] = ""
