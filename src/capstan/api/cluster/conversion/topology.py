"""`Cluster.spec.topology` between v1beta1 and v1beta2."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.cluster.conversion.healthchecks import HEALTH_CHECK, STRATEGY, with_strategy_type
from capstan.api.cluster.conversion.moves import timeouts
from capstan.api.conversion import ABSENT, downgrade, dropped, each, move, stay, unless_empty, upgrade
from capstan.api.objects import Obj

_WITHOUT_ORIGIN: Final = (move("definitionFrom", "definitionFrom", up=dropped),)


def _variable_up(item: Obj) -> Obj:
    return upgrade(item, _WITHOUT_ORIGIN)


_VARIABLES: Final = (stay("variables.overrides", up=each(_variable_up)),)
_HEALTH_CHECK: Final = (move("machineHealthCheck.enable", "healthCheck.enabled"), *HEALTH_CHECK)
_CONTROL_PLANE: Final = (*_HEALTH_CHECK, *timeouts(), *_VARIABLES)
_MACHINE_DEPLOYMENT: Final = (
    *_HEALTH_CHECK,
    *timeouts(),
    *_VARIABLES,
    *STRATEGY,
    stay("failureDomain", down=unless_empty),
)
_MACHINE_POOL: Final = (*timeouts(), *_VARIABLES)


def _control_plane_up(part: Any) -> Any:
    return upgrade(part, _CONTROL_PLANE) if isinstance(part, dict) else part


def _control_plane_down(part: Any) -> Any:
    return downgrade(part, _CONTROL_PLANE) if isinstance(part, dict) else part


def _deployment_up(item: Obj) -> Obj:
    return with_strategy_type(upgrade(item, _MACHINE_DEPLOYMENT), ("rollout", "strategy"))


def _deployment_down(item: Obj) -> Obj:
    return downgrade(item, _MACHINE_DEPLOYMENT)


def _pool_up(item: Obj) -> Obj:
    return upgrade(item, _MACHINE_POOL)


def _pool_down(item: Obj) -> Obj:
    return downgrade(item, _MACHINE_POOL)


_TOPOLOGY: Final = (
    move("class", "classRef.name"),
    move("classNamespace", "classRef.namespace", down=unless_empty),
    move("rolloutAfter", "rolloutAfter", up=dropped),
    stay("variables", up=each(_variable_up)),
    stay("controlPlane", _control_plane_up, _control_plane_down),
    stay("workers.machineDeployments", each(_deployment_up), each(_deployment_down)),
    stay("workers.machinePools", each(_pool_up), each(_pool_down)),
)


def topology_up(part: Any) -> Any:
    return (upgrade(part, _TOPOLOGY) or ABSENT) if isinstance(part, dict) else part


def topology_down(part: Any) -> Any:
    return (downgrade(part, _TOPOLOGY) or ABSENT) if isinstance(part, dict) else part
