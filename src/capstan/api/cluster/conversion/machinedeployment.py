"""MachineDeployment between v1beta1 and v1beta2."""

from __future__ import annotations

from typing import Final

from capstan.api.cluster.conversion.healthchecks import with_strategy_type
from capstan.api.cluster.conversion.moves import CONDITIONS, counters, machine_spec, with_defaults
from capstan.api.cluster.conversion.references import TEMPLATE_REFS, refs_down, refs_up
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.conversion import Converter, Spoke, downgrade, dropped, move, stay, true_only, unless_empty, upgrade
from capstan.api.fieldnames import FieldNames
from capstan.api.objects import Obj

_OLD_COUNTERS: Final = ("updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
_NEW_COUNTERS: Final = ("readyReplicas", "availableReplicas", "upToDateReplicas")
_MOVES: Final = (
    *CONDITIONS,
    *machine_spec("spec.template.spec."),
    *counters("status", "status.deprecated.v1beta1", _OLD_COUNTERS),
    *counters("status.v1beta2", "status", _NEW_COUNTERS),
    stay("spec.paused", true_only, true_only),
    move("spec.strategy.type", "spec.rollout.strategy.type", unless_empty, unless_empty),
    move("spec.strategy.rollingUpdate.maxSurge", "spec.rollout.strategy.rollingUpdate.maxSurge"),
    move("spec.strategy.rollingUpdate.maxUnavailable", "spec.rollout.strategy.rollingUpdate.maxUnavailable"),
    move("spec.strategy.rollingUpdate.deletePolicy", "spec.deletion.order", unless_empty, unless_empty),
    move("spec.strategy.remediation.maxInFlight", "spec.remediation.maxInFlight"),
    move("spec.rolloutAfter", "spec.rollout.after"),
    move("spec.minReadySeconds", "spec.template.spec.minReadySeconds"),
    move("spec.machineNamingStrategy.template", "spec.machineNaming.template", unless_empty, unless_empty),
    move("spec.revisionHistoryLimit", "spec.revisionHistoryLimit", up=dropped),
    move("spec.progressDeadlineSeconds", "spec.progressDeadlineSeconds", up=dropped),
)
_ZEROS: Final = dict.fromkeys(_OLD_COUNTERS, 0)


def _up(obj: Obj) -> Obj:
    after = with_strategy_type(upgrade(refs_up(obj, TEMPLATE_REFS), _MOVES), ("spec", "rollout", "strategy"))
    return with_defaults(after, ("status", "deprecated", "v1beta1"), _ZEROS)


def _down(obj: Obj) -> Obj:
    return with_defaults(downgrade(refs_down(obj, TEMPLATE_REFS), _MOVES), ("status",), _ZEROS)


convert_machinedeployment = Converter(
    "v1beta2", {"v1beta1": Spoke(_up, _down, fields=FieldNames(_MOVES))}, struct=MachineDeployment
)
