"""How the Machines of a deployment come to its present template: one round of a rollout, as a pure decision."""

from __future__ import annotations

from capstan.controllers.machinedeployment.plan.limits import is_rolling_update
from capstan.controllers.machinedeployment.plan.rollout.fleet import Fleet, Rollout, by_age
from capstan.controllers.machinedeployment.plan.rollout.ondelete import plan_on_delete
from capstan.controllers.machinedeployment.plan.rollout.paused import plan_paused
from capstan.controllers.machinedeployment.plan.rollout.rollingupdate import plan_rolling_update

__all__ = ["Fleet", "Rollout", "by_age", "plan_rollout"]


def plan_rollout(fleet: Fleet) -> Rollout:
    """By the deployment's strategy; a paused one only scales."""
    if fleet.deployment.spec.paused:
        return plan_paused(fleet)
    return plan_rolling_update(fleet) if is_rolling_update(fleet.deployment) else plan_on_delete(fleet)
