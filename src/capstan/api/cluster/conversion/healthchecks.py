"""Health checks of topologies and classes between v1beta1 and v1beta2, and the strategies that limit them."""

from __future__ import annotations

from typing import Final

from capstan.api.cluster.conversion.durations import duration_of, seconds_of
from capstan.api.cluster.conversion.references import template_ref_up
from capstan.api.cluster.conversion.timeouts import timeouts_down, timeouts_up
from capstan.api.conversion import find, move, replaced, unless_empty
from capstan.api.objects import Obj

HEALTH_CHECK: Final = (
    move(
        "machineHealthCheck.unhealthyConditions",
        "healthCheck.checks.unhealthyNodeConditions",
        timeouts_up,
        timeouts_down,
    ),
    move(
        "machineHealthCheck.unhealthyMachineConditions",
        "healthCheck.checks.unhealthyMachineConditions",
        timeouts_up,
        timeouts_down,
    ),
    move(
        "machineHealthCheck.nodeStartupTimeout",
        "healthCheck.checks.nodeStartupTimeoutSeconds",
        seconds_of,
        duration_of,
    ),
    move("machineHealthCheck.maxUnhealthy", "healthCheck.remediation.triggerIf.unhealthyLessThanOrEqualTo"),
    move("machineHealthCheck.unhealthyRange", "healthCheck.remediation.triggerIf.unhealthyInRange", down=unless_empty),
    move("machineHealthCheck.remediationTemplate", "healthCheck.remediation.templateRef", template_ref_up),
)
STRATEGY: Final = (
    move("strategy.type", "rollout.strategy.type", unless_empty, unless_empty),
    move("strategy.rollingUpdate.maxSurge", "rollout.strategy.rollingUpdate.maxSurge"),
    move("strategy.rollingUpdate.maxUnavailable", "rollout.strategy.rollingUpdate.maxUnavailable"),
    move("strategy.rollingUpdate.deletePolicy", "deletion.order", unless_empty, unless_empty),
    move("strategy.remediation.maxInFlight", "healthCheck.remediation.maxInFlight"),
)


def with_strategy_type(part: Obj, at: tuple[str, ...]) -> Obj:
    """v1beta1 may leave the type out, v1beta2 demands it; only rolling updates have parameters."""
    strategy = find(part, at)
    if isinstance(strategy, dict) and strategy and "type" not in strategy:
        return replaced(part, (*at, "type"), "RollingUpdate")
    return part
