"""How far a deployment may go above and below its replicas: maxSurge and maxUnavailable (4.5)."""

from __future__ import annotations

from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.rules.portions import portion

DEFAULT_SURGE = 1
DEFAULT_UNAVAILABLE = 0


def _scaled(value: int | str | None, default: int, replicas: int, *, up: bool) -> int:
    """A number, or a percentage of the replicas, rounded up or down."""
    found = None if value is None else portion(value, replicas, up=up)
    return default if found is None else found


def is_rolling_update(deployment: MachineDeployment) -> bool:
    return deployment.spec.rollout.strategy.type in ("", "RollingUpdate")


def max_surge(deployment: MachineDeployment) -> int:
    if not is_rolling_update(deployment):
        return 0
    update = deployment.spec.rollout.strategy.rolling_update
    return _scaled(update.max_surge, DEFAULT_SURGE, deployment.spec.replicas or 0, up=True)


def max_unavailable(deployment: MachineDeployment) -> int:
    """Never more than there are replicas; 1 when both limits come out as 0."""
    replicas = deployment.spec.replicas or 0
    if not is_rolling_update(deployment) or not replicas:
        return 0
    update = deployment.spec.rollout.strategy.rolling_update
    allowed = _scaled(update.max_unavailable, DEFAULT_UNAVAILABLE, replicas, up=False)
    if not allowed and not max_surge(deployment):
        return 1
    return min(allowed, replicas)
